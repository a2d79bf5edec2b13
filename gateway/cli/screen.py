"""What `fleetgate serve` prints once it listens: one screen, ready to paste from. Pure: from facts to lines."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway import __version__
from gateway.core.catalog import ProviderSpec
from gateway.core.snapshot import Snapshot

SHOWN = 12
"""Models that are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the screen tells beside the snapshot: where it listens, which file it read, which variables it found."""

    address: str
    config: str | None
    found: Mapping[str, str] = field(default_factory=dict)
    unserved: tuple[str, ...] = ()


def lines(facts: Facts, snapshot: Snapshot) -> list[str]:
    """The screen. `found` maps a provider to the variable that made it."""
    config = facts.config or "none: `fleetgate init` writes one"
    return [
        f"fleetgate {__version__} listens on {facts.address}",
        "",
        f"  config     {config}",
        *_listed("providers", [_provider(spec, facts.found.get(name)) for name, spec in snapshot.providers.items()]),
        *_listed("", list(facts.unserved)),
        *_listed("models", _models(snapshot)),
        f"  auth       {_auth(snapshot)}",
        "",
        f"  export OPENAI_BASE_URL={facts.address}/v1",
        f"  export OPENAI_API_KEY={'any' if not snapshot.keys else '<one of your keys>'}",
        '  fleetgate ask "hello"',
        "",
    ]


def _listed(title: str, entries: list[str]) -> list[str]:
    return [f"  {title if at == 0 else '':<10} {entry}" for at, entry in enumerate(entries)]


def _provider(spec: ProviderSpec, variable: str | None) -> str:
    if spec.wire == "echo":
        return f"{spec.name} (built in)"
    by = f" (by {variable})" if variable else ""
    keyless = spec.key_needed and not spec.api_keys
    missing = f", no key: set {spec.variable}" if keyless and spec.variable else ", no key" if keyless else ""
    return f"{spec.name} at {spec.base_url}{by}{missing}"


def _models(snapshot: Snapshot) -> list[str]:
    named = list(snapshot.catalog.models.values())
    told = [
        model.name
        if len(model.targets) == 1 and model.targets[0].label.endswith(f"/{model.name}")
        else _alias(model.name, model.targets[0].label)
        for model in named[:SHOWN]
    ]
    rest = [f"and {len(named) - SHOWN} more: `fleetgate models`"] if len(named) > SHOWN else []
    patterns = [_alias(model.name, model.targets[0].label) for model in snapshot.catalog.patterns]
    return [", ".join([*told, *rest, *patterns])] if told or patterns else ["none"]


def _alias(name: str, label: str) -> str:
    return f"{name} -> {label}"


def _auth(snapshot: Snapshot) -> str:
    if not snapshot.keys:
        return "off: any key is accepted, on loopback only"
    tenants = {entry.principal.tenant.name for entry in snapshot.keys.values()}
    return f"on: {len(snapshot.keys)} keys of {len(tenants)} tenants"
