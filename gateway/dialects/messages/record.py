"""The record of this dialect's functions."""

from typing import Final

from gateway.dialects.messages.answer import answer
from gateway.dialects.messages.request import into_chat
from gateway.dialects.messages.stream import Rendering
from gateway.dialects.translation import Translation

MESSAGES: Final = Translation(into_chat, answer, Rendering)
