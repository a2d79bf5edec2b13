"""What vendors' errors mean to the caller."""

import json
from typing import Any

import pytest

from gateway.core.catalog import ProviderSpec
from gateway.core.errors import UpstreamCredentials, UpstreamFault, UpstreamRefused
from gateway.providers.transport.contract import Header
from gateway.providers.wire import AZURE, OPENAI

SPEC = ProviderSpec("p", "azure", "https://r.openai.azure.com", ("secret-key",))


def fault(status: int, body: Any, *headers: Header, azure: bool = False) -> UpstreamFault:
    return (AZURE if azure else OPENAI).fault(SPEC, status, headers, json.dumps(body).encode(), 0.0)


def refused(status: int, body: Any, *headers: Header, azure: bool = False) -> UpstreamRefused:
    found = fault(status, body, *headers, azure=azure)
    assert isinstance(found, UpstreamRefused)
    return found


def test_azure_s_prompt_filter_is_the_caller_s_and_no_reason_to_try_again() -> None:
    message = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}}
    error = {"message": message, "type": None, "param": "prompt", "code": "content_filter", "status": 400, "innererror": inner}
    found = refused(400, {"error": error}, azure=True)
    assert (found.status, found.code, found.param, found.retryable) == (400, "content_filter", "prompt", False)
    assert found.message == message


@pytest.mark.parametrize(("status", "code"), [(404, "DeploymentNotFound"), (400, "OperationNotSupported")])
def test_azure_s_missing_deployment_is_a_missing_model(status: int, code: str) -> None:
    found = refused(
        status, {"error": {"code": code, "message": "The API deployment for this resource does not exist."}}, azure=True
    )
    assert (found.status, found.code, found.param, found.retryable) == (404, "model_not_found", "model", False)


def test_azure_tells_milliseconds() -> None:
    body = {"error": {"code": "429", "message": "Requests have exceeded the token rate limit."}}
    found = refused(429, body, (b"retry-after-ms", b"1500"), (b"retry-after", b"2"), azure=True)
    assert (found.status, found.retry_after_s, found.retryable) == (429, 1.5, True)


def test_azure_s_wrong_key_is_the_gateway_s_fault() -> None:
    found = fault(401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key"}}, azure=True)
    assert isinstance(found, UpstreamCredentials)


def test_gemini_s_list_is_unwrapped() -> None:
    found = refused(400, [{"error": {"code": 400, "message": 'Unknown name "seed"', "status": "INVALID_ARGUMENT"}}])
    assert (found.status, found.message) == (400, 'Unknown name "seed"')


def test_mistral_s_places_are_told() -> None:
    detail = [{"type": "extra_forbidden", "loc": ["body", "user"], "msg": "Extra inputs are not permitted", "input": "u"}]
    found = refused(422, {"object": "error", "message": {"detail": detail}, "type": "invalid_request_error", "code": None})
    assert found.status == 422
    assert found.retryable is False


def test_groq_s_failed_generation_keeps_its_message() -> None:
    body = {"error": {"message": "Failed to call a function.", "type": "invalid_request_error", "code": "tool_use_failed"}}
    body["error"]["failed_generation"] = "<function"
    found = refused(400, body)
    assert (found.code, found.message) == ("tool_use_failed", "Failed to call a function.")


def test_keys_in_messages_are_made_unreadable() -> None:
    assert "secret-key" not in refused(400, {"error": {"message": "bad key secret-key"}}, azure=True).message
