"""The configuration that is in force, and how another takes its place: prepare, swap, retire.

    live = Live(inputs, prepare, retire)
    await live.start()             the first configuration, or one examined before; raises ConfigRefused
    live.current                   the Snapshot in force; an exchange pins it at its birth
    await live.reload()            for SIGHUP: reads everything again; never raises for a bad configuration
    await live.watch()             for a task: reloads when a file changes; ends only when it is cancelled

`prepare(new, old)` opens what the new snapshot needs (re-using what `old` has open; None at the start) and returns it
with its upstreams; `retire(old, new)` lets go of what only the old one used; `told(reload)` hears of every reload, by
whatever it was asked for. All come from the composition root.
A configuration that does not hold, that changes what only a restart can, or that would switch auth off changes nothing;
the reasons are in the log and in what `reload` returns. Reloads are serialised, and those that are asked for while one
waits are one. Files are read in a thread.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from gateway.config.inputs import Inputs
from gateway.config.load import ConfigRefused, Examined, Loaded, examine
from gateway.config.problems import Problem, Severity, in_order, place_of, sentence
from gateway.config.restart import needs_restart
from gateway.config.watched import Stamps, Watched
from gateway.core.snapshot import Snapshot
from gateway.telemetry.tasks import Tasks

log = logging.getLogger("fleetgate.config")

Prepare = Callable[[Snapshot, Snapshot | None], Awaitable[Snapshot]]
Retire = Callable[[Snapshot, Snapshot], None]

POLL_S = 1.0
SETTLE_S = 0.05
SLOWEST_POLL_S = 60.0


class Change(Enum):
    """What a reload came to."""

    SWAPPED = "swapped"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Reload:
    """The outcome of a reload: what it came to, the version now in force, and what there is to say."""

    change: Change
    version: str
    problems: tuple[Problem, ...] = ()


class Live:
    """The swappable pointer to the snapshot in force."""

    def __init__(
        self,
        inputs: Inputs,
        prepare: Prepare,
        retire: Retire,
        told: Callable[[Reload], None] = lambda _: None,
        poll_s: float = POLL_S,
    ) -> None:
        self._inputs = inputs
        self._prepare = prepare
        self._retire = retire
        self._told = told
        self._poll_s = poll_s
        self._one_at_a_time = asyncio.Lock()
        self._loaded: Loaded | None = None
        self._current: Snapshot | None = None
        self._watched = Watched()
        self._asked = self._answered = 0
        self._last: Reload | None = None
        self._warned: Mapping[tuple[str, ...], Problem] = {}

    @property
    def current(self) -> Snapshot:
        """The snapshot in force."""
        if self._current is None:
            raise RuntimeError("no configuration is in force before start()")
        return self._current

    @property
    def loaded(self) -> Loaded:
        """The configuration in force, with what surrounds its snapshot."""
        if self._loaded is None:
            raise RuntimeError("no configuration is in force before start()")
        return self._loaded

    async def start(self, examined: Examined | None = None) -> Loaded:
        """Puts the first configuration in force: `examined`, else what the inputs give now. Raises `ConfigRefused`."""
        async with self._one_at_a_time:
            first = await self._look(examined)
            if first.loaded is None:
                raise ConfigRefused(first.errors)
            prepared = await self._open(first.loaded, None)
            if isinstance(prepared, Problem):
                raise ConfigRefused((prepared,))
            self._loaded, self._current = first.loaded, prepared
            self._warned = _warnings(first)  # whoever starts a process tells what there is to say at its start
            return first.loaded

    async def reload(self) -> Reload:
        """Reads everything again and puts it in force where it holds."""
        self._asked += 1
        mine = self._asked
        async with self._one_at_a_time:
            if self._last is not None and self._answered >= mine:  # what was read since is what this one would read
                return self._last
            covered = self._asked
            self._last = reload = await self._renew(await self._look())
            self._answered = covered
            self._told(reload)
            return reload

    async def watch(self) -> None:
        """Reloads whenever a file has changed, once it has stopped changing.

        Each round is a task of its own, which logs whatever nobody expected; the next comes all the same, but later.
        """
        tasks, pause_s = Tasks(), self._poll_s
        try:
            while True:
                await asyncio.sleep(pause_s)
                one = tasks.spawn(self._follow(), "follow the configuration")
                await asyncio.wait([one])
                pause_s = self._poll_s if one.exception() is None else min(2 * pause_s, SLOWEST_POLL_S)
        finally:
            await tasks.aclose()

    async def _follow(self) -> None:
        now = await asyncio.to_thread(self._watched.now)
        if now == self._watched.stamps:
            return
        while (before := now) != (now := await self._soon()):
            log.debug("config still changing", extra={"fields": {"files": len(before)}})
        await self.reload()

    async def _renew(self, examined: Examined) -> Reload:
        loaded, old = examined.loaded, self.current
        if loaded is None:
            return self._refused(examined.errors)
        if stuck := needs_restart(self.loaded, loaded):
            return self._refused(stuck)
        if loaded.snapshot.version == old.version:
            log.info("config unchanged", extra={"fields": {"version": old.version}})
            self._warn(examined)
            return Reload(Change.UNCHANGED, old.version, examined.problems)
        prepared = await self._open(loaded, old)
        if isinstance(prepared, Problem):
            return self._refused((prepared,))
        self._loaded, self._current = loaded, prepared
        log.info("config swapped", extra={"fields": {"version": prepared.version, "was": old.version}})
        self._warn(examined)
        self._retire(old, prepared)
        return Reload(Change.SWAPPED, prepared.version, examined.problems)

    async def _open(self, loaded: Loaded, old: Snapshot | None) -> Snapshot | Problem:
        try:
            return await self._prepare(loaded.snapshot, old)
        except (OSError, ValueError, ImportError) as error:  # ImportError: a driver that is not installed
            return Problem(str(loaded.path or "environment"), 0, 0, f"a provider cannot be opened: {error}", rule="unopened")

    def _refused(self, problems: tuple[Problem, ...]) -> Reload:
        for one in in_order(problems):
            log.error("config refused", extra={"fields": {"where": place_of(one), "why": sentence(one)}})
        return Reload(Change.REFUSED, self.current.version, problems)

    def _warn(self, examined: Examined) -> None:
        """Logs the warnings that the configuration before did not have."""
        before, self._warned = self._warned, _warnings(examined)
        for one in in_order(one for name, one in self._warned.items() if name not in before):
            log.warning("config", extra={"fields": {"where": place_of(one), "why": sentence(one)}})

    async def _look(self, examined: Examined | None = None) -> Examined:
        looked = await asyncio.to_thread(examine, self._inputs, pipe=False) if examined is None else examined
        self._watched = looked.watched
        return looked

    async def _soon(self) -> Stamps:
        await asyncio.sleep(SETTLE_S)
        return await asyncio.to_thread(self._watched.now)


def _warnings(examined: Examined) -> Mapping[tuple[str, ...], Problem]:
    """Its warnings, each under what stays the same when the lines of a file move."""
    warnings = [one for one in examined.problems if one.severity is Severity.WARNING]
    return {(one.path, one.key, one.rule, one.message): one for one in warnings}
