"""From the names that callers may use to the targets behind them: `provider/model`, chains, patterns. Pure."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gateway.config.called import nearest
from gateway.config.models.catalog import ChainTarget, Failover, ModelEntry
from gateway.config.models.providers import Provider
from gateway.config.problems import Finding, Where
from gateway.core.catalog import Model, Target

NEXT = "next"
"""In `failover`: the next target of the chain."""
ANY = "*"


def models_of(entries: Mapping[str, ModelEntry], providers: Mapping[str, Provider]) -> tuple[list[Model], list[Finding]]:
    """The models that hold, and what is wrong with the others."""
    models: list[Model] = []
    findings: list[Finding] = []
    for name, entry in entries.items():
        wrong = [*_name(name), *_chain(name, entry, providers), *_failover(name, entry.failover, entries)]
        findings += wrong
        if not wrong:
            models.append(_model(name, entry))
    return models, findings


def _model(name: str, entry: ModelEntry) -> Model:
    """`groq/*: groq/*` asks for what stands in place of the star; `claude-*: anthropic/*` for the whole name."""
    prefix = name[:-1] if name.endswith("/*") else ""
    targets = tuple(_target(one, prefix, strict=entry.unsupported == "refuse") for one in entry.chain)
    failover = {code: told for code, told in entry.failover if told is not None}
    return Model(name, targets, entry.attempts, MappingProxyType(failover), entry.hedge)


def _target(one: ChainTarget, prefix: str, *, strict: bool) -> Target:
    provider, _, model = one.target.partition("/")
    return Target(provider, model, one.target, one.weight, one.priority, strict, prefix if model == ANY else "")


def _failover(name: str, failover: Failover, entries: Mapping[str, ModelEntry]) -> Iterator[Finding]:
    for code, told in failover:
        where: Where = ("models", name, "failover", code)
        if told is None or told == NEXT:
            continue
        if told == name:
            yield Finding(where, f"{name!r} would ask itself again", f"write {NEXT}, or another model", rule="bad-failover")
        elif told not in entries and not _is_taken(told, entries):
            near = nearest(told, entries)
            hint = f"did you mean {near!r}?" if near else f"write {NEXT}, or add it under models"
            yield Finding(where, f"there is no model {told!r}", hint, rule="unknown-model")


def _is_taken(name: str, entries: Mapping[str, ModelEntry]) -> bool:
    """Whether a pattern takes it."""
    return ANY not in name and any(one.endswith(ANY) and name.startswith(one[:-1]) for one in entries)


def _name(name: str) -> Iterator[Finding]:
    if not name or not name.isprintable() or any(letter.isspace() for letter in name):
        yield Finding(("models", name), "a model's name has no blanks", "rename it", rule="bad-name", at_key=True)
    elif "*" in name[:-1]:
        yield Finding(
            ("models", name),
            f"{name!r} is no pattern",
            "write the * at the end, as in gpt-*",
            rule="bad-name",
            at_key=True,
        )


def _chain(name: str, entry: ModelEntry, providers: Mapping[str, Provider]) -> Iterator[Finding]:
    if not entry.chain:
        hint = "add a target, such as { target: provider/model }"
        yield Finding(("models", name, "chain"), f"the chain of {name!r} is empty", hint, rule="empty-chain")
    for at, one in enumerate(entry.chain):
        where: Where = ("models", name, "chain", at, "target")
        yield from _reference(where, one.target, providers)
        if any(one.target == before.target for before in entry.chain[:at]):
            hint = "name it once; a target that fails is asked again where no other is left"
            yield Finding(where, f"{one.target!r} stands in this chain already", hint, rule="twice-in-chain")


def _reference(where: Where, target: str, providers: Mapping[str, Provider]) -> Iterator[Finding]:
    provider, slash, model = target.partition("/")
    if not slash or not provider or not model or target.strip() != target:
        hint = f"write one such as {next(iter(providers), 'openai')}/{provider.strip() or 'model'}"
        yield Finding(where, f"{target!r} is not provider/model", hint, rule="bad-target")
    elif provider not in providers:
        yield _unknown_provider(where, provider, providers)
    elif "*" in model and model != "*":
        yield Finding(where, f"{target!r} is neither one model nor all", f"write {provider}/* for any name", rule="bad-target")


def _unknown_provider(where: Where, provider: str, providers: Mapping[str, Provider]) -> Finding:
    near = nearest(provider, providers)
    known = ", ".join(providers) or "none"
    if near is None and provider == "echo":
        hint = "add it under providers: echo: { wire: echo }"
    else:
        hint = f"did you mean {near!r}?" if near else "add it under providers"
    return Finding(where, f"there is no provider {provider!r}; there are: {known}", hint, rule="unknown-provider")
