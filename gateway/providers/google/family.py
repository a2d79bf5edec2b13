"""What a Gemini model can do, read from its name."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

_VERSION: Final = re.compile(r"gemini-(\d{1,2})(?:\.(\d{1,2}))?(?![\d])")
_NEWEST: Final = re.compile(r"gemini-[a-z-]*latest")
_LONGEST: Final = 200
"""Characters of a name that are looked at."""
_NEXT: Final = (3, 1)
"""The version that `-latest` is taken for."""


class Family(NamedTuple):
    """`version` is (0, 0) for what is no Gemini or does not say; such a model is asked for nothing new.

    `ids`: the API that it is reached by knows ids of calls.
    """

    version: tuple[int, int]
    pro: bool = False
    ids: bool = True

    @property
    def levels(self) -> bool:
        """Thinking is asked for in levels; signatures of calls are checked, and tools may meet JSON."""
        return self.version >= (3, 0)

    @property
    def identifies(self) -> bool:
        """Calls and their results have ids."""
        return self.ids and self.levels

    @property
    def budgets(self) -> bool:
        """Thinking is asked for as a budget of tokens."""
        return (2, 5) <= self.version < (3, 0)

    @property
    def schemas(self) -> bool:
        """Takes JSON Schema as it is; older ones take a subset of OpenAPI's."""
        return self.version >= (2, 5)


def family_of(model: str) -> Family:
    """The family of a model by its name at the provider."""
    return _family(model[:_LONGEST])  # callers may make names up, and what is remembered is to be small


@lru_cache(maxsize=1024)
def _family(model: str) -> Family:
    found = _VERSION.search(model)
    if found is not None:
        return Family((int(found[1]), int(found[2] or 0)), "pro" in model)
    return Family(_NEXT if _NEWEST.search(model) else (0, 0), "pro" in model)
