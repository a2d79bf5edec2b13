"""The record of this dialect's functions."""

from typing import Final

from gateway.dialects.gemini.answer import answer
from gateway.dialects.gemini.request import into_chat
from gateway.dialects.gemini.stream import Rendering, media_type
from gateway.dialects.translation import Translation

GEMINI: Final = Translation(into_chat, answer, Rendering, media_type)
