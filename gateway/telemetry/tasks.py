"""The only way to start a task: it is held until it ends, and its failure is logged, never lost."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("fleetgate.tasks")


class Tasks:
    """The background tasks of one owner; `aclose` cancels what still runs."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def spawn(self, work: Coroutine[Any, Any, Any], name: str | None = None) -> asyncio.Task[Any]:
        """Starts `work`; an exception that nobody awaits is logged with the task's name."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def current(self) -> asyncio.Task[Any] | None:
        """The task that asks. Its loop is looked for once: that costs a system call."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return asyncio.current_task(self._loop)

    def __len__(self) -> int:
        return len(self._running)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task %s failed", task.get_name(), exc_info=error)

    async def aclose(self) -> None:
        """Cancels every task and waits until each has ended."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
