"""What the second server does beside the matrix: its errors, and an answer whose bytes no serialiser would write."""

from tests.journeys import answers
from tests.journeys.variants import DONE, event

UPSTREAM_KEY = "sk-upstream-c0ffee"
Answer = tuple[int, bytes, tuple[tuple[str, str], ...]]
JSON = ("content-type", "application/json")
HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def _json(status: int, message: str, kind: str, code: str | None = None, *headers: tuple[str, str]) -> Answer:
    return status, answers.dumps(answers.error(message, kind, code, "messages" if status == 400 else None)), (JSON, *headers)


def _array(status: int, message: str) -> Answer:
    """Gemini's OpenAI-compatible endpoint wraps the envelope in a list."""
    return status, answers.dumps([{"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT"}}]), (JSON,)


RATE = ("x-ratelimit-remaining-requests", "0")
ERRORS: dict[str, Answer] = {
    "error-400": _json(400, "the third message is odd", "invalid_request_error", "invalid_value"),
    "error-400-array": _array(400, "the third message is odd"),
    "error-401": _json(401, f"Incorrect API key provided: {UPSTREAM_KEY}.", "invalid_request_error", "invalid_api_key"),
    "error-403": _json(403, f"Key {UPSTREAM_KEY} may not do this.", "invalid_request_error", "forbidden"),
    "error-404": _json(404, "no such model upstream", "invalid_request_error", "model_not_found"),
    "error-413": _json(413, "the prompt is too large", "invalid_request_error", "request_too_large"),
    "error-422": _json(422, "the schema is odd", "invalid_request_error", "invalid_schema"),
    "error-429": _json(429, "slow down, please", "requests", "rate_limit_exceeded", ("retry-after", "1"), RATE),
    "error-429-quota": _json(429, "the account is empty", "insufficient_quota", "insufficient_quota"),
    "error-500": _json(500, "the engine is on fire", "server_error"),
    "error-503": _json(503, "the engine is busy", "service_unavailable_error", "server_is_overloaded"),
    "error-html": (502, HTML, (("content-type", "text/html"),)),
    "flaky": _json(429, "slow down, please", "requests", "rate_limit_exceeded", ("retry-after-ms", "20"), ("retry-after", "0")),
}


def answer_with_extras(model: str) -> tuple[bytes, list[bytes]]:
    """The same answer whole and as a stream, with unknown fields, odd spacing, escapes and numbers: to the byte."""
    head = f'{{ "id":"chatcmpl-x",  "object":"%s","created":{answers.CREATED},"model":"{model}",'
    odd = '"x_vendor" : {"pi":3.1400, "big":12345678901234567890123, "e":1E3, "esc":"\\u00fc\\/"}, '
    message = '{"role":"assistant","content":"\\u00fcber","reasoning_content":"hm","annotations":[]}'
    usage = '"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"cost":0.10}'
    choice = '"choices":[ {"index":0,"%s":%s,"finish_reason":%s,"logprobs":null,"x":[]} ]'
    plain = head % "chat.completion" + odd + choice % ("message", message, '"stop"') + f",{usage} }}\n"
    first = head % "chat.completion.chunk" + odd + choice % ("delta", message, "null") + "}"
    last = head % "chat.completion.chunk" + odd + choice % ("delta", "{}", '"stop"') + "}"
    stream = [b"data: " + one.encode() + b"\n\n" for one in (first, last)]
    return plain.encode(), [*stream, event(answers.usage_chunk(model) | {"id": "chatcmpl-x"}), DONE]
