"""Tables that stand in two layers because neither may import the other agree."""

from typing import get_args

from gateway.config.models.providers import Wire
from gateway.providers.wire import WIRES


def test_the_configuration_knows_just_the_wires_that_are_served() -> None:
    assert set(get_args(Wire)) == set(WIRES)
