"""Work on large bodies, apart from the event loop: up to `LARGE` it takes a few milliseconds."""

import asyncio
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

LARGE: Final = 512 * 1024

P = ParamSpec("P")
R = TypeVar("R")


async def aside(size: int, work: Callable[P, R], /, *args: P.args, **more: P.kwargs) -> R:
    """The result of the work on so many bytes, in a thread where they are many."""
    return await asyncio.to_thread(work, *args, **more) if size > LARGE else work(*args, **more)
