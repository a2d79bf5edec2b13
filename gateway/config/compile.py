"""From the model to the frozen Snapshot: pure, and what does not fit together becomes findings.

The snapshot comes without open upstreams: the composition root puts them in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from gateway.config.accounts import Setting, specs_of
from gateway.config.chains import models_of
from gateway.config.keyring import LONG_ENOUGH, Keyring, Variables, holds_example, weak_keys
from gateway.config.masking import EXAMPLE_KEY
from gateway.config.models import Config, Policy
from gateway.config.models.server import Listen
from gateway.config.problems import Finding, Severity, Where
from gateway.config.version import version_of
from gateway.core.catalog import Catalog
from gateway.core.snapshot import Bounds, Snapshot
from gateway.identity.keys import digest


def _no_variables(_: Where) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Surroundings:
    """What a configuration needs besides its text.

    `folder` is where its relative paths start; `listen` the address that is really used; `pepper` stands in where none
    is configured; `variables` tells which environment variables a value refers to; `created_s` is what model listings show;
    `ca_digests` has what is in the files that each provider names; `environ` are the variables.
    """

    folder: Path
    pepper: bytes
    listen: Listen | None = None
    created_s: int = 0
    policies: Sequence[Policy] = ()
    variables: Variables = _no_variables
    ca_digests: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)


def compile_config(config: Config, around: Surroundings) -> tuple[Snapshot, list[Finding]]:
    """The snapshot, and what is wrong; with errors among the findings it must not be used."""
    listen = around.listen or config.server.listen
    models, findings = models_of(config.models, config.providers)
    catalog = Catalog.of(models, around.created_s)
    setting = Setting(around.folder, around.variables, around.environ)
    specs, more = specs_of(config.providers, listen, setting)
    specs |= {name: replace(specs[name], ca_digest=digest) for name, digest in around.ca_digests.items()}
    pepper = _pepper(config) or around.pepper
    ring = Keyring(pepper, catalog, config.models, around.variables)
    for name, tenant in config.tenants.items():
        ring.add(name, tenant)
    snapshot = Snapshot(
        version=version_of(config, around.policies, around.ca_digests),
        catalog=catalog,
        providers=MappingProxyType(specs),
        keys=MappingProxyType(ring.keys),
        pepper=pepper,
        bounds=_bounds(config),
        admin_key=digest(pepper, admin) if (admin := _admin_key(config)) else None,
    )
    open_to_others = [*weak_keys(config.tenants, listen), *_weak_admin_key(config, listen), *exposure(listen, snapshot)]
    return snapshot, [*findings, *more, *ring.findings, *_nothing_to_ask(config), *open_to_others]


def exposure(listen: Listen, snapshot: Snapshot) -> list[Finding]:
    """Why this address may not be listened on: wider than loopback, anybody could call. Empty: it may."""
    where: Where = ("server", "listen")
    if listen.loopback:
        return []
    if not snapshot.keys:
        return [
            Finding(
                where,
                f"{listen} can be reached by others, and no key is configured",
                "add a key under tenants, or listen on 127.0.0.1",
                rule="exposed",
            )
        ]
    if holds_example(snapshot.keys, snapshot.pepper):
        return [
            Finding(
                where,
                f"{listen} can be reached by others, and the key {EXAMPLE_KEY!r} is known to everybody",
                "replace that key, or listen on 127.0.0.1",
                rule="exposed",
            )
        ]
    return []


def _nothing_to_ask(config: Config) -> list[Finding]:
    if config.models:
        return []
    hint = 'add one under models, or "*": provider/* for every name'
    return [Finding(("models",), "no model is configured, so nothing can be asked", hint, Severity.WARNING, "no-models")]


def _pepper(config: Config) -> bytes:
    return config.auth.pepper.get_secret_value().encode() if config.auth.pepper else b""


def _admin_key(config: Config) -> str:
    return config.auth.admin_key.get_secret_value() if config.auth.admin_key else ""


def _weak_admin_key(config: Config, listen: Listen) -> list[Finding]:
    key = _admin_key(config)
    if listen.loopback or not key or (len(key) >= LONG_ENOUGH and key != EXAMPLE_KEY):
        return []
    message = f"the admin key is one that others can find out, and {listen} can be reached by them"
    hint = f"make one of {LONG_ENOUGH} characters or more at random, or listen on 127.0.0.1"
    return [Finding(("auth", "admin_key"), message, hint, Severity.WARNING, "weak-key")]


def _bounds(config: Config) -> Bounds:
    server = config.server
    return Bounds(
        body_bytes=server.body,
        in_flight=server.in_flight,
        receive_s=server.receive,
        heartbeat_s=server.heartbeat,
        drain_s=server.drain,
    )
