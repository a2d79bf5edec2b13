"""The dialects that can be translated, by operation."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.core.chat import Operation
from gateway.dialects.converse.record import CONVERSE
from gateway.dialects.gemini.record import GEMINI
from gateway.dialects.messages.record import MESSAGES
from gateway.dialects.responses.record import RESPONSES
from gateway.dialects.translation import Translation

TRANSLATIONS: Final[Mapping[Operation, Translation]] = MappingProxyType(
    {
        Operation.MESSAGES: MESSAGES,
        Operation.GENERATE: GEMINI,
        Operation.CONVERSE: CONVERSE,
        Operation.RESPONSES: RESPONSES,
    }
)
