"""The record of this dialect's functions."""

from typing import Final

from gateway.dialects.responses import asking, output, rendering
from gateway.dialects.translation import Translation

RESPONSES: Final = Translation(asking.into_chat, output.answer, rendering.ResponseStream)
