"""What holds for the tests of stages."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> Iterator[None]:
    """The scenes of a module keep their exchanges, in circles; other tests count those that live."""
    yield
    gc.collect()
