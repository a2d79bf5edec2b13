"""`fleetgate ask`: one question to a running gateway, the answer to the terminal as it comes."""

import asyncio
import sys

import orjson

from gateway.core.catalog import ProviderSpec, Target, Timeouts
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import GatewayError, UpstreamUnreachable
from gateway.core.transcript import Chunk
from gateway.providers.open import open_upstream


def ask(question: str, model: str, url: str, key: str) -> int:
    """Streams the answer to standard output; 0 when it is whole, 1 with the reason on standard error otherwise."""
    try:
        asyncio.run(_stream(question, model, url, key))
    except UpstreamUnreachable as error:
        print(f"No gateway answers at {url}: start one with `fleetgate serve`, or name it with --url.", file=sys.stderr)
        print(f"({error.message})", file=sys.stderr)
        return 1
    except GatewayError as error:
        print(f"{error.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


async def _stream(question: str, model: str, url: str, key: str) -> None:
    spec = ProviderSpec("gateway", "openai", url.rstrip("/"), (key,) if key else (), Timeouts(first_byte_s=600))
    fields = {"model": model, "messages": [{"role": "user", "content": question}], "stream": True}
    request = ModelRequest(
        Operation.CHAT, orjson.dumps(fields), fields, canonical=True, model=model, stream=True, wants_usage=False
    )
    upstream = open_upstream(spec)
    try:
        reply = await upstream.call(request, Target("gateway", model, model), {})
        async for chunk in reply:
            sys.stdout.write(text_of(chunk))
            sys.stdout.flush()
        sys.stdout.write("\n")
    finally:
        await upstream.aclose()


def text_of(chunk: Chunk) -> str:
    """What a chunk says in words, tool calls aside."""
    words = []
    for delta in chunk.deltas:
        if isinstance(delta, bytes):
            words.append(delta.decode())
            continue
        words += [(choice.get("delta") or {}).get("content") or "" for choice in delta.get("choices") or ()]
    return "".join(words)
