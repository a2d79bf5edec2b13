"""What an exception of Bedrock's means to the caller, whether it came as a status or inside a stream that had begun well.

An exception is named by a header, and says `{"message": ...}`; some services of AWS write `Message`, or name it in `__type`.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from gateway.core.catalog import ProviderSpec
from gateway.core.errors import UpstreamCredentials, UpstreamFault, UpstreamRefused
from gateway.dialects import lenient
from gateway.providers.bedrock.eventstream import Frame
from gateway.providers.openai import faults
from gateway.providers.transport.contract import Header

_STATUSES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "throttling": 429,
        "toomanyrequests": 429,
        "servicequotaexceeded": 429,
        "validation": 400,
        "serialization": 400,
        "resourcenotfound": 404,
        "unknownoperation": 404,
        "modeltimeout": 408,
        "modelnotready": 503,
        "serviceunavailable": 503,
        "internalserver": 500,
        "internalfailure": 500,
        "modelerror": 502,
        "modelstreamerror": 502,
    }
)
"""By the exception's name without its ending. AWS's own status of some (424, 400 for a quota) says something else in HTTP."""
_CREDENTIALS: Final = frozenset(
    {
        *("accessdenied", "unrecognizedclient", "expiredtoken", "invalidsignature", "incompletesignature"),
        *("missingauthenticationtoken", "invalidclienttokenid", "signaturedoesnotmatch", "requesttimetooskewed"),
        *("requestexpired", "optinrequired", "notauthorized"),
    }
)
_TOO_LONG: Final = re.compile(
    r"too long|context (?:window|length|limit)|maximum (?:context|number of (?:input )?tokens)|exceeds? the (?:maximum|model)",
    re.IGNORECASE,
)
_ABOUT_A_MODEL: Final = re.compile(r"\bmodel\b|inference-profile", re.IGNORECASE)
"""What a denial says that is about one model: the key is good for others."""
_SKEWED: Final = re.compile(r"signature (?:expired|not yet current)|skewed", re.IGNORECASE)


def fault(spec: ProviderSpec, status: int, headers: Sequence[Header], body: bytes, wall_s: float) -> UpstreamFault:
    """The fault of an answer whose status is no success."""
    said = _object(body)
    kind = _plain(dict(headers).get(b"x-amzn-errortype", b"").decode("latin-1") or _string(said.get("__type")))
    message = _message(said)
    if kind in _CREDENTIALS or (status in (401, 403) and kind not in _STATUSES):
        return _denied(kind, status, message)
    status = _STATUSES.get(kind, status)
    if message is None:
        return faults.fault(spec, status, headers, body, wall_s)
    return faults.fault(spec, status, headers, lenient.dumps(_envelope(status, message)), wall_s)


def check(frame: Frame) -> None:
    """Raises the fault of a frame that is an exception or an error."""
    kind = frame.said(":message-type")
    if kind == "exception":
        raise within(frame.said(":exception-type"), frame.payload)
    if kind == "error":
        raise within(frame.said(":error-code"), lenient.dumps({"message": frame.said(":error-message")}))


def within(kind: str, payload: bytes) -> UpstreamFault:
    """The fault of an exception that came as a frame of a stream."""
    said, kind = _object(payload), _plain(kind)
    message = _message(said)
    if kind in _CREDENTIALS:
        return _denied(kind, 403, message)
    status = _STATUSES.get(kind, 502)
    return faults.within(_envelope(status, message or "The provider's stream broke off without a reason."))


def _envelope(status: int, message: str) -> dict[str, Any]:
    """OpenAI's, which the wires share."""
    error: dict[str, Any] = {"message": message, "status_code": status}
    if status == 400 and _TOO_LONG.search(message):
        error["code"] = "context_length_exceeded"
    return {"error": error}


def _denied(kind: str, status: int, message: str | None) -> UpstreamFault:
    """Its own words may hold the key, or tell the account. That a clock is wrong is worth saying: nothing else tells."""
    if kind == "accessdenied" and message is not None and _ABOUT_A_MODEL.search(message):
        return UpstreamRefused(
            502,
            "The gateway's account at AWS has no access to this model.",
            error_type="server_error",
            error_code="model_access_denied",
            should_retry=False,
        )
    if message is not None and _SKEWED.search(message):
        return UpstreamCredentials("The provider refused the gateway's signature: the clock of this machine is wrong.")
    return faults.credentials(status)


def _plain(kind: str) -> str:
    """`com.amazon.coral#ThrottlingException:http://...` as `throttling`; in a stream the name begins with a small letter."""
    name = kind.partition(":")[0].rpartition("#")[2].strip().lower()
    return name.removesuffix("exception") if name.endswith("exception") else name.removesuffix("error")


def _message(said: Mapping[str, Any]) -> str | None:
    message = said.get("message") or said.get("Message") or said.get("originalMessage")
    return message if isinstance(message, str) and message else None


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = lenient.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
