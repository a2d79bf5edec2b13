"""A chat with its images by URL made one with their bytes, for the wires that cannot pass a URL on."""

import asyncio
import base64
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue
from gateway.providers.images.fetching import Fetcher, Image, Rules
from gateway.providers.images.places import NotFetched
from gateway.telemetry.tasks import Tasks

COUNT_LIMIT: Final = 20
"""Images by URL of one request."""
TOTAL_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of all images by URL of one request."""
AT_ONCE: Final = 4
"""Images of one request that are fetched at once."""
IN_ALL: Final = 16
"""Images that are fetched at once for one provider."""

_RULES: Final = Rules()


class Spot(NamedTuple):
    """Where an image stands in a chat, and its URL."""

    message: int
    part: int
    url: str

    @property
    def name(self) -> str:
        """As errors name it."""
        return f"messages[{self.message}].content[{self.part}]"


class Inliner:
    """Fetches the images of requests to one provider."""

    def __init__(self, rules: Rules = _RULES) -> None:
        self._fetcher = Fetcher(rules, ssl.create_default_context())
        self._places = asyncio.Semaphore(IN_ALL)

    async def inlined(self, request: ModelRequest) -> ModelRequest:
        """The request with `data:` URLs in place of others. Raises `InvalidValue` for an image that cannot be had."""
        spots = list(_spots(request))
        if not spots:
            return request
        if len(spots) > COUNT_LIMIT:
            raise InvalidValue(f"More than {COUNT_LIMIT} images are given as URLs.", param="messages")
        images = await self._fetched(spots)
        return request._replace(fields={**request.fields, "messages": _with(request.fields["messages"], spots, images)})

    async def _fetched(self, spots: Sequence[Spot]) -> Mapping[str, str]:
        """The images as `data:` URLs, by their own."""
        first = {spot.url: spot for spot in reversed(spots)}
        turns = asyncio.Semaphore(AT_ONCE)
        budget = _Budget()
        tasks = Tasks()
        try:
            running = [tasks.spawn(self._one(spot, turns, budget), "fetch an image") for spot in first.values()]
            found = await asyncio.gather(*running)
        finally:
            await tasks.aclose()
        for one in reversed(found):  # which puts the first in the chat first
            if isinstance(one, InvalidValue):
                raise one
        return {url: one for url, one in zip(first, found, strict=True) if isinstance(one, str)}

    async def _one(self, spot: Spot, turns: asyncio.Semaphore, budget: "_Budget") -> str | InvalidValue:
        try:
            async with turns, self._places:
                image = await self._fetcher.fetch(spot.url)
            budget.take(image)
        except NotFetched as error:
            return InvalidValue(f"The image in {spot.name} could not be fetched: {error}.", param=spot.name)
        return f"data:{image.media_type};base64,{base64.b64encode(image.data).decode('ascii')}"


class _Budget:
    """What all images of one request may weigh."""

    def __init__(self) -> None:
        self._left = TOTAL_LIMIT

    def take(self, image: Image) -> None:
        """Raises `NotFetched` where it is too much."""
        self._left -= len(image.data)
        if self._left < 0:
            raise NotFetched(f"all images together are larger than {TOTAL_LIMIT} bytes")


def _spots(request: ModelRequest) -> Iterator[Spot]:
    messages = request.fields.get("messages") if request.operation is Operation.CHAT else None
    for at, message in enumerate(messages if isinstance(messages, list) else ()):
        content = message.get("content") if isinstance(message, dict) else None
        for place, part in enumerate(content if isinstance(content, list) else ()):
            if (url := _url(part)) is not None:
                yield Spot(at, place, url)


def _url(part: Any) -> str | None:
    """The URL of an image that is to be fetched; None for any other part."""
    said = part.get("image_url") if isinstance(part, dict) and part.get("type") == "image_url" else None
    url = said.get("url") if isinstance(said, dict) else said
    return url if isinstance(url, str) and url[:8].lower().startswith(("http://", "https://")) else None


def _with(messages: Sequence[Any], spots: Sequence[Spot], images: Mapping[str, str]) -> list[Any]:
    changed = list(messages)
    for spot in spots:
        message = changed[spot.message]
        if message is messages[spot.message]:
            message = changed[spot.message] = {**message, "content": list(message["content"])}
        part = message["content"][spot.part]
        said = part["image_url"]
        kept = said if isinstance(said, dict) else {}
        message["content"][spot.part] = {**part, "image_url": {**kept, "url": images[spot.url]}}
    return changed
