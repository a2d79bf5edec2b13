"""A configuration that lives: a composition root that writes down what it is asked, and the watcher beside it."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.config.inputs import Inputs
from gateway.config.live import Live, Reload
from gateway.core.snapshot import Snapshot
from gateway.telemetry.tasks import Tasks
from tests.unit.config.folders import ECHO

OTHER = ECHO.replace("echo/echo", "echo/other")


class Root:
    """A composition root that writes down what it was asked for; `gate` holds `prepare` up, `fails` breaks it."""

    def __init__(self) -> None:
        self.prepared: list[tuple[Snapshot, Snapshot | None]] = []
        self.retired: list[tuple[Snapshot, Snapshot]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails: Exception | None = None
        self.running = 0
        self.reloads: list[Reload] = []
        self.heard = asyncio.Event()
        self.asked = asyncio.Event()

    async def prepare(self, new: Snapshot, old: Snapshot | None) -> Snapshot:
        self.prepared.append((new, old))
        self.asked.set()
        self.running += 1
        assert self.running == 1
        await self.gate.wait()
        self.running -= 1
        if self.fails is not None:
            raise self.fails
        return dataclasses.replace(new, upstreams={"opened": object()})  # type: ignore[dict-item]

    def retire(self, old: Snapshot, new: Snapshot) -> None:
        self.retired.append((old, new))

    def told(self, reload: Reload) -> None:
        self.reloads.append(reload)
        self.heard.set()


def live_on(folder: Path, root: Root, text: str = ECHO, poll_s: float = 0.01) -> tuple[Live, Path]:
    path = folder / "config.yaml"
    path.write_text(text)
    return Live(Inputs(path, {}), root.prepare, root.retire, root.told, poll_s), path


def target(live: Live) -> str:
    return live.current.catalog.models["echo"].targets[0].model


@asynccontextmanager
async def following(live: Live) -> AsyncIterator[None]:
    await live.start()
    tasks = Tasks()
    tasks.spawn(live.watch())
    try:
        yield
    finally:
        await tasks.aclose()


async def heard(root: Root) -> Reload:
    async with asyncio.timeout(10):
        await root.heard.wait()
    root.heard.clear()
    return root.reloads[-1]
