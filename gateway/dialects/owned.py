"""The ids of objects in what passes: opened on the way in, marked on the way out; what is no id stays as it is.

Here for bodies that are about objects: an id may stand anywhere but in words. What is said to a model, and by one, is words
but for a few fields: see `gateway.dialects.referring`.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from gateway.core.errors import InvalidValue, ObjectNotFound
from gateway.core.upstream import Owner
from gateway.dialects.ownership import claimed, mark

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
ID_LIMIT: Final = 640

_PROSE: Final = frozenset(
    {"text", "content", "input", "output", "instructions", "arguments", "name", "filename", "title", "description"}
    | {"model", "object", "type", "role", "status", "purpose", "url", "image_url", "data", "b64_json", "prompt", "message"}
)
"""Under these keys a string is somebody's words and never an id, whatever it looks like."""
FREE: Final = frozenset(
    {"metadata", "attributes", "client_metadata", "parameters", "schema", "input_schema", "json_schema", "arguments", "args"}
    | {"action", "functionCall", "function_call", "functionResponse", "function_response"}
)
"""What callers attach for themselves, the schemas of their tools, and with what a tool is called."""

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
                if not words and len(value) <= ID_LIMIT:
                    node[key] = change(value)
            elif isinstance(value, dict | list) and key not in FREE:
                left.append((value, words))
    return root


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


def not_found(text: str) -> ObjectNotFound:
    """In OpenAI's words."""
    known = _OBJECT.match(text)
    return ObjectNotFound(f"No such {_NOUNS[known[1]] if known else 'object'}: {text[:100]!r}.", param="id")
