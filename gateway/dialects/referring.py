"""The ids of objects in what is said to a model, and by one: a few fields hold them; anywhere else an id is somebody's words.

Who pastes an id into a message, or has a tool that takes one, gets it back as it was, whoever it belongs to.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from gateway.core.chat import ModelRequest
from gateway.core.errors import InvalidValue
from gateway.dialects.owned import FREE, ID_LIMIT, Change, Opening

_HOLDERS: Final = frozenset(
    {"previous_response_id", "comparison_response_id", "conversation", "file_id", "file_ids", "vector_store_ids"}
    | {"container", "container_id"}
)
"""The fields of what is said to a model that hold ids of objects."""
DEPTH: Final = 16
"""Objects in objects, where those that hold ids are looked for; what is deeper is not told apart."""
_PAST: Final = ("code_interpreter_call", "file_search_call")
"""Items that tell what a provider did with objects; so do `annotations`. No provider needs those objects again for that."""


def refers(fields: Mapping[str, Any], depth: int = DEPTH) -> bool:
    """Whether ids of objects could stand in what is said to a model: whether any such field is in it.

    Every request is looked through, in as few steps as can be; the unusual (lists in lists, great depth) is taken for a yes.
    """
    if not depth or not _HOLDERS.isdisjoint(fields):
        return True
    for key, value in fields.items():
        if type(value) is dict:
            if not _is_free(key, value) and refers(value, depth - 1):
                return True
        elif type(value) is list and key not in FREE:
            for one in value:
                if type(one) is list or (type(one) is dict and refers(one, depth - 1)):
                    return True
    return False


def referring(root: Any, change: Change, cited: Change) -> Any:
    """The same value, changed in place, with `change` made to the ids that are referred to, `cited` to those of the past."""
    left: list[tuple[Any, Change]] = [(root, change)]
    while left:
        node, now = left.pop()
        if isinstance(node, list):
            left += [(one, now) for one in node if isinstance(one, dict | list)]
            continue
        if node.get("type") in _PAST:
            now = cited
        for key, value in node.items():
            if key in _HOLDERS:
                node[key] = _held(value, now)
            if isinstance(value, dict | list) and not _is_free(key, value):
                left.append((value, cited if key == "annotations" else now))
    return root


def _held(value: Any, change: Change) -> Any:
    """What a holder has: an id, several, or an object with one."""
    if isinstance(value, str):
        return change(value) if len(value) <= ID_LIMIT else value
    if isinstance(value, list):
        return [_held(one, change) if isinstance(one, str) else one for one in value]
    if isinstance(value, dict) and isinstance(value.get("id"), str):
        value["id"] = _held(value["id"], change)
    return value


def _is_free(key: str, value: Any) -> bool:
    """An `input` that is an object is what a tool is called with."""
    return key in FREE or (key == "input" and isinstance(value, dict))


def opened(request: ModelRequest, opening: Opening) -> ModelRequest:
    """What is said to a model as the provider knows it: the caller's own bytes where no id is changed.

    Raises as `Opening` does, and `InvalidValue` for what is too deep to be written again.
    """
    fields = referring(orjson.loads(request.body), opening, opening.cited)
    if not opening.made:
        return request
    try:
        return request._replace(body=orjson.dumps(fields), fields=fields)
    except orjson.JSONEncodeError as error:
        raise InvalidValue("The body is nested too deeply.") from error
