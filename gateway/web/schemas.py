"""The JSON Schemas of what users write, for editors that can reach the gateway but not its files."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.config.schema import config_schema, policy_schema, schema_text

MEDIA_TYPE = "application/schema+json"


def schema_routes() -> list[Route]:
    """`/schema/config.json` and `/schema/policy.json`; made when asked for, in a thread: it takes milliseconds."""

    async def config(_: Request) -> Response:
        return Response(await asyncio.to_thread(lambda: schema_text(config_schema())), media_type=MEDIA_TYPE)

    async def policy(_: Request) -> Response:
        return Response(await asyncio.to_thread(lambda: schema_text(policy_schema())), media_type=MEDIA_TYPE)

    return [Route("/schema/config.json", config), Route("/schema/policy.json", policy)]
