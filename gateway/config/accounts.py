"""From configured providers to what the gateway opens: defaults of the wire, keys, pool, script. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from gateway.config.keyring import Variables
from gateway.config.models.providers import Provider
from gateway.config.models.server import Listen
from gateway.config.problems import Finding, Severity, Where
from gateway.core.catalog import PoolLimits, ProviderSpec, Timeouts
from gateway.providers.echo.script import ScriptError, parse

OPENAI = "https://api.openai.com/v1"
KEY_NEEDED = frozenset({"api.openai.com"})
"""Hosts that answer nobody without a key."""

SERVED = ("openai", "echo")
"""The wires that this version speaks; the others are accepted, and answer 503."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


def specs_of(
    providers: Mapping[str, Provider], listen: Listen, folder: Path, variables: Variables
) -> tuple[dict[str, ProviderSpec], list[Finding]]:
    """The specifications by name, and what is wrong or deserves a look."""
    specs = {name: _spec(name, provider, folder, variables) for name, provider in providers.items()}
    findings = [finding for name, provider in providers.items() for finding in _look(name, provider, specs[name])]
    for name, spec in specs.items():
        if listen.is_at(spec.base_url):  # what the start screen invites to export would send every call round for ever
            findings.append(_own_address(name, spec, variables))
            specs[name] = replace(spec, api_keys=(), key_needed=True)
    return specs, findings


def _spec(name: str, provider: Provider, folder: Path, variables: Variables) -> ProviderSpec:
    base_url = provider.base_url or (OPENAI if provider.wire == "openai" else "")
    patience, pool = provider.timeouts, provider.pool
    named = [one for at in range(len(provider.api_keys)) for one in variables(("providers", name, "api_keys", at))]
    named += variables(("providers", name, "api_keys"))
    return ProviderSpec(
        name=name,
        wire=provider.wire,
        base_url=base_url,
        api_keys=tuple(text for key in provider.api_keys if (text := key.get_secret_value().strip())),
        timeouts=Timeouts(patience.connect, patience.first_byte, patience.between_bytes, patience.total),
        pool=PoolLimits(pool.idle, pool.total, pool.idle_for, pool.age),
        ca_file=str(folder / provider.ca_file) if provider.ca_file else None,
        driver="httpx" if provider.proxy else provider.driver,
        proxy=provider.proxy or None,
        variable=named[0] if named else None,
        key_needed=provider.wire == "openai" and urlsplit(base_url).hostname in KEY_NEEDED,
        script=tuple(provider.script.items()),
    )


def _look(name: str, provider: Provider, spec: ProviderSpec) -> Iterator[Finding]:
    where: Where = ("providers", name)
    if not _NAME.fullmatch(name):
        yield Finding(
            where,
            f"{name!r} cannot stand in provider/model",
            "use letters, digits, - and _",
            rule="bad-name",
            at_key=True,
        )
    if spec.wire not in SERVED:
        yield Finding(
            (*where, "wire"),
            f"this version does not serve {spec.wire!r} yet; models of {name!r} answer 503",
            f"use one of {', '.join(SERVED)}, or leave it for a later version",
            Severity.NOTE,
            "not-yet",
        )
    if spec.key_needed and not spec.api_keys:
        hint = f"set {spec.variable}" if spec.variable else 'add api_keys: [ "${OPENAI_API_KEY}" ]'
        yield Finding(
            where,
            f"{urlsplit(spec.base_url).hostname} needs a key; until then models of {name!r} answer 503",
            hint,
            Severity.WARNING,
            "no-key",
            at_key=True,
        )
    yield from _keys(where, provider)
    yield from _script(where, provider)


def _own_address(name: str, spec: ProviderSpec, variables: Variables) -> Finding:
    where: Where = ("providers", name, "base_url")
    named = variables(where)
    hint = f"unset {named[0]}, or let it name another server" if named else "name another server"
    message = f"{spec.base_url} is this gateway itself; models of {name!r} answer 503"
    return Finding(where, message, hint, Severity.WARNING, "own-address")


def _keys(where: Where, provider: Provider) -> Iterator[Finding]:
    for at, key in enumerate(provider.api_keys):
        text = key.get_secret_value().strip()
        if not (text.isascii() and text.isprintable()):
            yield Finding(
                (*where, "api_keys", at),
                "the key cannot be sent in a header",
                "look for line breaks in it",
                rule="bad-key",
            )


def _script(where: Where, provider: Provider) -> Iterator[Finding]:
    if provider.script and provider.wire != "echo":
        message = f"the wire {provider.wire!r} has no script"
        yield Finding((*where, "script"), message, "remove it, or write wire: echo", rule="bad-script", at_key=True)
        return
    for setting in provider.script.items():
        try:
            parse([setting])
        except ScriptError as error:
            yield Finding((*where, "script", setting[0]), str(error), rule="bad-script")
