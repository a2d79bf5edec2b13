"""What the URL of a call says beside its body: a query to be passed on, with Google and Amazon also the model and the way."""

import re
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode

from starlette.types import Scope

from gateway.core.chat import Operation

_PLACE: Final = re.compile(
    r"/(?:v1|v1beta|v1alpha)/models/(?P<model>[^:]+(?::[^:]+)*):(?P<method>generateContent|streamGenerateContent|countTokens)"
)
_CONVERSE: Final = re.compile(r"(?:/v1)?/model/(?P<model>.+)/(?P<method>converse|converse-stream)", re.DOTALL)
_METHODS: Final = {
    "generateContent": (Operation.GENERATE, False),
    "streamGenerateContent": (Operation.GENERATE, True),
    "countTokens": (Operation.COUNT_CONTENT, False),
}


class Asked(NamedTuple):
    """What a URL says. `model` and `stream`: None where the body says it. `key`: the caller's, from the query."""

    query: str = ""
    model: str | None = None
    stream: bool | None = None
    key: str | None = None


NOTHING: Final = Asked()


def by_query(scope: Scope) -> Asked:
    """The query alone: `?beta=true` is Anthropic's."""
    return Asked(scope["query_string"].decode("latin-1"))


def generating(path: str) -> Operation | None:
    """Which operation a path in Gemini's form asks for; None where it has another form."""
    found = _PLACE.fullmatch(path)
    return _METHODS[found["method"]][0] if found else None


def conversing(path: str) -> Operation | None:
    """The same of a path in Bedrock's form, where the model's name may be an ARN with slashes in it."""
    return Operation.CONVERSE if path.startswith(("/model/", "/v1/model/")) and _CONVERSE.fullmatch(path) else None


def by_model(scope: Scope) -> Asked:
    """Which model, and whether its answer is to be a stream, for a path that `conversing` knows."""
    found = _CONVERSE.fullmatch(scope["path"])
    assert found is not None  # `conversing` chose the endpoint
    return Asked("", found["model"], found["method"] == "converse-stream")


def by_path(scope: Scope) -> Asked:
    """Everything, for a path that `generating` knows. The caller's key may stand in the query, and goes no further."""
    found = _PLACE.fullmatch(scope["path"])
    assert found is not None  # `generating` chose the endpoint
    fields = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = urlencode([(name, value) for name, value in fields if name not in ("key", "$httpMethod")])
    key = next((value for name, value in fields if name == "key"), None)
    return Asked(query, unquote(found["model"]), _METHODS[found["method"]][1], key)
