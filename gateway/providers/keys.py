"""The keys of one account: they take turns, and one that the provider refuses rests while others work."""

from itertools import count
from typing import Final

from gateway.core.catalog import ProviderSpec
from gateway.core.clock import Clock
from gateway.core.errors import ProviderNotConfigured

REST_S: Final = 60.0
"""How long a refused key is passed over before it is tried again: somebody may have paid, or allowed it."""


class Keys:
    """A ring. Without keys `next` gives None, or raises where one is needed."""

    __slots__ = ("_clock", "_keys", "_rests_until", "_spec", "_turn")

    def __init__(self, spec: ProviderSpec, clock: Clock) -> None:
        self._spec = spec
        self._clock = clock
        self._keys = tuple(filter(None, spec.api_keys))
        self._turn = count()
        self._rests_until: dict[str, float] = {}

    def next(self) -> str | None:
        """The key whose turn it is; one that rests only where all do. Raises `ProviderNotConfigured`."""
        keys = self._keys
        if not keys:
            self._check()
            return None
        if not self._rests_until:
            return keys[next(self._turn) % len(keys)]
        awake = self._awake() or keys
        return awake[next(self._turn) % len(awake)]

    def reject(self, key: str) -> bool:
        """The provider does not take this key. True where another one is left to be tried."""
        self._rests_until[key] = self._clock.now_s() + REST_S
        return bool(self._awake())

    def _awake(self) -> tuple[str, ...]:
        now_s = self._clock.now_s()
        self._rests_until = {key: until_s for key, until_s in self._rests_until.items() if until_s > now_s}
        return tuple(key for key in self._keys if key not in self._rests_until)

    def _check(self) -> None:
        if self._spec.key_needed:
            name, variable = self._spec.name, self._spec.variable
            hint = f"set {variable}, or " if variable else ""
            raise ProviderNotConfigured(f"The provider {name!r} has no API key; {hint}give it api_keys in the configuration.")
