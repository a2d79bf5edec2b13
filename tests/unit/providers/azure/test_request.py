"""What is sent to Azure: the place by version, the key by its kind, and what an old version does not take."""

import json
from typing import Any

import orjson
import pytest

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.providers.transport.contract import Outgoing
from gateway.providers.wire import AZURE, WIRES

ROOT = "https://r.openai.azure.com"
DEPLOYMENT = Target("az", "my-gpt", "az/my-gpt")


def asked(operation: Operation = Operation.CHAT, **more: Any) -> ModelRequest:
    fields = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}
    return ModelRequest(operation, orjson.dumps(fields), fields, True, "m", more.get("stream") is True, False)


def sent(request: ModelRequest, key: str | None = "k", *, target: Target = DEPLOYMENT, **spec: Any) -> Outgoing:
    return AZURE.write(request, target, ProviderSpec("az", "azure", **({"base_url": ROOT} | spec)), key, {})


@pytest.mark.parametrize(
    "base_url",
    [
        *(ROOT, f"{ROOT}/", f"{ROOT}/openai", f"{ROOT}/openai/v1", f"{ROOT}/openai/v1/", f"{ROOT}/openai/deployments/x"),
        *(f"{ROOT}/openai/deployments/x/chat/completions", f"{ROOT}/openai/v1/chat/completions", f"{ROOT}/openai/v1/responses"),
    ],
)
@pytest.mark.parametrize(
    ("version", "operation", "path"),
    [
        ("", Operation.CHAT, "/openai/v1/chat/completions"),
        ("", Operation.EMBEDDINGS, "/openai/v1/embeddings"),
        ("", Operation.RESPONSES, "/openai/v1/responses"),
        ("v1", Operation.CHAT, "/openai/v1/chat/completions"),
        ("preview", Operation.CHAT, "/openai/v1/chat/completions?api-version=preview"),
        ("2024-10-21", Operation.CHAT, "/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21"),
        ("2024-10-21", Operation.COMPLETIONS, "/openai/deployments/my-gpt/completions?api-version=2024-10-21"),
        ("2024-10-21", Operation.EMBEDDINGS, "/openai/deployments/my-gpt/embeddings?api-version=2024-10-21"),
        ("2025-04-01-preview", Operation.RESPONSES, "/openai/responses?api-version=2025-04-01-preview"),
    ],
)
def test_the_version_decides_the_place(base_url: str, version: str, operation: Operation, path: str) -> None:
    assert sent(asked(operation), base_url=base_url, version=version).path == path.encode()


def test_a_gateway_before_azure_keeps_its_path() -> None:
    assert sent(asked(), base_url="https://apim.example/team/openai/v1").path == b"/team/openai/v1/chat/completions"


@pytest.mark.parametrize(("name", "path"), [("a/b?c", "a%2Fb%3Fc"), ("gpt 4\r\n", "gpt%204%0D%0A"), ("\u00fc", "%C3%BC")])
def test_a_deployment_s_name_stays_one_segment(name: str, path: str) -> None:
    request = asked()._replace(model=name)
    found = sent(request, target=Target("az", "*", "az/*"), version="2024-10-21").path.decode()
    assert found == f"/openai/deployments/{path}/chat/completions?api-version=2024-10-21"


def test_the_deployment_is_the_model() -> None:
    assert json.loads(sent(asked()).body)["model"] == "my-gpt"


def test_what_may_stay_stays_to_the_byte() -> None:
    request = asked()
    assert sent(request, target=Target("az", "*", "az/*")).body == request.body


@pytest.mark.parametrize("operation", [Operation.CHAT, Operation.RESPONSES])
@pytest.mark.parametrize(
    ("key", "header"),
    [
        ("0123456789abcdef", (b"api-key", b"0123456789abcdef")),
        ("eyJ0eXAi.eyJhdWQi.c2ln", (b"authorization", b"Bearer eyJ0eXAi.eyJhdWQi.c2ln")),
        ("eyJustAKey", (b"api-key", b"eyJustAKey")),
    ],
)
def test_a_token_is_a_bearer_s_and_a_key_is_not(operation: Operation, key: str, header: tuple[bytes, bytes]) -> None:
    head = sent(asked(operation), key).headers
    assert [one for one in head if one[0] in (b"api-key", b"authorization")] == [header]
    assert not {b"api-key", b"authorization"} & dict(sent(asked(operation), None).headers).keys()


@pytest.mark.parametrize(
    ("version", "takes"),
    [("", True), ("2024-10-21", True), ("2024-09-01-preview", True), ("2024-08-01-preview", False), ("2024-06-01", False)],
)
def test_old_versions_know_neither_stream_options_nor_the_new_limit(version: str, takes: bool) -> None:
    options: list[dict[str, Any]] = [{}, {"stream_options": {"include_usage": True}}]
    for more in options:
        found = json.loads(sent(asked(stream=True, max_completion_tokens=7, **more), version=version).body)
        assert ("stream_options" in found) is takes
        assert (found.get("max_completion_tokens"), found.get("max_tokens")) == ((7, None) if takes else (None, 7))


@pytest.mark.parametrize(
    ("version", "responds"), [("", True), ("preview", True), ("2025-03-01-preview", True), ("2024-10-21", False)]
)
def test_responses_go_there_where_the_version_has_them(version: str, responds: bool) -> None:
    spoken = AZURE.speaks(ProviderSpec("az", "azure", ROOT, version=version), "gpt")
    assert (Operation.RESPONSES in spoken) is responds
    assert {Operation.CHAT, Operation.COMPLETIONS, Operation.EMBEDDINGS} <= spoken


def test_it_is_a_wire_of_the_table() -> None:
    assert WIRES["azure"] is AZURE
