"""`fleetgate ask`: one question to a running gateway, the answer to the terminal as it comes."""

import asyncio
import sys
from types import MappingProxyType
from urllib.parse import urlsplit

import orjson

from gateway.cli.program import program
from gateway.config.models.providers import is_url
from gateway.core.catalog import ProviderSpec, Target, Timeouts
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import GatewayError, UpstreamCredentials, UpstreamUnreachable
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.providers.open import open_upstream

INTERRUPTED = 130
FROM_STANDARD_INPUT = "-"
_CONTROLS = MappingProxyType(dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {*b"\n\t"}))
"""What a model could command a terminal with."""


def ask(question: str, model: str, url: str, key: str) -> int:
    """Streams the answer to standard output. 0: it is whole; 1: it failed; 2: it could not be asked so; 130: Ctrl-C.

    Where it is not 0, the reason is on standard error.
    """
    base_url = base_url_of(url)
    if base_url is None:
        return _tell(f"Name the gateway with --url http://HOST:PORT/v1 (or OPENAI_BASE_URL): {url!r} is no such URL.", 2)
    if not (key.isascii() and (key.isprintable() or not key)):
        return _tell("Give --key (or OPENAI_API_KEY) a key of printable ASCII letters: this one holds others.", 2)
    try:
        asyncio.run(_stream(sys.stdin.read() if question == FROM_STANDARD_INPUT else question, model, base_url, key))
    except GatewayError as error:
        return _tell(advice(error, base_url), 1)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def base_url_of(url: str) -> str | None:
    """The base URL that is meant: a bare origin gets the `/v1` that the API stands below. None: it is no URL."""
    bare = url.strip().rstrip("/")
    if not is_url(bare) or any(letter.isspace() for letter in bare):
        return None
    return bare if urlsplit(bare).path else f"{bare}/v1"


def advice(error: GatewayError, url: str) -> str:
    """What to do about an error, in the words of whoever asks: here the gateway is the provider."""
    if isinstance(error, UpstreamUnreachable):
        return f"Start a gateway with `{program()} serve`, or name one with --url: none answers at {url}.\n({error.message})"
    if isinstance(error, UpstreamCredentials):
        return f"Send a key of this gateway with --key or OPENAI_API_KEY: {url} takes no other, and did not take this one."
    return error.message


async def _stream(question: str, model: str, url: str, key: str) -> None:
    spec = ProviderSpec("gateway", "openai", url, (key,) if key else (), Timeouts(first_byte_s=600))
    fields = {"model": model, "messages": [{"role": "user", "content": question}], "stream": True}
    request = ModelRequest(
        Operation.CHAT, orjson.dumps(fields), fields, canonical=True, model=model, stream=True, wants_usage=False
    )
    upstream = open_upstream(spec)
    begun = False
    try:
        reply = await upstream.call(Ask(request, Target("gateway", model, model), {}))
        begun = True
        async for chunk in reply:
            sys.stdout.write(shown(text_of(chunk), terminal=sys.stdout.isatty()))
            sys.stdout.flush()
    finally:
        await upstream.aclose()
        if begun:
            sys.stdout.write("\n")  # also where the answer breaks off: the reason begins a line of its own
            sys.stdout.flush()


def text_of(chunk: Chunk) -> str:
    """What a chunk says in words, tool calls aside."""
    words = []
    for delta in chunk.deltas:
        if isinstance(delta, bytes):
            words.append(delta.decode())
            continue
        words += [(choice.get("delta") or {}).get("content") or "" for choice in delta.get("choices") or ()]
    return "".join(words)


def shown(text: str, *, terminal: bool) -> str:
    """The text as it may be printed: a terminal gets no control characters, whoever reads a pipe gets all."""
    return text.translate(_CONTROLS) if terminal else text


def _tell(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code
