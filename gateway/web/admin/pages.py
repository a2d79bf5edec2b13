"""Lists by pages: a cursor says after which entry the next page begins, so that entries may come and go meanwhile."""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from starlette.datastructures import QueryParams

from gateway.web.admin.problems import Problem

T = TypeVar("T")

DEFAULT: Final = 100
MOST: Final = 1000


def page(entries: Sequence[T], key: Callable[[T], str], query: QueryParams, shown: Callable[[T], Any]) -> dict[str, Any]:
    """One page of `entries`, which are sorted by `key`, from `?limit=` and `?cursor=`."""
    limit = _limit(query.get("limit"))
    start = bisect_right(entries, _after(query.get("cursor")), key=key) if query.get("cursor") else 0
    chosen = entries[start : start + limit]
    more = start + limit < len(entries)
    return {
        "object": "list",
        "data": [shown(one) for one in chosen],
        "has_more": more,
        "next_cursor": _cursor(key(chosen[-1])) if more else None,
    }


def check_query(query: QueryParams, known: Sequence[str]) -> None:
    """Raises a `Problem` for a parameter that does not exist: a filter that is misspelled must not be a list of everything."""
    for name in query:
        if name not in known:
            raise Problem(400, "unknown_parameter", f"There is no parameter {name[:100]!r}; there are {', '.join(known)}.")


def _limit(said: str | None) -> int:
    if said is None:
        return DEFAULT
    if not (said.isascii() and said.isdigit() and 1 <= int(said[:9]) <= MOST and len(said) < 9):
        raise Problem(400, "invalid_limit", f"limit is a number from 1 to {MOST}.")
    return int(said)


def _cursor(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _after(cursor: str | None) -> str:
    try:
        padded = (cursor or "") + "=" * (-len(cursor or "") % 4)
        return base64.b64decode(padded.encode("ascii"), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise Problem(400, "invalid_cursor", "This is no cursor of a page before.") from error
