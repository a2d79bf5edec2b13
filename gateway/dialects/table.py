"""The dialects that can be translated, by operation."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.core.chat import Operation
from gateway.dialects.translation import Translation

TRANSLATIONS: Final[Mapping[Operation, Translation]] = MappingProxyType({})
