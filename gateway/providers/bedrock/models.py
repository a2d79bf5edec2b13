"""What a model can be asked for, read from its id: its maker, and the family of Claude where it is one.

anthropic.claude-3-5-sonnet-20241022-v2:0      eu.anthropic.claude-opus-4-6-v1      us.amazon.nova-lite-v1:0
arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-20250514-v1:0
arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6     (says nothing)
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from gateway.providers.anthropic.models import Family, family

_MAKER: Final = re.compile(r"(?:^|/)(?:(?:[a-z]{2}|[a-z]{2}-[a-z]+|apac|global)\.)?([a-z0-9]{3,})\.([a-z][a-z0-9.:_-]*)$")
"""Behind the places of an inference profile."""
_NOVA: Final = Family(answer_tokens=0, most_tokens=0)
_BARE: Final = Family(answer_tokens=0, most_tokens=0, forces=False)
_OTHER: Final = Family(answer_tokens=0, most_tokens=0, formats=True)
_OPEN: Final = Family(answer_tokens=0, most_tokens=0, formats=True, efforts=frozenset({"low", "medium", "high"}))
_BARE_MAKERS: Final = frozenset({"ai21", "cohere", "meta"})
"""Whose models can be given tools, but not be made to call one, nor to keep to a schema."""


class Model(NamedTuple):
    """`maker` and `name` are empty where the id does not say. `family` tells what it takes, as of Claude's models."""

    maker: str = ""
    name: str = ""
    family: Family = _OTHER

    @property
    def is_claude(self) -> bool:
        """Made by Anthropic."""
        return self.maker == "anthropic"

    @property
    def is_nova(self) -> bool:
        """Amazon's own."""
        return self.maker == "amazon" and self.name.startswith("nova")

    @property
    def caches(self) -> bool:
        """Takes cache points in messages."""
        return self.is_nova or self.caches_tools

    @property
    def caches_tools(self) -> bool:
        """Takes cache points behind tools as well, and for how long they are to last."""
        return self.is_claude and self.family.thinking != "none"

    @property
    def keeps_thinking(self) -> bool:
        """Wants signed thinking back. An id that does not tell may be Claude's; nobody else signs."""
        return self.is_claude or not self.maker

    @property
    def samples_one_way(self) -> bool:
        """Takes a temperature or a top_p, not both."""
        return self.is_claude and (self.family.formats or "opus-4-1" in self.name)

    @property
    def tells_failures(self) -> bool:
        """Takes the status of a tool's result."""
        return self.is_claude or self.is_nova


@lru_cache(maxsize=1024)
def model_of(model_id: str) -> Model:
    """What an id says."""
    found = _MAKER.search(model_id)
    if found is None:
        return Model()
    maker, name = found.groups()
    if maker == "anthropic":
        return Model(maker, name, family(name))
    if maker == "amazon" and name.startswith("nova"):
        return Model(maker, name, _NOVA)
    if maker == "openai":
        return Model(maker, name, _OPEN)
    return Model(maker, name, _BARE if maker in _BARE_MAKERS else _OTHER)


def shown(model_id: str) -> str:
    """The id as callers see it: of an ARN its last part, for the rest names the account."""
    return model_id.rpartition("/")[2] if model_id.startswith("arn:") else model_id
