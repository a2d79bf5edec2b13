"""The whole configuration, compiled: frozen, pinned by each exchange at its birth, swapped as one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.catalog import Catalog, ProviderSpec
from gateway.core.tenant import KeyEntry
from gateway.core.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one process takes at most: bytes of a body, calls in flight, seconds for its parts."""

    body_bytes: int = 20 * 1024 * 1024
    in_flight: int = 12_000
    receive_s: float = 30.0
    heartbeat_s: float = 15.0
    drain_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a request needs to know of the configuration, and the hash that names it.

    `keys` maps a key's digest to its entry; empty means that auth is off. `pepper` keys the digests. `upstreams` are the
    open counterparts of `providers`, put in by the composition root when the snapshot is prepared. `admin_key` is the digest
    of the key that opens the admin API; None: there is none.
    """

    version: str
    catalog: Catalog
    providers: Mapping[str, ProviderSpec]
    keys: Mapping[bytes, KeyEntry] = field(default_factory=dict)
    pepper: bytes = field(default=b"", repr=False)
    bounds: Bounds = Bounds()
    admin_key: bytes | None = field(default=None, repr=False)
    upstreams: Mapping[str, Upstream] = field(default_factory=dict, repr=False, compare=False)
