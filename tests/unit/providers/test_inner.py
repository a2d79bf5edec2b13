"""What a cloud would read with the gateway's identity is refused, in every form; words about it are not."""

from typing import Any

import orjson
import pytest

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue
from gateway.providers.inner import refuse_inner
from gateway.providers.wire import WIRES

S3, GS = "s3://payroll/2026.pdf", "GS://payroll/2026.png".lower()


def request(fields: dict[str, Any], operation: Operation = Operation.CHAT) -> ModelRequest:
    return ModelRequest(operation, orjson.dumps(fields), fields, True, "m", False, False)


def user(part: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": [part]}]}


@pytest.mark.parametrize(
    "fields",
    [
        user({"type": "image_url", "image_url": {"url": S3}}),
        user({"type": "image_url", "image_url": GS}),
        user({"type": "file", "file": {"filename": "a.pdf", "file_data": S3}}),
        user({"type": "file", "file": {"file_url": GS}}),
        user({"document": {"format": "pdf", "name": "a", "source": {"s3Location": {"uri": S3}}}}),
        {"contents": [{"role": "user", "parts": [{"fileData": {"fileUri": GS, "mimeType": "image/png"}}]}]},
        {"contents": [{"role": "user", "parts": [{"file_data": {"file_uri": GS}}]}]},
        user({"type": "image", "source": {"type": "url", "url": S3}}),
    ],
)
def test_an_address_in_a_clouds_storage_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match="identity"):
        refuse_inner(request(fields))


@pytest.mark.parametrize("written", [b"S3://", b"s3:\\/\\/", b"\\u0073\\u0033://", b"\\u00733:/\\u002f"])
def test_however_its_letters_are_written(written: bytes) -> None:
    fields = user({"document": {"source": {"s3Location": {"uri": S3}}}})
    body = orjson.dumps(fields).replace(b"s3://", written)
    with pytest.raises(InvalidValue, match="identity"):
        refuse_inner(request(fields)._replace(body=body, fields=orjson.loads(body)))


@pytest.mark.parametrize("fields", [user({"type": "text", "text": f"What is {S3}?"}), user({"type": "text", "text": GS})])
def test_words_about_one_are_the_callers(fields: dict[str, Any]) -> None:
    refuse_inner(request(fields))


@pytest.mark.parametrize(("wire", "model"), [("bedrock", "anthropic.claude-x"), ("vertex", "gemini-3"), ("vertex", "claude-x")])
def test_the_clouds_wires_refuse_it(wire: str, model: str) -> None:
    spec = ProviderSpec("p", wire, "http://up", ("k",), project="p", location="us-east-1")
    asked = request(user({"type": "image_url", "image_url": {"url": S3 if wire == "bedrock" else GS}}))
    with pytest.raises(InvalidValue, match="identity"):
        WIRES[wire].write(asked, Target("p", model, "p/m"), spec, "k", {})
