"""What the body of a passage names beside ids: models that decide nothing here, and what everybody in an account has made."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_WIDE: Final = frozenset({"stored_completions", "responses", "logs"})
"""Sources of an eval that are no file: what was asked of the account, by whomever."""
_SOURCES: Final = frozenset({"source", "data_source_config"})
_OWN: Final = frozenset({"metadata", "attributes", "client_metadata"})
"""What callers attach for themselves."""


def is_mistakable(name: str) -> bool:
    """Whether some servers would read this name as `model`, while others do not."""
    return name != "model" and name.strip().lower() == "model"


def names_below(fields: Mapping[str, Any]) -> bool:
    """Whether a model is named anywhere but at the top, where it is looked for."""
    return any(key.strip().lower() == "model" for node in _nodes(fields) if node is not fields for key in node)


def takes_everybodys(fields: Mapping[str, Any]) -> bool:
    """Whether an eval is to look at what others have asked for in the same account."""
    found = (node.get(key) for node in _nodes(fields) for key in _SOURCES)
    return any(isinstance(value, Mapping) and value.get("type") in _WIDE for value in found)


def _nodes(root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every object in a JSON value, itself included."""
    left: list[Any] = [root]
    while left:
        node = left.pop()
        if isinstance(node, Mapping):
            yield node
            left += [value for key, value in node.items() if isinstance(value, Mapping | list) and key not in _OWN]
        else:
            left += [value for value in node if isinstance(value, Mapping | list)]
