"""Frames of AWS's event stream, as written here and read by others."""

import importlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.eventstream import event, exception
from gateway.providers.bedrock.eventstream import Frames
from tests.wires.bedrock.frames import exception as theirs
from tests.wires.bedrock.frames import frame as their_frame

VALUES = st.recursive(st.text(max_size=8) | st.integers(-9, 9), lambda inner: st.lists(inner, max_size=2), max_leaves=3)
EVENTS = st.lists(st.tuples(st.sampled_from(["messageStart", "metadata"]), st.dictionaries(st.text(max_size=4), VALUES)))


def test_a_frame_is_the_same_as_bedrocks() -> None:
    assert event("messageStop", {"stopReason": "end_turn"}) == their_frame("messageStop", {"stopReason": "end_turn"})
    assert exception("throttlingException", {"message": "no"}) == theirs("throttlingException", "no")


@given(EVENTS)
def test_what_is_written_can_be_read(events: list[tuple[str, Any]]) -> None:
    frames = Frames()
    frames.feed(b"".join(event(*one) for one in events))
    for kind, fields in events:
        frame = frames.cut()
        assert frame is not None
        assert (frame.said(":event-type"), json.loads(frame.payload)) == (kind, fields)
    assert not frames.pending


def test_botocore_reads_it_as_well() -> None:
    eventstream = importlib.import_module("botocore.eventstream")
    buffer = eventstream.EventStreamBuffer()
    buffer.add_data(event("contentBlockDelta", {"delta": {"text": "ü"}}) + exception("validationException", {"message": "no"}))
    first, second = (one.to_response_dict() for one in buffer)
    assert first["status_code"] == 200
    assert first["headers"][":event-type"] == "contentBlockDelta"
    assert json.loads(first["body"]) == {"delta": {"text": "ü"}}
    assert second["status_code"] == 400
    assert second["headers"][":exception-type"] == "validationException"
