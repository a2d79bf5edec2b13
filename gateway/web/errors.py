"""How an error looks to the caller: status, headers and envelope, or an event in a stream. Nothing else renders errors.

The dialect is chosen by the route: before a conversation has begun, by the path (`dialect_of`).

The id of a request is made here as well: replies that carry nothing else of ours carry that.
"""

import random
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.core.chat import Dialect
from gateway.core.errors import GatewayError, MethodNotSupported, UpstreamRefused
from gateway.core.exchange import Exchange
from gateway.dialects.table import TRANSLATIONS
from gateway.web import envelopes
from gateway.web.envelopes import Told, envelope, exception_of

Header = tuple[bytes, bytes]
Rendered = tuple[int, list[Header], bytes]

MESSAGE_LIMIT: Final = 4000
"""Characters of a message; parts of it may be the caller's or the provider's own words, which have no bound."""

ID_NAMES: Final[Mapping[Dialect, bytes]] = MappingProxyType(
    {Dialect.ANTHROPIC: b"request-id", Dialect.BEDROCK: b"x-amzn-requestid"}
)
"""Under which name beside our own clients of a dialect know the id of a request."""

_ANTHROPICS = ("/v1/messages", "/messages", "/v1/v1/messages")
_GEMINIS = ("/v1beta/", "/v1alpha/")
_BEDROCKS = ("/model/", "/v1/model/")
_METHOD = re.compile(r":(?:stream)?[gG]enerateContent$|:countTokens$")
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def anchor(error: type[GatewayError]) -> str:
    """The heading of this error in docs/errors.md."""
    return _WORDS.sub("-", error.__name__).lower()


def new_id() -> str:
    """An id for `x-request-id`: 96 random bits."""
    return "req_" + random.randbytes(12).hex()  # noqa: S311  # it names, and guards nothing; a system call costs more


def told(error: GatewayError, request_id: str | None = None) -> Told:
    """The error with the words that the caller reads: bounded, and with the page that explains an error of our own."""
    message = error.message[:MESSAGE_LIMIT]
    if not isinstance(error, UpstreamRefused):
        message = f"{message} See docs/errors.md#{anchor(type(error))}."
    return Told(error, message, request_id)


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


def rendered(error: GatewayError, dialect: Dialect = Dialect.OPENAI, request_id: str | None = None) -> Rendered:
    """The whole reply for an error before the first byte, but for the headers that tell the request's id."""
    body = envelope(told(error, request_id), dialect)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *headers_of(error)]
    if dialect is Dialect.BEDROCK:
        headers.append((b"x-amzn-errortype", exception_of(error.status).encode()))
    return error.status, headers, body


def named(request_id: str, dialect: Dialect) -> list[Header]:
    """The headers that tell the request's id, under the name that the dialect has for it as well."""
    value = request_id.encode()
    ours = [(b"x-request-id", value)]
    return [*ours, (ID_NAMES[dialect], value)] if dialect in ID_NAMES else ours


def refused(error: GatewayError, path: str) -> Rendered:
    """The same, id included, for a request that no conversation has begun with."""
    request_id, dialect = new_id(), dialect_of(path)
    status, headers, body = rendered(error, dialect, request_id)
    return status, [*headers, *named(request_id, dialect)], body


def event(error: GatewayError, exchange: Exchange) -> bytes:
    """The error inside a stream that has begun. Nothing follows that would make the answer look whole."""
    reply = exchange.reply
    sequence = reply.sequence if reply is not None else 0
    if media_type_of(exchange) == b"application/json":
        return envelopes.element(told(error, exchange.id), exchange.operation, first=reply is None)
    return envelopes.event(told(error, exchange.id), exchange.operation, sequence)


def media_type_of(exchange: Exchange) -> bytes | None:
    """Of a stream that answers the exchange, where that is not events; known before there is a reply."""
    if exchange.reply is not None:
        return exchange.reply.media_type
    translation = TRANSLATIONS.get(exchange.operation)
    return translation.media_type(exchange.request) if translation is not None and exchange.knows("request") else None


def dialect_of(path: str) -> Dialect:
    """Which API a path belongs to, known or not."""
    if path.startswith(_ANTHROPICS):
        return Dialect.ANTHROPIC
    if path.startswith(_GEMINIS) or _METHOD.search(path):
        return Dialect.GEMINI
    return Dialect.BEDROCK if path.startswith(_BEDROCKS) else Dialect.OPENAI
