"""A gateway of its own process between the tests and two providers in their loop."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.chains import Bench
from tests.faults.provider import Provider


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """One gateway, a provider that fails, and one that does not."""
    async with Provider("primary") as bad, Provider("secondary") as good:
        bench = await Bench.start(tmp_path, bad, good)
        try:
            yield bench
        finally:
            await bench.stop()
