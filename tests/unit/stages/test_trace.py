"""Joining a caller's trace."""

import logging

import pytest

from gateway.core.errors import UpstreamTruncated
from gateway.stages.trace import client_request, trace_context
from tests.house import Client, Gateway, ScriptedUpstream, chat

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(("flags", "sampled"), [("01", True), ("00", False), ("03", True)])
def test_a_valid_parent_is_joined_with_a_span_of_our_own(flags: str, sampled: bool) -> None:
    joined = trace_context(f"00-{TRACE}-{PARENT}-{flags}".encode())
    assert joined is not None
    assert (joined.trace_id, joined.sampled) == (TRACE, sampled)
    assert joined.span_id != PARENT
    assert joined.header() == f"00-{TRACE}-{joined.span_id}-{'01' if sampled else '00'}"


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"garbage",
        f"ff-{TRACE}-{PARENT}-01".encode(),
        f"00-{'0' * 32}-{PARENT}-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        f"00-{TRACE[:-1]}g-{PARENT}-01".encode(),
        f"00-{TRACE}-{PARENT}".encode(),
        b"\xff" * 60,
    ],
)
def test_what_is_no_parent_is_ignored(header: bytes) -> None:
    assert trace_context(header) is None


@pytest.mark.parametrize(
    ("header", "kept"),
    [(b"abc-1", "abc-1"), (b"a b", None), (b"a\x1b[2J", None), (b"x" * 129, None), (b"", None), (None, None)],
)
def test_the_callers_own_id_is_logged_where_a_log_can_hold_it(header: bytes | None, kept: str | None) -> None:
    assert client_request(header) == kept


async def test_a_call_that_went_wrong_is_logged_with_its_id_and_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fleetgate.requests")
    client = Client(chat(stream=True, user="a secret"))
    await Gateway(ScriptedUpstream([b"data: words\n\n", UpstreamTruncated("cut")])).ask(client)
    (record,) = [record for record in caplog.records if record.message == "request_ended"]
    fields = record.__dict__["fields"]
    assert fields["request"].encode() == client.head[b"x-request-id"]
    assert fields["code"] == "upstream_truncated"
    assert fields["target"] == "p/m"
    assert "secret" not in str(fields)
