"""How an error looks to the caller: status, headers and envelope, or an event in a stream. Nothing else renders errors.

The id of a request is made here as well: replies that carry nothing else of ours carry that.
"""

import os
import re
from typing import Final

import orjson

from gateway.core.errors import GatewayError, MethodNotSupported, UpstreamRefused

Header = tuple[bytes, bytes]
Rendered = tuple[int, list[Header], bytes]

MESSAGE_LIMIT: Final = 4000
"""Characters of a message; parts of it may be the caller's or the provider's own words, which have no bound."""

_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def anchor(error: type[GatewayError]) -> str:
    """The heading of this error in docs/errors.md."""
    return _WORDS.sub("-", error.__name__).lower()


def new_id() -> str:
    """An id for `x-request-id`: 96 random bits."""
    return "req_" + os.urandom(12).hex()


def envelope(error: GatewayError) -> bytes:
    """OpenAI's error object; all four keys, `code` a string or null."""
    message = error.message[:MESSAGE_LIMIT]
    if not isinstance(error, UpstreamRefused):
        message = f"{message} See docs/errors.md#{anchor(type(error))}."
    told = {"message": message, "type": error.type, "param": error.param, "code": error.code}
    try:
        return orjson.dumps({"error": told})
    except orjson.JSONEncodeError:  # half surrogates, of the caller's or the provider's
        cleaned = {key: value.encode("utf-8", "replace").decode() if value else value for key, value in told.items()}
        return orjson.dumps({"error": cleaned})


def headers_of(error: GatewayError) -> list[Header]:
    """What clients and SDKs act upon: whether and when to try again, and which methods there are."""
    headers: list[Header] = []
    if error.should_retry is not None:
        headers.append((b"x-should-retry", b"true" if error.should_retry else b"false"))
    if error.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % max(1, -(-error.retry_after_s // 1))))
        headers.append((b"retry-after-ms", b"%d" % max(0, error.retry_after_s * 1000)))
    if isinstance(error, MethodNotSupported):
        headers.append((b"allow", ", ".join(error.allowed).encode("latin-1")))
    return headers


def rendered(error: GatewayError, path: str = "") -> Rendered:  # noqa: ARG001  # dialects are chosen by path
    """The whole reply for an error before the first byte. `path` chooses the dialect; so far all speak OpenAI's."""
    body = envelope(error)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *headers_of(error)]
    return error.status, headers, body


def refused(error: GatewayError, path: str) -> Rendered:
    """The same for a request that the server itself turns away: nothing else of ours gives it an id."""
    status, headers, body = rendered(error, path)
    return status, [*headers, (b"x-request-id", new_id().encode())], body


def event(error: GatewayError) -> bytes:
    """The error inside a stream that has begun. No finish reason and no `[DONE]` follow: the answer is not whole."""
    return b"data: " + envelope(error) + b"\n\n"
