"""Whether the process lives, and whether it wants calls; never asks a provider. And the metrics."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.pipeline import Inflight
from gateway.telemetry.metrics import Metrics

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


def health_routes(inflight: Inflight, started: Callable[[], bool], metrics: Metrics) -> list[Route]:
    """`/livez`: it answers. `/startupz`: it has opened what it needs. `/readyz`: it takes calls. `/health*`: the same."""

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def startup(_: Request) -> Response:
        return _state("ok" if started() else "starting", started())

    async def ready(_: Request) -> Response:
        if inflight.stopping:
            return _state("stopping", fine=False)
        return _state("ok" if started() else "starting", fine=started())

    async def exposition(_: Request) -> Response:
        # In a thread: the process's own figures are read from files.
        return Response(await asyncio.to_thread(metrics.exposition), media_type=EXPOSITION)

    return [
        Route("/livez", live),
        Route("/readyz", ready),
        Route("/startupz", startup),
        Route("/health", ready),
        Route("/healthz", live),
        Route("/health/liveliness", live),
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/metrics", exposition),
    ]


def _state(status: str, fine: bool) -> Response:  # noqa: FBT001  # named at both calls
    return JSONResponse({"status": status}, 200 if fine else 503)
