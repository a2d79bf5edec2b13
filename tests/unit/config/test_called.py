"""What things are called elsewhere leads to what they are called here, and to nothing else."""

import pytest

from gateway.config import called
from gateway.config.models.catalog import ChainTarget, ModelEntry
from gateway.config.models.providers import WIRE_NAMES, Provider
from gateway.providers.vendors import VENDORS


def test_every_other_name_leads_to_something_that_there_is() -> None:
    assert set(called._WIRES.values()) <= set(WIRE_NAMES)
    assert set(called._VENDORS.values()) <= set(VENDORS)
    keys = {key for section in (Provider, ChainTarget, ModelEntry) for key in section.model_fields}
    assert set(called._KEYS.values()) <= keys


def test_no_other_name_is_one_of_ours() -> None:
    assert not set(called._WIRES) & set(WIRE_NAMES)
    assert not set(called._VENDORS) & set(VENDORS)
    assert not set(called._KEYS) & (set(Provider.model_fields) | set(ModelEntry.model_fields))


@pytest.mark.parametrize("name", [one for one in VENDORS if one not in WIRE_NAMES])
def test_every_vendor_s_name_as_a_wire_is_understood(name: str) -> None:
    assert called.wire_meant(name.upper(), WIRE_NAMES, VENDORS) == f"vendor: {name}, which speaks the wire openai"


@pytest.mark.parametrize("text", ["", " ", "qqqq", "x" * 10_000, "\u00e9"])
def test_what_nobody_knows_is_not_guessed(text: str) -> None:
    assert called.wire_meant(text, WIRE_NAMES, VENDORS) is None
    assert called.vendor_meant(text, WIRE_NAMES, VENDORS).startswith("one of ")
