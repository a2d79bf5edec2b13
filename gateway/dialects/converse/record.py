"""The record of this dialect's functions."""

from typing import Final

from gateway.dialects.converse.answer import answer
from gateway.dialects.converse.request import into_chat
from gateway.dialects.converse.stream import Rendering
from gateway.dialects.eventstream import MEDIA_TYPE
from gateway.dialects.translation import Translation

CONVERSE: Final = Translation(into_chat, answer, Rendering, lambda _request: MEDIA_TYPE)
