"""What `fleetgate serve` prints once it listens: one screen, ready to paste from. Pure: from facts to lines."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway import __version__
from gateway.cli.program import NAME
from gateway.config.models.server import EVERYWHERE, Listen
from gateway.core.catalog import Model, ProviderSpec
from gateway.core.snapshot import Snapshot

SHOWN = 12
"""Entries of a kind that are named; the others are counted."""

WIDTH = 66
"""Columns right of the titles."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the screen tells beside the snapshot.

    `found` maps a provider to the variable that made it, `unserved` says what was found in vain, `idle` are the keys
    that were set and do nothing yet, `program` is how this command is called again.
    """

    listen: Listen
    config: str | None
    found: Mapping[str, str] = field(default_factory=dict)
    unserved: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    program: str = NAME


def lines(facts: Facts, snapshot: Snapshot) -> list[str]:
    """The screen."""
    providers = [provider_line(spec, facts.found.get(name)) for name, spec in snapshot.providers.items()]
    return [
        f"fleetgate {__version__} listens on http://{facts.listen}",
        "",
        *_section("config", [facts.config or f"none: `{facts.program} init` writes one"]),
        *_section("providers", [*_limited(providers, "in all"), *facts.unserved] or ["none"]),
        *_section("models", _packed(_models(snapshot, facts.program)) or ["none"]),
        *_section("auth", [_auth(snapshot)]),
        *_section("not yet", _idle(facts)),
        "",
        *_exports(base_url(facts.listen), "any" if not snapshot.keys else "YOUR_KEY"),
        *_invitation(facts.program, snapshot),
        "",
    ]


def _exports(url: str, key: str) -> list[str]:
    """What points each SDK here. Anthropic's and Google's write the version into the path themselves."""
    root = url.removesuffix("/v1")
    return [
        f"  export OPENAI_BASE_URL={url} OPENAI_API_KEY={key}",
        f"  export ANTHROPIC_BASE_URL={root} ANTHROPIC_AUTH_TOKEN={key}",
        f"  export GOOGLE_GEMINI_BASE_URL={root} GEMINI_API_KEY={key}",
    ]


def base_url(listen: Listen) -> str:
    """What a client on this machine sets: nobody can be reached at `0.0.0.0`."""
    host = listen.host
    if host in EVERYWHERE:
        host = "::1" if ":" in host else "127.0.0.1"
    return f"http://{Listen(host, listen.port)}/v1"


def counted(number: int, noun: str) -> str:
    """`no keys`, `1 key`, `2 keys`."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def provider_line(spec: ProviderSpec, variable: str | None = None) -> str:
    """A provider: where it is, who made it, and why it cannot answer where it cannot."""
    if spec.wire == "echo":
        return f"{spec.name} (built in)"
    place = f"{spec.name} at {spec.base_url}" if spec.base_url else spec.name
    by = f" (by {variable})" if variable else ""
    missing = shortcoming(spec)
    return f"{place}{by}{', ' if missing else ''}{missing}"


def shortcoming(spec: ProviderSpec) -> str:
    """Why calls to this provider are answered with 503; empty where they are not."""
    if spec.key_needed and not spec.api_keys:
        return f"no key: set {spec.variable}" if spec.variable else "no key: give it api_keys"
    return ""


def _section(title: str, entries: list[str]) -> list[str]:
    return [f"  {title if at == 0 else '':<10} {entry}" for at, entry in enumerate(entries)]


def _models(snapshot: Snapshot, program: str) -> list[str]:
    names = [_alias(model) for model in snapshot.catalog.models.values()]
    return [*_limited(names, f"`{program} models` tells"), *_limited([_alias(one) for one in snapshot.catalog.patterns], "too")]


def _alias(model: Model) -> str:
    label = model.targets[0].label
    plain = label.partition("/")[2] == model.name and not model.name.endswith("*")
    return model.name if plain else f"{model.name} -> {label}"


def _limited(entries: Iterable[str], rest: str) -> list[str]:
    every = list(entries)
    more = [f"{len(every) - SHOWN} more ({rest})"] if len(every) > SHOWN else []
    return [*every[:SHOWN], *more]


def _packed(entries: list[str]) -> list[str]:
    """The entries, as many on a line as have room."""
    packed: list[str] = []
    for at, entry in enumerate(entries):
        told = entry if at == len(entries) - 1 else f"{entry},"
        if packed and len(packed[-1]) + 1 + len(told) <= WIDTH:
            packed[-1] += f" {told}"
        else:
            packed.append(told)
    return packed


def _idle(facts: Facts) -> list[str]:
    if not facts.idle:
        return []
    first, *others = _limited(facts.idle, f"`{facts.program} check` tells")
    return _packed([f"without effect in this version: {first}", *others])


def _auth(snapshot: Snapshot) -> str:
    if not snapshot.keys:
        return "off: any key is accepted, on loopback only"
    tenants = {entry.principal.tenant.name for entry in snapshot.keys.values()}
    return f"on: {counted(len(snapshot.keys), 'key')} of {counted(len(tenants), 'tenant')}"


def _invitation(program: str, snapshot: Snapshot) -> list[str]:
    """First questions that can be answered: `ask` takes echo where nothing else is named."""
    every = [*snapshot.catalog.models.values(), *snapshot.catalog.patterns]
    able = [one for one in every if not all(shortcoming(snapshot.providers[target.provider]) for target in one.targets)]
    if all(one.name != "echo" for one in able):
        name = next((shlex.quote(one.name) for one in able if not one.name.endswith("*")), _example(able, snapshot))
        return [f'  {program} ask -m {name} "hello"'] if name else []
    others = _example([one for one in able if one.name.endswith("*")], snapshot)
    return [f'  {program} ask "hello"', *([f'  {program} ask -m {others} "hello"'] if others else [])]


def _example(patterns: Sequence[Model], snapshot: Snapshot) -> str:
    """A name to be completed, of the first pattern behind which a real provider stands; its own names are the plainest."""
    real = [one.name for one in patterns if snapshot.providers[one.targets[0].provider].wire != "echo"]
    name = next((one for one in real if one.endswith("/*")), real[0] if real else "")
    return f"{name.removesuffix('*')}MODEL" if name else ""
