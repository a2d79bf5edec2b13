"""Where the images of a request stand that are given as URLs, and the request with their bytes in place of them.

A chat says a `data:` URL then, a request of Anthropic's a source in base64. Gemini's own form is not looked at: what a caller
names in it, Google fetches, files of its own among it.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeGuard

from gateway.core.chat import ModelRequest, Operation

Way = tuple[str | int, ...]

_GOOGLES: Final = "https://generativelanguage.googleapis.com/"
"""Files that Gemini's API keeps: its URLs open for their owner alone, and for the model."""


class Image(NamedTuple):
    """What was fetched. `media_type` is what the bytes are."""

    media_type: str
    data: bytes

    @property
    def text(self) -> str:
        """The bytes in base64."""
        return base64.b64encode(self.data).decode("ascii")


class Spot(NamedTuple):
    """Where an image stands, its URL, and what is said there once it is had."""

    way: Way
    url: str
    said: Callable[[Image], Any]

    @property
    def name(self) -> str:
        """The part, as errors name it."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.way[:-1])[1:]


def spots(request: ModelRequest) -> Iterator[Spot]:
    """The images that are to be fetched, in their order."""
    looks = _LOOKS.get(request.operation)
    if looks is None:
        return
    for way, message in _objects(request.fields.get("messages"), ("messages",)):
        for place, part in _objects(message.get("content"), (*way, "content")):
            results = part.get("content") if part.get("type") == "tool_result" else None
            for inner, one in ((place, part), *_objects(results, (*place, "content"))):
                if (found := looks(one, inner)) is not None:
                    yield found


def _objects(listed: Any, way: Way) -> Iterator[tuple[Way, Mapping[str, Any]]]:
    for at, one in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(one, dict):
            yield (*way, at), one


Look = Callable[[Mapping[str, Any], Way], Spot | None]


def _in_chat(part: Mapping[str, Any], way: Way) -> Spot | None:
    said = part.get("image_url") if part.get("type") == "image_url" else None
    url = said.get("url") if isinstance(said, dict) else said
    if not _is_fetched(url):
        return None
    kept = said if isinstance(said, dict) else {}
    return Spot((*way, "image_url"), url, lambda image: {**kept, "url": f"data:{image.media_type};base64,{image.text}"})


def _in_message(block: Mapping[str, Any], way: Way) -> Spot | None:
    source = block.get("source") if block.get("type") == "image" else None
    url = source.get("url") if isinstance(source, dict) and source.get("type") == "url" else None
    if not _is_fetched(url):
        return None
    return Spot((*way, "source"), url, lambda image: {"type": "base64", "media_type": image.media_type, "data": image.text})


_LOOKS: Final[Mapping[Operation, Look]] = MappingProxyType(
    {Operation.CHAT: _in_chat, Operation.MESSAGES: _in_message, Operation.COUNT_TOKENS: _in_message}
)


def _is_fetched(url: Any) -> TypeGuard[str]:
    return isinstance(url, str) and url[:8].lower().startswith(("http://", "https://")) and not url.startswith(_GOOGLES)


def with_images(fields: Mapping[str, Any], found: Mapping[Spot, Image]) -> dict[str, Any]:
    """The fields with the images in their spots; nothing is changed in place."""
    changed = dict(fields)
    for spot, image in found.items():
        changed = _put(changed, spot.way, spot.said(image))
    return changed


def _put(owner: Any, way: Way, said: Any) -> Any:
    if not way:
        return said
    copy = owner.copy()
    copy[way[0]] = _put(owner[way[0]], way[1:], said)
    return copy
