"""What a Gemini caller sends on after another model has called tools in its conversation."""

from typing import Any

import orjson
import pytest

from gateway.core.chat import Operation
from gateway.dialects.thinking import seal
from gateway.providers.google.toolwork import UNSIGNED
from gateway.providers.wire import GOOGLE
from tests.wires.driving import request
from tests.wires.google.asking import GEMINI_2_5, GEMINI_3, SPEC

CALL = {"functionCall": {"name": "f", "args": {}, "id": "call_1"}}
SECOND = {"function_call": {"name": "g", "args": {}}}
RESULT = {"functionResponse": {"name": "f", "id": "call_1", "response": {"r": 1}}}


def sent(parts: list[Any], results: list[Any], target: Any = GEMINI_3) -> tuple[bytes, list[Any]]:
    fields = {"contents": [{"role": "model", "parts": parts}, {"role": "user", "parts": results}]}
    asked = request(Operation.GENERATE, stream=False)._replace(body=orjson.dumps(fields), fields=fields)
    body = GOOGLE.write(asked, target, SPEC, "k", {}).body
    return asked.body, orjson.loads(body)["contents"] if body != asked.body else [body]


def test_a_call_of_another_model_gets_the_stand_in_for_its_signature() -> None:
    _, (model, user) = sent([{"text": "hm"}, CALL, SECOND], [RESULT])
    assert model["parts"] == [{"text": "hm"}, {**CALL, "thoughtSignature": UNSIGNED}, SECOND]
    assert user["parts"] == [RESULT]


def test_a_sealed_id_is_opened_on_call_and_result_and_its_signature_put_back() -> None:
    sealed = seal("call_1", signature="c2ln")
    call = {"functionCall": {**CALL["functionCall"], "id": sealed}}
    result = {"functionResponse": {**RESULT["functionResponse"], "id": sealed}}
    _, (model, user) = sent([call], [result])
    assert model["parts"] == [{**CALL, "thoughtSignature": "c2ln"}]
    assert user["parts"] == [RESULT]


SIGNED: Any = [{**CALL, "thoughtSignature": "x"}, SECOND]


@pytest.mark.parametrize(("parts", "target"), [(SIGNED, GEMINI_3), ([CALL], GEMINI_2_5), ([{"text": "a"}], GEMINI_3)])
def test_bytes_stay_where_all_is_signed_or_nobody_asks(parts: list[Any], target: Any) -> None:
    body, (same,) = sent(parts, [], target)
    assert same == body


def test_nonsense_goes_on_as_it_is() -> None:
    body, (same,) = sent([None, {"functionCall": 1}, {"functionCall": None, "x": []}], ["functionCall"])
    assert same == body
