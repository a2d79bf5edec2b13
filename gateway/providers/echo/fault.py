"""The errors that the echo provider answers with: OpenAI's envelope, as a status or as an event of a stream."""

from collections.abc import Mapping
from types import MappingProxyType

import orjson

from gateway.providers.echo.script import Script
from gateway.providers.transport.contract import Header

_TYPES: Mapping[int, tuple[str, str | None]] = MappingProxyType(
    {
        401: ("invalid_request_error", "invalid_api_key"),
        403: ("permission_error", None),
        404: ("invalid_request_error", "model_not_found"),
        429: ("requests", "rate_limit_exceeded"),
        503: ("service_unavailable_error", "server_is_overloaded"),
    }
)
"""OpenAI's `type` and `code` for the statuses that have their own."""


class Fault(Exception):
    """The answer is an error; `headers` go out with it."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        kind: str = "invalid_request_error",
        code: str | None = None,
        headers: tuple[Header, ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self._error = {"message": message, "type": kind, "param": param, "code": code}

    def body(self) -> bytes:
        """The envelope."""
        return orjson.dumps({"error": self._error})


def scripted(script: Script) -> Fault:
    """The error status that the script asks for, with the headers that a real one carries."""
    status = script.status
    kind, code = _TYPES.get(status, ("server_error" if status >= 500 else "invalid_request_error", None))
    return Fault(
        f"The echo provider was told to answer with status {status}.",
        status=status,
        kind=kind,
        code=code,
        headers=_retry_headers(status, script.retry_after_s),
    )


def event() -> Fault:
    """The error that breaks a stream."""
    return Fault("The echo provider was told to break this stream.", status=500, kind="server_error", code="server_error")


def _retry_headers(status: int, retry_after_s: float | None) -> tuple[Header, ...]:
    if status == 429 and retry_after_s is None:
        retry_after_s = 1.0
    if retry_after_s is None:
        return ()
    waits = ((b"retry-after", b"%d" % -(-retry_after_s // 1)), (b"retry-after-ms", b"%d" % round(retry_after_s * 1000)))
    return (*waits, *_limits(retry_after_s)) if status == 429 else waits


def _limits(reset_s: float) -> tuple[Header, ...]:
    reset = b"%dms" % round(reset_s * 1000) if reset_s < 1 else f"{reset_s:g}s".encode()
    return (
        (b"x-ratelimit-limit-requests", b"60"),
        (b"x-ratelimit-remaining-requests", b"0"),
        (b"x-ratelimit-reset-requests", reset),
        (b"x-ratelimit-limit-tokens", b"100000"),
        (b"x-ratelimit-remaining-tokens", b"0"),
        (b"x-ratelimit-reset-tokens", reset),
    )
