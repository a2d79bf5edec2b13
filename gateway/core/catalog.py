"""What can be asked for and who answers: providers, targets, models, and how a name becomes a chain."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The patience of one call to a provider, in seconds, phase by phase."""

    connect_s: float = 5.0
    first_byte_s: float = 60.0
    between_bytes_s: float = 60.0
    total_s: float = 600.0
    first_token_s: float = 300.0


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of a keep-alive pool to one origin."""

    idle: int = 256
    total: int = 12_000
    idle_s: float = 60.0
    age_s: float = 600.0


@dataclass(frozen=True)
class ProviderSpec:
    """A provider as configured: an account at a vendor or a server, and how to speak to it.

    `variable` names the environment variable that would supply the missing key, for the error that says so.
    `driver` is `native` (the gateway's own HTTP/1.1 client) or `httpx` (forward proxies, HTTP/2).
    `script` holds the settings of the echo wire. `key_needed` is False for servers that take any key. `ca_digest` tells
    the content of `ca_file`, so that a provider whose file has another one is another provider.

    `vendor` is the row of `providers.vendors` that tells what an OpenAI-compatible server can do. `version` is the API's
    version where it has several (`anthropic-version`, Azure's dated `api-version`). `project` and `location` are Vertex'
    (`location` is also the region of AWS); `credentials_file` is a Google service account's, `profile` one of AWS's.
    `headers` go with every call. `fetches_images`: images given as URLs may be fetched where the wire needs their bytes.
    """

    name: str
    wire: str
    base_url: str = ""
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    timeouts: Timeouts = Timeouts()
    pool: PoolLimits = PoolLimits()
    ca_file: str | None = None
    ca_digest: str | None = None
    driver: str = "native"
    proxy: str | None = field(default=None, repr=False)
    variable: str | None = None
    key_needed: bool = False
    script: tuple[tuple[str, str], ...] = ()
    vendor: str = ""
    version: str = ""
    project: str = ""
    location: str = ""
    credentials_file: str | None = None
    profile: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    fetches_images: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """One place that can answer: a model of a provider (`*`: whatever the caller asked for).

    `label` is its name in metrics, bounded by the configuration. `strict`: parameters that it cannot take are refused
    instead of dropped. `prefix`: what is taken off the asked name, where the model is `*`.
    """

    provider: str
    model: str
    label: str
    weight: int = 1
    priority: int = 1
    strict: bool = False
    prefix: str = ""

    def named(self, asked: str) -> str:
        """The model's name at the provider, where the caller asked for `asked`."""
        return asked.removeprefix(self.prefix) if self.model == "*" else self.model


@dataclass(frozen=True, slots=True)
class Model:
    """A name that callers may ask for, and the targets that can answer, as configured.

    `attempts`: tries in all that one call may make. `failover` says, for the codes of errors that are the caller's own
    (`context_length`, `content_filter`), which model is asked instead; `next`: the next target. `hedge_s`: after so long
    without a first token a second target is asked beside the first; None: never.
    """

    name: str
    targets: tuple[Target, ...]
    attempts: int = 3
    failover: Mapping[str, str] = field(default_factory=dict)
    hedge_s: float | None = None


@dataclass(frozen=True)
class Catalog:
    """All models by name, and patterns (`claude-*`, `*`) that take names nothing else claims and pass them on unchanged.

    `patterns` stand longest first; `created_s` is the Unix time that model listings show.
    """

    models: Mapping[str, Model]
    patterns: tuple[Model, ...] = ()
    created_s: int = 0

    @staticmethod
    def of(models: Iterable[Model], created_s: int = 0) -> "Catalog":
        """Sorts models into names and patterns (a trailing `*`)."""
        every = tuple(models)
        patterns = sorted((one for one in every if one.name.endswith("*")), key=lambda one: -len(one.name))
        return Catalog(
            MappingProxyType({one.name: one for one in every if not one.name.endswith("*")}), tuple(patterns), created_s
        )

    def targets(self) -> "list[Target]":
        """Every target, once, whichever models have it."""
        chains = [model.targets for model in (*self.models.values(), *self.patterns)]
        return list({target.label: target for targets in chains for target in targets}.values())

    def find(self, name: str) -> Model | None:
        """The model of exactly this name, else that of the longest pattern it fits, else None."""
        found = self.models.get(name)
        if found is not None:
            return found
        for one in self.patterns:
            if name.startswith(one.name[:-1]):
                return one
        return None

    def nearest(self, name: str, allowed: frozenset[str] | None = None, count: int = 3) -> list[str]:
        """Up to `count` names that look like `name`, best first, for the error message."""
        names = [known for known in self.models if allowed is None or known in allowed]
        folded = {known.casefold(): known for known in names}
        return [folded[one] for one in difflib.get_close_matches(name[:128].casefold(), folded, count, 0.4)]

    def told(self, allowed: frozenset[str] | None = None, count: int = 5) -> list[str]:
        """Up to `count` patterns that the caller may use, for the same message: no list of models has them."""
        return [one.name for one in self.patterns if allowed is None or one.name in allowed][:count]
