"""Frames out of blocks split anywhere; what is no frame is told from one that is not complete."""

import importlib
import struct
import zlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import UpstreamBroken
from gateway.providers.bedrock.eventstream import FRAME_LIMIT, Frame, Frames, headers_of
from tests.wires.bedrock.frames import frame, header, packed

EVERY: dict[str, Any] = {
    "yes": True,
    "no": False,
    "count": -(2**40),
    "raw": b"\x00\xff",
    "words": "wörter",
    "when": datetime(2026, 11, 23, 12, 30, tzinfo=UTC),
    "who": UUID("01234567-89ab-cdef-0123-456789abcdef"),
}
HEADERS = b"".join(header(*one) for one in EVERY.items())


def cut(*blocks: bytes) -> list[Frame]:
    frames, found = Frames(), []
    for block in blocks:
        frames.feed(block)
        while (one := frames.cut()) is not None:
            found.append(one)
    return found


def test_a_frame_has_its_headers_and_its_payload() -> None:
    (one,) = cut(packed(HEADERS, b"payload"))
    assert dict(one.headers) == EVERY
    assert one.payload == b"payload"
    assert (one.said("words"), one.said("count"), one.said("none")) == ("wörter", "", "")


def test_the_small_numbers_are_read_as_well() -> None:
    raw = b"\x01a\x02\xff" + b"\x01b\x03\xff\xfe" + b"\x01c\x04\x00\x00\x00\x07"
    assert headers_of(raw) == {"a": -1, "b": -2, "c": 7}


@given(st.data())
def test_blocks_may_be_split_anywhere(data: st.DataObject) -> None:
    payloads = data.draw(st.lists(st.binary(max_size=80), min_size=1, max_size=5))
    text = b"".join(packed(header(":event-type", f"kind-{at % 2}"), payload) for at, payload in enumerate(payloads))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    blocks = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    found = cut(*blocks)
    assert [one.payload for one in found] == payloads
    assert [one.said(":event-type") for one in found] == [f"kind-{at % 2}" for at in range(len(payloads))]


def test_every_byte_may_come_alone() -> None:
    text = packed(HEADERS, b"one") + packed(b"", b"")
    assert [one.payload for one in cut(*(text[at : at + 1] for at in range(len(text))))] == [b"one", b""]


def test_a_frame_that_is_not_complete_is_pending() -> None:
    frames = Frames()
    whole = packed(b"", b"payload")
    frames.feed(whole[:-1])
    assert frames.cut() is None
    assert frames.pending
    frames.feed(whole[-1:])
    assert frames.cut() is not None
    assert not frames.pending


@given(st.integers(0, 8 * len(packed(HEADERS, b"payload")) - 1))
def test_no_bit_may_turn(bit: int) -> None:
    text = bytearray(packed(HEADERS, b"payload"))
    text[bit // 8] ^= 1 << bit % 8
    with pytest.raises(UpstreamBroken):
        cut(bytes(text))


@pytest.mark.parametrize("text", [b'{"message":"no stream"}', b"<html><body>", b"data: {}\n\n....", b"\x00" * 64])
def test_what_is_no_event_stream_is_told_at_once(text: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        cut(text)


def prelude(total: int, headers: int) -> bytes:
    lengths = struct.pack(">II", total, headers)
    return lengths + struct.pack(">I", zlib.crc32(lengths))


@pytest.mark.parametrize(
    ("total", "headers"), [(FRAME_LIMIT + 1, 0), (15, 0), (0, 0), (64, 49), (300_000, 200_000), (2**32 - 1, 0)]
)
def test_lengths_are_bounded_before_anything_is_gathered(total: int, headers: int) -> None:
    with pytest.raises(UpstreamBroken):
        cut(prelude(total, headers))


@pytest.mark.parametrize(
    "raw",
    [
        b"\x05abc",  # a name that ends too soon
        b"\x01a",  # no type
        b"\x01a\x0a",  # a type that there is not
        b"\x01a\x07\x00\x09short",
        b"\x01a\x05\x00\x00",
        b"\x01a\x09\x00",
        b"\x01\xff\x00",  # no UTF-8
        b"\x01a\x07\x00\x01\xff",
        b"\x01a\x08\x7f\xff\xff\xff\xff\xff\xff\xff",  # a time that there is not
    ],
)
def test_headers_that_are_none_break_the_stream(raw: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        cut(packed(raw, b""))


def test_botocore_reads_the_same() -> None:
    eventstream = importlib.import_module("botocore.eventstream")
    text = packed(HEADERS, b"payload") + frame("metadata", {"usage": {}}) + packed(b"", b"")
    buffer = eventstream.EventStreamBuffer()
    buffer.add_data(text)
    theirs = [(one.headers, one.payload) for one in buffer]
    ours = cut(text)
    assert [payload for _, payload in theirs] == [one.payload for one in ours]
    for (headers, _), one in zip(theirs, ours, strict=True):
        assert {name: value for name, value in headers.items() if not isinstance(one.headers[name], datetime | UUID)} == {
            name: value for name, value in one.headers.items() if not isinstance(value, datetime | UUID)
        }
