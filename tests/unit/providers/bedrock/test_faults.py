"""What Bedrock's exceptions mean to the caller, as a status and as a frame."""

import json

import pytest

from gateway.core.catalog import ProviderSpec
from gateway.core.errors import UpstreamCredentials, UpstreamFault, UpstreamRefused
from gateway.providers.bedrock.faults import fault, within

SPEC = ProviderSpec("p", "bedrock", "https://bedrock-runtime.eu-west-1.amazonaws.com", api_keys=("bedrock-key",))
USER = "User: arn:aws:iam::123456789012:user/gw is not authorized to perform: bedrock:InvokeModel on resource:"


def told(status: int, kind: str, message: object, name: str = "message") -> UpstreamFault:
    headers = [(b"content-type", b"application/json"), (b"x-amzn-errortype", kind.encode())]
    return fault(SPEC, status, headers, json.dumps({name: message}).encode(), 0.0)


@pytest.mark.parametrize(
    ("status", "kind", "expected", "retryable"),
    [
        (429, "ThrottlingException", 429, True),
        (400, "ServiceQuotaExceededException", 429, True),
        (400, "ValidationException", 400, False),
        (404, "ResourceNotFoundException", 404, False),
        (408, "ModelTimeoutException", 408, True),
        (424, "ModelErrorException", 502, True),
        (424, "ModelStreamErrorException", 502, True),
        (429, "ModelNotReadyException", 503, True),
        (503, "ServiceUnavailableException", 503, True),
        (500, "InternalServerException", 500, True),
        (500, "SomethingNewException", 500, True),
        (400, "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/", 429, True),
    ],
)
def test_the_exceptions_name_decides(status: int, kind: str, expected: int, retryable: bool) -> None:
    seen = told(status, kind, "Too many tokens.")
    assert isinstance(seen, UpstreamRefused)
    assert (seen.status, seen.retryable, seen.message) == (expected, retryable, "Too many tokens.")


@pytest.mark.parametrize(
    "kind",
    [
        *("AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException"),
        *("com.amazon.coral.service#MissingAuthenticationTokenException", "SomethingNewException", ""),
    ],
)
def test_refused_credentials_are_the_gateways_fault(kind: str) -> None:
    seen = told(403, kind, "The key bedrock-key is not valid.")
    assert isinstance(seen, UpstreamCredentials)
    assert "bedrock-key" not in seen.message


@pytest.mark.parametrize(
    "message",
    [
        "You don't have access to the model with the specified model ID.",
        f"{USER} arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0 because no identity-based policy allows it",
        f"{USER} arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_model_that_the_account_may_not_use_is_no_fault_of_the_key(message: str, streamed: bool) -> None:
    kind = "accessDeniedException"
    seen = within(kind, json.dumps({"message": message}).encode()) if streamed else told(403, kind, message)
    assert isinstance(seen, UpstreamRefused)
    assert (seen.status, seen.code, seen.should_retry) == (502, "model_access_denied", False)
    assert "123456789012" not in seen.message
    assert seen.retryable, "another target may do better"


def test_a_key_that_is_none_is_refused_whatever_else_is_said() -> None:
    assert isinstance(
        told(403, "UnrecognizedClientException", "The security token is invalid for this model."), UpstreamCredentials
    )


def test_a_clock_that_is_wrong_is_said() -> None:
    seen = told(403, "InvalidSignatureException", "Signature expired: 20261123T100000Z is now earlier than 20261123T100500Z")
    assert isinstance(seen, UpstreamCredentials)
    assert "clock" in seen.message


@pytest.mark.parametrize(
    "message",
    [
        "Input is too long for requested model.",
        "The model returned the following errors: prompt is too long: 211530 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 64000 > 200000",
        "This model's maximum context length is 131072 tokens.",
    ],
)
def test_a_prompt_that_is_too_long_has_openais_code(message: str) -> None:
    assert told(400, "ValidationException", message).code == "context_length_exceeded"
    assert within("validationException", json.dumps({"message": message}).encode()).code == "context_length_exceeded"


def test_other_mistakes_have_not() -> None:
    assert told(400, "ValidationException", "The provided model identifier is invalid.").code is None


def test_other_places_for_name_and_message() -> None:
    assert told(400, "", "capital", name="Message").message == "capital"
    body = b'{"__type":"com.amazon.coral.service#ThrottlingException","message":"slow down"}'
    assert fault(SPEC, 400, [], body, 0.0).status == 429


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message":5}', b"null", b'{"message":{"a":[]}}'])
def test_whatever_the_body_is_there_is_a_fault(body: bytes) -> None:
    seen = fault(SPEC, 503, [(b"x-amzn-errortype", b"ServiceUnavailableException")], body, 0.0)
    assert (seen.status, seen.code) == (503, None)
    assert within("throttlingException", body).status == 429


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("throttlingException", 429),
        ("modelStreamErrorException", 502),
        ("validationException", 400),
        ("internalServerException", 500),
        ("serviceUnavailableException", 503),
        ("modelTimeoutException", 408),
        ("somethingNewException", 502),
        ("", 502),
    ],
)
def test_exceptions_inside_a_stream(kind: str, status: int) -> None:
    seen = within(kind, b'{"message":"mid-stream"}')
    assert (seen.status, seen.message) == (status, "mid-stream")


def test_credentials_may_expire_inside_a_stream() -> None:
    assert isinstance(within("expiredTokenException", b'{"message":"secret"}'), UpstreamCredentials)
