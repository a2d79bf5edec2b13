"""What Azure's errors mean: OpenAI's envelope, with names of its own for a deployment that is not there."""

from collections.abc import Sequence
from typing import Final

from gateway.core.catalog import ProviderSpec
from gateway.core.errors import UpstreamFault, UpstreamRefused
from gateway.providers.openai import faults
from gateway.providers.transport.contract import Header

_ABSENT: Final = frozenset({"DeploymentNotFound", "OperationNotSupported"})
"""No such deployment; a deployment whose model does not do what is asked."""


def fault(spec: ProviderSpec, status: int, headers: Sequence[Header], body: bytes, wall_s: float) -> UpstreamFault:
    """The fault of an answer whose status is no success. A prompt that the filter stopped stays a 400 `content_filter`."""
    found = faults.fault(spec, status, headers, body, wall_s)
    if isinstance(found, UpstreamRefused) and found.code in _ABSENT:
        return UpstreamRefused(
            404, found.message, error_type="invalid_request_error", error_code="model_not_found", param="model"
        )
    return found
