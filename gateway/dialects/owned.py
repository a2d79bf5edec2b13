"""The ids of objects in what passes: opened on the way in, marked on the way out; what is no id stays as it is.

In a body about objects (`rewritten`) an id may stand anywhere but in words. What is said to a model, and by one, is words
(`referring`): ids stand in a few fields there, and an id anywhere else is somebody's text.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson

from gateway.core.chat import ModelRequest
from gateway.core.errors import InvalidValue, ObjectNotFound
from gateway.core.upstream import Owner
from gateway.dialects.ownership import MARK, claimed, mark

_NOUNS: Final = {
    "file": "File",
    "assistant": "File",  # as Azure names them
    "batch": "Batch",
    "upload": "Upload",
    "vs": "VectorStore",
    "vsfb": "FileBatch",
    "conv": "Conversation",
    "resp": "Response",
    "ftjob": "FineTuningJob",
    "ft": "FineTuningJob",
    "eval": "Eval",
    "cntr": "Container",
    "asst": "Assistant",
    "thread": "Thread",
    "video": "Video",
}
_OBJECT: Final = re.compile(rf"({'|'.join(_NOUNS)})[-_](?=[A-Za-z0-9_-]*[0-9A-Z])[A-Za-z0-9_-]{{6,}}")
"""The ids of what a tenant owns. What stands below it (items, messages, runs) is reached through it, and needs no mark."""
_MARKED: Final = re.compile(r"(.+)_fg[0-9a-f]{32}", re.DOTALL)
_PART: Final = re.compile(r"[A-Za-z0-9_.:-]{1,640}")
"""What may stand in a path in place of an id."""
_ID_LIMIT: Final = 640

_PROSE: Final = frozenset(
    {"text", "content", "input", "output", "instructions", "arguments", "name", "filename", "title", "description"}
    | {"model", "object", "type", "role", "status", "purpose", "url", "image_url", "data", "b64_json", "prompt", "message"}
)
"""Under these keys a string is somebody's words and never an id, whatever it looks like."""
_FREE: Final = frozenset(
    {"metadata", "attributes", "client_metadata", "parameters", "schema", "input_schema", "json_schema", "arguments", "args"}
    | {"action", "functionCall", "function_call", "functionResponse", "function_response"}
)
"""What callers attach for themselves, the schemas of their tools, and with what a tool is called."""
_HOLDERS: Final = frozenset(
    {"previous_response_id", "comparison_response_id", "conversation", "file_id", "file_ids", "vector_store_ids"}
    | {"container", "container_id"}
)
"""The fields of what is said to a model that hold ids of objects."""
_PAST: Final = ("code_interpreter_call", "file_search_call")
"""Items that tell what a provider did with objects; so do `annotations`. No provider needs those objects again for that."""
_HINTS: Final = (b"file_id", b"vector_store_ids", b"container", b"conversation", b"response_id")
"""In a text with none of these no holder is, unless a letter of its name is written as an escape."""
_ESCAPED: Final = b"\\u00"

Change = Callable[[str], str]


def rewritten(root: Any, change: Change) -> Any:
    """The same value, changed in place, with `change` made to every string that could be an id."""
    left: list[tuple[Any, bool]] = [(root, False)]
    while left:
        node, prose = left.pop()
        entries = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in entries:
            words = prose if isinstance(node, list) else key in _PROSE
            if isinstance(value, str):
                if not words and len(value) <= _ID_LIMIT:
                    node[key] = change(value)
            elif isinstance(value, dict | list) and key not in _FREE:
                left.append((value, words))
    return root


def may_refer(text: bytes) -> bool:
    """Whether ids of objects could stand in a JSON text that is said to a model, or by one."""
    return any(hint in text for hint in _HINTS) or MARK in text or _ESCAPED in text


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
        return change(value) if len(value) <= _ID_LIMIT else value
    if isinstance(value, list):
        return [_held(one, change) if isinstance(one, str) else one for one in value]
    if isinstance(value, dict) and isinstance(value.get("id"), str):
        value["id"] = _held(value["id"], change)
    return value


def _is_free(key: str, value: Any) -> bool:
    """An `input` that is an object is what a tool is called with."""
    return key in _FREE or (key == "input" and isinstance(value, dict))


class Marking:
    """Marks the ids of objects as this owner's at this provider; `made`: how many so far."""

    def __init__(self, provider: str, owner: Owner) -> None:
        self._provider = provider
        self._owner = owner
        self.made = 0

    def __call__(self, text: str) -> str:
        if not _OBJECT.fullmatch(text):
            return text
        self.made += 1
        return mark(text, self._provider, self._owner)


class Opening:
    """Takes the marks off the ids of one call.

    `shared`: other tenants have objects in the same accounts, so that an id without this tenant's mark is refused. Where
    there are none, any mark comes off: it may be from before the gateway's secret was changed.
    `provider`: whose the ids are that were opened. `shown`: by their own ids, how the caller knows them. `made`: how many
    marks came off so far.
    """

    def __init__(self, owner: Owner, providers: Sequence[str], *, shared: bool) -> None:
        self._owner = owner
        self._providers = providers
        self._shared = shared
        self._known: dict[str, str] = {}
        self.made = 0
        self.provider: str | None = None
        self.shown: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """A string that could be an id. Raises `ObjectNotFound`, and `InvalidValue` for ids of two providers."""
        own = self._known.get(text)
        if own is None:
            own = self._known[text] = self._opened(text)
        self.made += own != text
        return own

    def cited(self, text: str) -> str:
        """The same for an id that is only told of: nobody's is refused, and no provider is chosen by it."""
        claim = claimed(text, self._owner, self._providers)
        if claim is None:
            return text
        self.made += 1
        return claim.id

    def _opened(self, text: str) -> str:
        if (marked := _MARKED.fullmatch(text)) is None:
            if self._shared and _OBJECT.fullmatch(text.strip()):
                raise not_found(text)
            return text
        claim = claimed(text, self._owner, self._providers)
        if claim is None:
            if self._shared:
                raise not_found(text)
            return marked[1]
        if self.provider not in (None, claim.provider):
            raise InvalidValue("The request names objects of two providers; no provider could answer it.")
        self.provider = claim.provider
        self.shown[claim.id] = text
        return claim.id

    def owned(self, text: str) -> str:
        """The id that a path is about. Raises `ObjectNotFound` where it is not this tenant's, whatever it looks like."""
        own = self.part(text)
        if self._shared and own not in self.shown:
            raise not_found(text)
        return own

    def part(self, text: str) -> str:
        """Any other id in a path. Raises `ObjectNotFound` for what would change the path."""
        if not _PART.fullmatch(text) or text.strip(".") == "":
            raise not_found(text)
        return self(text)


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


def not_found(text: str) -> ObjectNotFound:
    """In OpenAI's words."""
    known = _OBJECT.match(text)
    return ObjectNotFound(f"No such {_NOUNS[known[1]] if known else 'object'}: {text[:100]!r}.", param="id")
