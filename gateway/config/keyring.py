"""From tenants and their keys to what Identify looks up: digests, and the principals they stand for. Pure."""

from collections.abc import Callable, Iterator, Mapping

from gateway.config.called import nearest
from gateway.config.masking import EXAMPLE_KEY
from gateway.config.models.server import Listen
from gateway.config.models.tenants import Key, Tenant
from gateway.config.problems import Finding, Severity, Where, dotted
from gateway.core.catalog import Catalog
from gateway.core.tenant import KeyEntry, Principal
from gateway.core.tenant import Tenant as CoreTenant
from gateway.identity.keys import digest

Variables = Callable[[Where], tuple[str, ...]]
"""Which environment variables a value refers to."""

LONG_ENOUGH = 16
"""Characters of a key that nobody guesses by trying, if they are random."""


class Keyring:
    """Collects the keys of all tenants; what is wrong stands in `findings`."""

    def __init__(self, pepper: bytes, catalog: Catalog, declared: Mapping[str, object], variables: Variables) -> None:
        self._pepper = pepper
        self._catalog = catalog
        self._declared = declared
        self._variables = variables
        self._first: dict[bytes, Where] = {}
        self.keys: dict[bytes, KeyEntry] = {}
        self.findings: list[Finding] = []

    def add(self, name: str, tenant: Tenant) -> None:
        """Takes in one tenant with its keys."""
        self.findings += self._models(name, tenant)
        allowed = None if tenant.models is None else frozenset(tenant.models)
        principal_of = CoreTenant(name, allowed)
        names: set[str] = set()
        for at, key in enumerate(tenant.keys):
            where: Where = ("tenants", name, "keys", at)
            if key.name in names:
                message = f"{name!r} has a key {key.name!r} already"
                self.findings.append(Finding((*where, "name"), message, "give it another name", rule="duplicate-name"))
            names.add(key.name)
            self._key((*where, "key"), key, Principal(principal_of, key.name))

    def _key(self, where: Where, key: Key, principal: Principal) -> None:
        text = key.key.get_secret_value()
        if not text:
            supply = " or ".join(self._variables(where)) or "it"
            self.findings.append(Finding(where, "the key is empty", f"set {supply}, or remove the key", rule="empty-key"))
        elif not (text.isascii() and text.isprintable()) or " " in text:
            self.findings.append(
                Finding(where, "the key could not be sent in a header", "use ASCII letters without blanks", rule="bad-key")
            )
        else:
            self._enter(where, digest(self._pepper, text), principal)

    def _enter(self, where: Where, hashed: bytes, principal: Principal) -> None:
        if hashed in self.keys:
            message = f"the same key stands at {dotted(self._first[hashed][:-1])}"
            self.findings.append(Finding(where, message, "make another one", rule="duplicate-key-text"))
            return
        self._first[hashed] = where
        self.keys[hashed] = KeyEntry(hashed, principal)

    def _models(self, tenant: str, entry: Tenant) -> Iterator[Finding]:
        for at, name in enumerate(entry.models or ()):
            where: Where = ("tenants", tenant, "models", at)
            found = self._catalog.find(name) if "*" not in name else None
            if name in self._declared:
                continue
            if found is None:
                near = nearest(name, self._declared)
                hint = f"did you mean {near!r}?" if near else "add it under models"
                yield Finding(where, f"there is no model {name!r}", hint, rule="unknown-model")
            elif near := nearest(name, self._catalog.models, 0.85):
                yield Finding(
                    where,
                    f"{name!r} is not under models; only {found.name!r} takes it",
                    f"did you mean {near!r}?",
                    Severity.WARNING,
                    "unlisted-model",
                )


def weak_keys(tenants: Mapping[str, Tenant], listen: Listen) -> Iterator[Finding]:
    """Keys that are short where others can try them out; on loopback any will do."""
    if listen.loopback:
        return
    for name, tenant in tenants.items():
        for at, key in enumerate(tenant.keys):
            if 0 < len(key.key.get_secret_value()) < LONG_ENOUGH:
                message = f"the key is shorter than {LONG_ENOUGH} characters, and {listen} can be reached by others"
                hint = "make a longer one at random, or listen on 127.0.0.1"
                yield Finding(("tenants", name, "keys", at, "key"), message, hint, Severity.WARNING, "weak-key")


def holds_example(keys: Mapping[bytes, KeyEntry], pepper: bytes) -> bool:
    """Whether the key of our documentation, which everybody knows, is among them."""
    return digest(pepper, EXAMPLE_KEY) in keys
