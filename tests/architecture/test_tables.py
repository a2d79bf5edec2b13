"""Tables that stand in two layers because neither may import the other agree."""

from gateway.config.accounts import SERVED
from gateway.providers.wire import WIRES


def test_the_configuration_knows_just_the_wires_that_are_served() -> None:
    assert set(SERVED) == set(WIRES)
