"""What the URL of a call says."""

from typing import Any

import pytest

from gateway.core.chat import Operation
from gateway.web.asking import Asked, by_path, by_query, generating


def scope(path: str, query: bytes = b"") -> dict[str, Any]:
    return {"type": "http", "path": path, "query_string": query}


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/v1beta/models/gemini-3:generateContent", Operation.GENERATE),
        ("/v1/models/gemini-3:streamGenerateContent", Operation.GENERATE),
        ("/v1beta/models/gemini-3:countTokens", Operation.COUNT_CONTENT),
        ("/v1beta/models/gemini-3:embedContent", None),
        ("/v1beta/models/:generateContent", None),
        ("/v1/chat/completions", None),
    ],
)
def test_a_path_in_geminis_form_is_known(path: str, operation: Operation | None) -> None:
    assert generating(path) is operation


def test_a_models_name_may_have_slashes_and_colons() -> None:
    assert by_path(scope("/v1beta/models/groq/llama:8b:generateContent")).model == "groq/llama:8b"


def test_the_key_in_the_query_is_taken_out_of_it() -> None:
    asked = by_path(scope("/v1beta/models/m:streamGenerateContent", b"alt=sse&key=sk-1"))
    assert asked == Asked("alt=sse", "m", stream=True, key="sk-1")


def test_a_query_alone_is_passed_on() -> None:
    assert by_query(scope("/v1/messages", b"beta=true")) == Asked("beta=true")
