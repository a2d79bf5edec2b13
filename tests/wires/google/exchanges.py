"""Exchanges with Gemini's API, written from its published formats: what it answers, plain and as a stream."""

import json
from typing import Any

Json = dict[str, Any]

MODEL = "gemini-3.1-pro-preview"
SIGNATURE = "CpIBAdHtim9Zc2lnbmF0dXJl/w=="
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def usage(prompt: int = 13, said: int | None = 10, thoughts: int | None = None, **more: int) -> Json:
    """Counts as Gemini gives them: the total has all, the candidates' count is without the thoughts."""
    found: Json = {"promptTokenCount": prompt, "totalTokenCount": prompt + (said or 0) + (thoughts or 0)}
    found |= {} if said is None else {"candidatesTokenCount": said}
    found |= {} if thoughts is None else {"thoughtsTokenCount": thoughts}
    found["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": prompt}]
    return found | more


def candidate(*parts: Json, finish: str | None = None, index: int = 0, **more: Any) -> Json:
    found: Json = {"content": {"parts": list(parts), "role": "model"}, "index": index} if parts else {"index": index}
    return found | ({} if finish is None else {"finishReason": finish}) | more


def response(*candidates: Json, counts: Json | None = None, **more: Any) -> Json:
    """One response; a stream is made of such."""
    found: Json = {"candidates": list(candidates)} if candidates else {}
    found["usageMetadata"] = usage() if counts is None else counts
    return found | {"modelVersion": MODEL, "responseId": "rQ0LafTzK9y"} | more


def call(name: str, args: Json | None = None, signature: str | None = None, call_id: str | None = None) -> Json:
    said: Json = {"name": name} | ({} if args is None else {"args": args}) | ({} if call_id is None else {"id": call_id})
    return {"functionCall": said} | ({} if signature is None else {"thoughtSignature": signature})


def events(*responses: Json, ends: str = "\r\n\r\n") -> bytes:
    """A stream of events."""
    return b"".join(b"data: " + json.dumps(one, ensure_ascii=False).encode() + ends.encode() for one in responses)


TEXT = {"text": "Hello"}
PLAIN = response(candidate({"text": "Hello, wörld \U0001f30d"}, finish="STOP"))
REASONED = response(
    candidate({"text": "Let me think.", "thought": True}, {"text": "42", "thoughtSignature": SIGNATURE}, finish="STOP"),
    counts=usage(13, 10, 61),
)
CALLED = response(candidate(call("get_weather", {"city": "Paris"}, SIGNATURE, "ab12cd"), finish="STOP"))
PARALLEL = response(
    candidate(
        {"text": "Both."},
        call("get_weather", {"city": "Paris"}, SIGNATURE),
        call("get_weather", {"city": "Oslo"}),
        finish="STOP",
    )
)
PICTURE = response(
    candidate({"text": "Here:"}, {"inlineData": {"mimeType": "image/png", "data": PIXEL}}, finish="STOP"), counts=usage(5, 1290)
)
JSON_ANSWER = response(candidate({"text": '{"answer": 42}'}, finish="STOP"))
RAN = response(
    candidate(
        {"executableCode": {"language": "PYTHON", "code": "print(6*7)"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42\n"}},
        {"text": "It is 42."},
        finish="STOP",
    )
)
BLOCKED = response(promptFeedback={"blockReason": "PROHIBITED_CONTENT"}, counts=usage(13, None))
FILTERED = response(candidate(finish="SAFETY", safetyRatings=[{"category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH"}]))
CUT = response(candidate({"text": ""}, finish="MAX_TOKENS"), counts=usage(13, None, 98))
MALFORMED = response(candidate(finish="MALFORMED_FUNCTION_CALL", finishMessage="Malformed function call: print(get_weather("))
ANSWERS: dict[str, Json] = {
    "plain": PLAIN,
    "reasoning": REASONED,
    "tools": CALLED,
    "parallel": PARALLEL,
    "picture": PICTURE,
    "json": JSON_ANSWER,
    "code": RAN,
    "blocked": BLOCKED,
    "filtered": FILTERED,
    "cut": CUT,
}

STREAMS: dict[str, bytes] = {
    "plain": events(
        response(candidate({"text": "Hel"}), counts=usage(13, None)),
        response(candidate({"text": "lo, wörld \U0001f30d"}), counts=usage(13, 7)),
        response(candidate({"text": ""}, finish="STOP"), counts=usage(13, 10)),
    ),
    "reasoning": events(
        response(candidate({"text": "Let me ", "thought": True}), counts=usage(13, None, 30)),
        response(candidate({"text": "think.", "thought": True}), counts=usage(13, None, 61)),
        response(candidate({"text": "42"}), counts=usage(13, 9, 61)),
        response(candidate({"text": "", "thoughtSignature": SIGNATURE}, finish="STOP"), counts=usage(13, 10, 61)),
    ),
    "tools": events(
        response(candidate({"text": "Hm.", "thought": True}), counts=usage(13, None, 3)),
        response(candidate(call("get_weather", {"city": "Paris"}, SIGNATURE, "ab12cd")), counts=usage(13, 10, 3)),
        response(candidate({"text": ""}, finish="STOP"), counts=usage(13, 10, 3)),
    ),
    "parallel": events(
        response(candidate({"text": "Both."}), counts=usage(13, 2)),
        response(
            candidate(call("f", {"a": 1}, SIGNATURE, "c1"), call("g", {}, None, "c2")),
            counts=usage(13, 8),
        ),
        response(candidate(call("f", {"a": 2}, None, "c3"), finish="STOP"), counts=usage(13, 10)),
    ),
    "picture": events(PICTURE),
    "early-stop": events(
        response(candidate({"text": "a"}, finish="STOP"), counts=usage(13, 1)),
        response(candidate({"text": "b"}, finish="STOP"), counts=usage(13, 2)),
    ),
    "two": events(
        response(candidate({"text": "x"}), candidate({"text": "y"}, index=1), counts=usage(13, 2)),
        response(candidate({"text": "1"}, index=1, finish="STOP"), counts=usage(13, 3)),
        response(candidate({"text": "0"}, index=0, finish="MAX_TOKENS"), counts=usage(13, 4)),
    ),
    "blocked": events(BLOCKED),
    "filtered": events(response(candidate({"text": "I "}), counts=usage(13, 1)), FILTERED),
    "cut": events(CUT),
    "array": json.dumps([PLAIN]).encode(),
    "lf": events(PLAIN, ends="\n\n"),
    "folded": b"data: " + json.dumps(PLAIN, indent=1).replace("\n", "\ndata: ").encode() + b"\n\n",
}
"""All of them whole."""
