"""The keys of one account: they take turns, and one that the provider refuses rests while others work."""

import logging
from itertools import cycle
from typing import Final

from gateway.core.catalog import ProviderSpec
from gateway.core.clock import Clock
from gateway.core.errors import ProviderNotConfigured

log = logging.getLogger("fleetgate.providers")

REST_S: Final = 60.0
"""How long a refused key is passed over before it is tried again: somebody may have paid, or allowed it."""


class Keys:
    """A ring. Without keys `next` gives None, or raises where one is needed."""

    __slots__ = ("_clock", "_keys", "_rests_until", "_ring", "_spec")

    def __init__(self, spec: ProviderSpec, clock: Clock) -> None:
        self._spec = spec
        self._clock = clock
        self._keys = tuple(filter(None, spec.api_keys))
        self._ring = cycle(self._keys)
        self._rests_until: dict[str, float] = {}

    def next(self) -> str | None:
        """The key whose turn it is; one that rests only where all do. Raises `ProviderNotConfigured`."""
        if not self._keys:
            self._check()
            return None
        if not self._rests_until:
            return next(self._ring)
        awake = self._awake() or self._keys
        return next(key for key in self._ring if key in awake)

    def reject(self, key: str) -> bool:
        """The provider does not take this key. True where another one is left to be tried; else whoever asked will tell."""
        known = key in self._rests_until
        self._rests_until[key] = self._clock.now_s() + REST_S
        if not self._awake():
            return False
        if not known:
            which = f"{self._keys.index(key) + 1} of {len(self._keys)}"
            log.error("upstream_credentials_refused", extra={"fields": {"provider": self._spec.name, "key": which}})
        return True

    def _awake(self) -> tuple[str, ...]:
        now_s = self._clock.now_s()
        self._rests_until = {key: until_s for key, until_s in self._rests_until.items() if until_s > now_s}
        return tuple(key for key in self._keys if key not in self._rests_until)

    def _check(self) -> None:
        if self._spec.key_needed:
            name, variable = self._spec.name, self._spec.variable
            hint = f"set {variable}, or " if variable else ""
            raise ProviderNotConfigured(f"The provider {name!r} has no API key; {hint}give it api_keys in the configuration.")
