"""Where an operation is found below the base URL of Gemini's API."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue

BASE_URL: Final = "https://generativelanguage.googleapis.com/v1beta"

_LONGEST: Final = 300
"""Characters of a name."""
_VERSIONED: Final = re.compile(r"/v\d+[a-z0-9]*$")


def verb(request: ModelRequest) -> str:
    """What stands behind the model's name. A stream is always asked for as events, however the caller will have it."""
    if request.operation is Operation.COUNT_CONTENT:
        return "countTokens"
    return "streamGenerateContent?alt=sse" if request.stream else "generateContent"


@lru_cache(maxsize=1024)
def path(base_url: str, model: str, what: str) -> bytes:
    """The path of `what` of a model; the version is added where the base URL has none."""
    place = (base_url or BASE_URL).partition("://")[2].partition("/")[2].partition("?")[0]
    root = f"/{place}".rstrip("/")
    if not _VERSIONED.search(root):
        root += "/v1beta"
    kind = "tunedModels" if model.startswith("tunedModels/") else "models"
    return f"{quote(root)}/{kind}/{segment(model)}:{what}".encode("ascii")


def segment(model: str) -> str:
    """A model's name as one segment of a path, whoever made it up. Raises `InvalidValue` for one that nothing can have."""
    if len(model) > _LONGEST:
        raise InvalidValue(f"No model's name has over {_LONGEST} characters.", param="model")
    return quote(model.removeprefix("models/").removeprefix("tunedModels/").encode("utf-8", "replace"), safe="@")
