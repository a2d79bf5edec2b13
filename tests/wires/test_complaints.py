"""Every provider's way to say that a prompt is too long or not wanted has the code that failover looks at."""

import json
from typing import Any

import pytest

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.errors import UpstreamCredentials, UpstreamRefused
from gateway.providers.openai.faults import within
from gateway.providers.wire import WIRES
from gateway.routing.blame import onwards

TARGET = Target("p", "m", "p/m")
POLICY = {"context_length": "large", "content_filter": "safe"}


def openais(message: str, code: Any = None, kind: str | None = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropics(message: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


def googles(message: str) -> dict[str, Any]:
    return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}


CONTEXT = "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens."
TGI = "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 100"
AZURE = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
XAI = "Content violates usage guidelines. Team: t, API key ID: secret, Model: grok-4, Failed check: SAFETY_CHECK_TYPE_BIO"
ROUTER = 'openai/gpt-4 requires moderation on OpenRouter. Your input was flagged for "violence".'

TOO_LONG: list[tuple[str, int, Any]] = [
    ("openai", 400, openais(CONTEXT, "context_length_exceeded")),
    ("openai", 400, openais("Invalid 'input': string too long.", "string_above_max_length")),
    ("openai", 400, {"object": "error", "message": CONTEXT, "type": "BadRequestError", "param": None, "code": 400}),
    ("openai", 400, openais(CONTEXT, "invalid_request_error")),
    ("openai", 422, {"error": TGI, "error_type": "validation"}),
    ("openai", 422, openais(TGI)),
    ("openai", 400, openais("the request exceeds the available context size", 400, "exceed_context_size_error")),
    ("openai", 400, openais("Prompt contains 40000 tokens, too large for model with 32768 maximum context length", "3051")),
    ("openai", 413, openais("Request too large for model on tokens per minute (TPM)", "rate_limit_exceeded", "tokens")),
    ("openai", 400, openais("The prompt is too long: 140000, model maximum context length: 131071")),
    ("openai", 400, {"code": "Client specified an invalid argument", "error": "This model's maximum prompt length is 131072"}),
    ("openai", 400, {"error": "The number of tokens to keep from the initial prompt is greater than the context length."}),
    ("openai", 400, openais("<400> InternalError: Range of input length should be [1, 129024]", "invalid_parameter_error")),
    ("openai", 400, openais("Invalid request: Your request exceeded model token limit: 131072 (requested: 200000)")),
    ("openai", 400, {"message": "too many tokens: total number of tokens in the prompt cannot exceed 4081"}),
    ("azure", 400, openais(CONTEXT, "context_length_exceeded")),
    ("anthropic", 400, anthropics("prompt is too long: 210000 tokens > 200000 maximum")),
    ("anthropic", 400, anthropics("input length and `max_tokens` exceed context limit: 190000 + 21333 > 200000")),
    ("anthropic", 413, anthropics("Request exceeds the maximum size", "request_too_large")),
    ("google", 400, googles("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).")),
    ("vertex", 400, [googles("Unable to submit request because the input token count is 1200000 but model only supports")]),
    ("vertex", 400, anthropics("Prompt is too long")),
    ("bedrock", 400, {"message": "Input is too long for requested model."}),
    ("bedrock", 400, {"message": "The model returned the following errors: prompt is too long: 210000 tokens > 200000"}),
    ("bedrock", 400, {"message": "The model returned the following errors: Input Tokens Exceeded: Number of input tokens"}),
]
NOT_WANTED: list[tuple[str, int, Any]] = [
    ("openai", 400, openais("Your request was rejected by our safety system.", "content_policy_violation")),
    ("openai", 400, openais("Your request was rejected by our safety system.", "moderation_blocked")),
    ("openai", 400, openais("Invalid prompt: your prompt was flagged as potentially violating our policy.", "invalid_prompt")),
    ("openai", 400, openais("Content Exists Risk", "invalid_request_error")),
    ("openai", 403, {"code": "The caller does not have permission", "error": XAI}),
    ("openai", 403, openais(ROUTER, 403)),
    ("openai", 400, openais("Input data may contain inappropriate content.", "data_inspection_failed")),
    ("azure", 400, openais(AZURE, "content_filter", None)),
    ("anthropic", 400, anthropics("Output blocked by content filtering policy")),
    ("bedrock", 400, {"message": "The content in this message was blocked by content filtering policy"}),
]
NEITHER: list[tuple[str, int, Any]] = [
    ("openai", 400, openais("max_tokens is too large: 200000. This model supports at most 16384 tokens.", "invalid_value")),
    ("openai", 400, openais("Unrecognized request argument supplied: contexts")),
    ("anthropic", 400, anthropics("messages: text content blocks must be non-empty")),
    ("google", 400, googles("Please ensure that multiturn requests alternate between user and model.")),
    ("bedrock", 400, {"message": "The provided model identifier is invalid."}),
]
ROWS = [
    *((row, "large") for row in TOO_LONG),
    *((row, "safe") for row in NOT_WANTED),
    *((row, None) for row in NEITHER),
]


@pytest.mark.parametrize(("row", "way"), ROWS, ids=lambda one: f"{one[0]}-{json.dumps(one[2])[:60]}" if one and one[2:] else "")
def test_policy_knows_what_a_provider_complains_about(row: tuple[str, int, Any], way: str | None) -> None:
    wire, status, body = row
    headers = [(b"x-amzn-errortype", b"ValidationException")] if wire == "bedrock" else []
    fault = WIRES[wire].fault(ProviderSpec("p", wire), status, headers, json.dumps(body).encode(), 0.0)
    assert isinstance(fault, UpstreamRefused)
    assert onwards(fault, TARGET, POLICY) == way
    assert "secret" not in fault.message


def test_a_filter_that_says_forbidden_is_not_about_the_key_and_a_key_still_is() -> None:
    spec = ProviderSpec("p", "openai")
    for body, kind in ((openais(ROUTER), UpstreamRefused), (openais("You have no permission."), UpstreamCredentials)):
        assert type(WIRES["openai"].fault(spec, 403, [], json.dumps(body).encode(), 0.0)) is kind
        assert type(within(body | {"error": body["error"] | {"code": 403}})) is kind
    assert type(WIRES["openai"].fault(spec, 401, [], json.dumps(openais(ROUTER)).encode(), 0.0)) is UpstreamCredentials


def test_inside_an_answer_it_is_about_the_prompt_as_well_though_no_status_says_so() -> None:
    for error in ({"message": CONTEXT}, {"message": "x", "code": "content_filter"}, {"message": CONTEXT, "type": "BadRequest"}):
        assert within({"error": error}).status == 400
    assert within({"error": {"message": "The engine has died."}}).status == 502
