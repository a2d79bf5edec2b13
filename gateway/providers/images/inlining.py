"""A request with its images by URL made one with their bytes, for the wires that cannot pass a URL on."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from gateway.core.catalog import Timeouts
from gateway.core.chat import ModelRequest
from gateway.core.errors import InvalidValue
from gateway.core.upstream import Ask
from gateway.providers.aside import aside
from gateway.providers.images.fetching import Fetcher, Rules
from gateway.providers.images.places import NotFetched
from gateway.providers.images.spots import Image, Spot, spots, with_images
from gateway.telemetry.tasks import Tasks

COUNT_LIMIT: Final = 20
"""Images by URL of one request."""
TOTAL_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of all images by URL of one request."""
TOTAL_S: Final = 30.0
"""How long all images of one request may take, the wait for others' included."""
AT_ONCE: Final = 4
"""Images of one request that are fetched at once."""
IN_ALL: Final = 16
"""Images that are fetched at once for one provider."""

_RULES: Final = Rules()


class Inliner:
    """Fetches the images of requests to one provider."""

    def __init__(self, rules: Rules = _RULES) -> None:
        self._fetcher = Fetcher(rules, ssl.create_default_context())
        self._places = asyncio.Semaphore(IN_ALL)

    async def inlined(self, ask: Ask, timeouts: Timeouts) -> Ask:
        """The same with the bytes of its images, and with what time is left then: of `timeouts`, where it says none itself.

        Raises `InvalidValue` for an image that cannot be had.
        """
        found = list(spots(ask.request))
        if not found:
            return ask
        if len(found) > COUNT_LIMIT:
            raise InvalidValue(f"More than {COUNT_LIMIT} images are given as URLs.", param="messages")
        patience = ask.timeouts or timeouts
        within_s = min(TOTAL_S, patience.total_s)
        began_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(within_s):
                images = await self._fetched(found)
        except TimeoutError as error:
            raise InvalidValue(f"The images could not be fetched within {within_s:g} s.", param="messages") from error
        left_s = max(0.001, patience.total_s - (asyncio.get_running_loop().time() - began_s))
        size = sum(len(image.data) for image in images.values())
        request = await aside(size, _with, ask.request, found, images)
        return ask._replace(request=request, timeouts=replace(patience, total_s=left_s))

    async def _fetched(self, found: Sequence[Spot]) -> Mapping[str, Image]:
        """The images by their URLs."""
        first = {spot.url: spot for spot in reversed(found)}
        turns = asyncio.Semaphore(AT_ONCE)
        budget = _Budget()
        tasks = Tasks()
        try:
            running = [tasks.spawn(self._one(spot, turns, budget), "fetch an image") for spot in first.values()]
            had = await asyncio.gather(*running)
        finally:
            await tasks.aclose()
        for one in reversed(had):  # which puts the first in the request first
            if isinstance(one, InvalidValue):
                raise one
        return {url: one for url, one in zip(first, had, strict=True) if isinstance(one, Image)}

    async def _one(self, spot: Spot, turns: asyncio.Semaphore, budget: "_Budget") -> Image | InvalidValue:
        try:
            async with turns, self._places:
                image = await self._fetcher.fetch(spot.url)
            budget.take(image)
        except NotFetched as error:
            return InvalidValue(f"The image in {spot.name} could not be fetched: {error}.", param=spot.name)
        return image


def _with(request: ModelRequest, found: Sequence[Spot], images: Mapping[str, Image]) -> ModelRequest:
    fields = with_images(request.fields, {spot: images[spot.url] for spot in found})
    return request._replace(fields=fields)


class _Budget:
    """What all images of one request may weigh."""

    def __init__(self) -> None:
        self._left = TOTAL_LIMIT

    def take(self, image: Image) -> None:
        """Raises `NotFetched` where it is too much."""
        self._left -= len(image.data)
        if self._left < 0:
            raise NotFetched(f"all images together are larger than {TOTAL_LIMIT} bytes")
