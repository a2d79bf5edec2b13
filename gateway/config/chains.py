"""From the names that callers may use to the targets behind them: `provider/model`, chains, patterns. Pure."""

from collections.abc import Iterator, Mapping

from gateway.config.models.catalog import ChainTarget, ModelEntry
from gateway.config.models.providers import Provider
from gateway.config.problems import Finding, Where
from gateway.config.validate import nearest
from gateway.core.catalog import Model, Target


def models_of(entries: Mapping[str, ModelEntry], providers: Mapping[str, Provider]) -> tuple[list[Model], list[Finding]]:
    """The models that hold, and what is wrong with the others."""
    models: list[Model] = []
    findings: list[Finding] = []
    for name, entry in entries.items():
        wrong = [*_name(name), *_chain(name, entry, providers)]
        findings += wrong
        if not wrong:
            models.append(Model(name, tuple(map(_target, entry.chain))))
    return models, findings


def _target(one: ChainTarget) -> Target:
    provider, _, model = one.target.partition("/")
    return Target(provider, model, one.target, one.weight, one.priority)


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
        yield from _reference(("models", name, "chain", at, "target"), one.target, providers)


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
