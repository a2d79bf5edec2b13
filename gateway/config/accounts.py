"""From configured providers to what the gateway opens: defaults of the wire, keys, pool, script. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from gateway.config.keyring import Variables
from gateway.config.libraries import libraries
from gateway.config.models.providers import Provider
from gateway.config.models.server import Listen
from gateway.config.places import base_url_of, location_of, needs_key, usual_variable
from gateway.config.problems import Finding, Severity, Where
from gateway.config.requirements import requirements
from gateway.core.catalog import PoolLimits, ProviderSpec, Timeouts
from gateway.providers.echo.script import ScriptError, parse

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a configuration stands: the folder of its relative paths, who names which variables, and the variables."""

    folder: Path
    variables: Variables
    environ: Mapping[str, str]


def specs_of(
    providers: Mapping[str, Provider], listen: Listen, setting: Setting
) -> tuple[dict[str, ProviderSpec], list[Finding]]:
    """The specifications by name, and what is wrong or deserves a look."""
    variables = setting.variables
    specs = {name: _spec(name, provider, setting) for name, provider in providers.items()}
    findings = [finding for name, provider in providers.items() for finding in _look(name, provider, specs[name])]
    for name, spec in specs.items():
        if listen.is_at(spec.base_url):  # what the start screen invites to export would send every call round for ever
            findings.append(_own_address(name, spec, variables))
            specs[name] = replace(spec, api_keys=(), key_needed=True)
    return specs, findings


def _spec(name: str, provider: Provider, setting: Setting) -> ProviderSpec:
    location = location_of(provider, setting.environ)
    base_url = base_url_of(provider, location)
    patience, pool = provider.timeouts, provider.pool
    return ProviderSpec(
        name=name,
        wire=provider.wire,
        base_url=base_url,
        api_keys=tuple(text for key in provider.api_keys if (text := key.get_secret_value().strip())),
        timeouts=Timeouts(patience.connect, patience.first_byte, patience.between_bytes, patience.total, patience.first_token),
        pool=PoolLimits(pool.idle, pool.total, pool.idle_for, pool.age),
        ca_file=_beside(setting.folder, provider.ca_file),
        driver="httpx" if provider.proxy else provider.driver,
        proxy=provider.proxy or None,
        variable=_variable(name, provider, setting.variables),
        key_needed=needs_key(provider.wire, base_url),
        script=tuple(provider.script.items()),
        vendor=provider.vendor or "",
        version=provider.version or "",
        project=provider.project or "",
        location=location,
        credentials_file=_beside(setting.folder, provider.credentials_file),
        profile=provider.profile or None,
        headers=tuple((header, value.get_secret_value()) for header, value in provider.headers.items()),
        fetches_images=provider.images == "fetch",
    )


def _beside(folder: Path, file: str | None) -> str | None:
    return str(folder / file) if file else None


def _variable(name: str, provider: Provider, variables: Variables) -> str | None:
    """The first variable that a key of the provider refers to."""
    where: Where = ("providers", name, "api_keys")
    named = [one for at in range(len(provider.api_keys)) for one in variables((*where, at))]
    return next(iter((*named, *variables(where))), None)


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
    wrong = list(requirements(where, provider, spec))
    yield from wrong
    if spec.key_needed and not spec.api_keys and not any(one.severity is Severity.ERROR for one in wrong):
        usual = usual_variable(provider, spec.base_url)
        hint = f"set {spec.variable}" if spec.variable else f'add api_keys: [ "${{{usual}}}" ]'
        message = f"{urlsplit(spec.base_url).hostname} needs a key; until then models of {name!r} answer 503"
        yield Finding(where, message, hint, Severity.WARNING, "no-key", at_key=True)
    yield from libraries(where, spec)
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
