"""Every error that a caller can meet, as data: status, type, code, and what is known about a retry.

    GatewayError
    ├── Refusal            the gateway will not make the call; nothing was sent upstream
    ├── UpstreamFault      the provider failed, lied or refused; `retryable` says whether another try may help
    └── StoreOutage        a store that the decision needs is away

Three markers, because callers act differently on them; the classes below them differ only in their data.
How an error looks on the wire is decided in `gateway.web.errors`, nowhere else.
"""

from collections.abc import Sequence
from typing import ClassVar


class GatewayError(Exception):
    """An error with everything a client needs: HTTP status, OpenAI `type` and `code`, and whether to retry.

    `should_retry` becomes `x-should-retry` (None: leave it to the client's own rule); `retry_after_s` becomes
    `Retry-After`; `param` names the field of the request that is wrong.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str | None] = None
    should_retry: ClassVar[bool | None] = None

    def __init__(self, message: str, *, param: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s

    def give_up(self) -> None:
        """Asks the client not to try again: the gateway has done so already."""
        self.should_retry = False  # type: ignore[misc]  # of this one error, not of its class


class Refusal(GatewayError):
    """The gateway refuses the call; nothing was sent upstream and nothing is owed."""

    status = 400
    type = "invalid_request_error"


class UpstreamFault(GatewayError):
    """The provider failed. `retryable`: another target, or the same one later, may do better."""

    status = 502
    retryable: ClassVar[bool] = True


class StoreOutage(GatewayError):
    """A store that the decision needs does not answer."""

    status = 503
    type = "service_unavailable_error"
    code = "store_unavailable"


class Internal(GatewayError):
    """A defect of the gateway itself; the details are in its log, not in the reply."""

    code = "internal_error"


# ---------------------------------------------------------------- the caller's own mistakes


class InvalidJson(Refusal):
    """The body is not JSON that the gateway accepts."""

    code = "invalid_json"


class InvalidValue(Refusal):
    """A field of the request has the wrong type or a value that cannot be."""

    code = "invalid_value"


class DuplicateKey(Refusal):
    """An object names a key twice, so two readers could see two different requests."""

    code = "duplicate_key"


class TooManyFields(Refusal):
    """The body has more keys, objects and arrays, strings or values than any real request."""

    code = "too_many_fields"


class MissingKey(Refusal):
    """No API key came with the request."""

    status = 401


class WrongKey(Refusal):
    """The API key is not one of this gateway's."""

    status = 401
    code = "invalid_api_key"


class ModelNotFound(Refusal):
    """No configured model has this name, or the caller may not use it."""

    status = 404
    code = "model_not_found"

    def __init__(self, model: str, nearest: Sequence[str] = (), patterns: Sequence[str] = ()) -> None:
        hint = f" Did you mean {', '.join(map(repr, nearest))}?" if nearest else ""
        also = f", beside all that fit {', '.join(map(repr, patterns))}" if patterns else ""
        super().__init__(
            f"The model {model!r} does not exist or you may not use it.{hint} GET /v1/models lists yours{also}.", param="model"
        )
        self.model = model
        self.nearest = tuple(nearest)


class UnsupportedParameter(Refusal):
    """The target cannot take a parameter of the request, and is configured to say so instead of leaving it out."""

    code = "unsupported_parameter"


class UnsupportedOperation(Refusal):
    """The target cannot do what is asked: its provider has no such operation, and it cannot be translated."""

    status = 404
    code = "unsupported_operation"


class PreviousResponseNotFound(Refusal):
    """The response that this one should continue is not known here, or is another tenant's."""

    code = "previous_response_not_found"


class ObjectNotFound(Refusal):
    """The file, batch, response or the like does not exist, or is another tenant's."""

    status = 404
    code = "object_not_found"


class UnknownRoute(Refusal):
    """The path is none of this gateway's."""

    status = 404
    code = "unknown_url"


class MethodNotSupported(Refusal):
    """The path exists, but not for this method."""

    status = 405
    code = "method_not_supported"

    def __init__(self, message: str, allowed: Sequence[str]) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)


class SlowSender(Refusal):
    """The request did not arrive in time."""

    status = 408
    code = "request_timeout"
    should_retry = False


class BodyTooLarge(Refusal):
    """The body is over the configured limit."""

    status = 413
    code = "request_too_large"


class UnsupportedMediaType(Refusal):
    """The body is announced as something other than JSON."""

    status = 415
    code = "unsupported_media_type"


class HeadTooLarge(Refusal):
    """The request line and headers are over the limit."""

    status = 431
    code = "header_too_large"


class Overloaded(Refusal):
    """The process already carries as many calls as it is allowed to."""

    status = 503
    type = "service_unavailable_error"
    code = "server_is_overloaded"


class ShuttingDown(Refusal):
    """The gateway stops; another instance will take the call."""

    status = 503
    type = "service_unavailable_error"
    code = "shutting_down"


class ProviderNotConfigured(Refusal):
    """The model exists, but the provider behind it has no usable credentials here."""

    status = 503
    type = "service_unavailable_error"
    code = "provider_not_configured"
    should_retry = False


class NoTargetLeft(Refusal):
    """No target of the model can be asked now: each has failed too often lately, or was taken out."""

    status = 503
    type = "service_unavailable_error"
    code = "all_targets_unavailable"


class TargetsCooling(Refusal):
    """Every target of the model has said lately that it is asked too often."""

    status = 429
    type = "requests"
    code = "rate_limit_exceeded"


# ---------------------------------------------------------------- the provider's


class UpstreamUnreachable(UpstreamFault):
    """No connection could be made: name, route, TLS or a refused port."""

    code = "upstream_unreachable"


class UpstreamTimeout(UpstreamFault):
    """The provider was too slow; `phase` is connect, first_byte, first_token, between_bytes, total or deadline."""

    status = 504
    code = "upstream_timeout"

    def __init__(self, phase: str, limit_s: float) -> None:
        super().__init__(f"The provider was too slow: the limit for {phase!r} is {limit_s:g} s.")
        self.phase = phase
        self.limit_s = limit_s


class UpstreamBroken(UpstreamFault):
    """What came back is not a usable answer: broken HTTP, a cut connection, HTML, an error dressed as success."""

    code = "upstream_broken"


class UpstreamTruncated(UpstreamFault):
    """A stream ended before its finish reason; what was sent so far is not the whole answer."""

    code = "upstream_truncated"


class UpstreamCredentials(UpstreamFault):
    """The provider refused the gateway's own key. The provider's words are not passed on: they may hold the key."""

    code = "upstream_credentials"
    should_retry = False


class UpstreamRefused(UpstreamFault):
    """The provider answered with an error status; its status and envelope are kept where they concern the caller."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        error_type: str,
        error_code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
        should_retry: bool | None = None,
    ) -> None:
        super().__init__(message, param=param, retry_after_s=retry_after_s)
        self.status = status  # type: ignore[misc]  # data here, a constant of the class elsewhere
        self.type = error_type  # type: ignore[misc]
        self.code = error_code  # type: ignore[misc]
        self.should_retry = should_retry  # type: ignore[misc]
        self.retryable = status in (408, 409, 429) or status >= 500  # type: ignore[misc]
