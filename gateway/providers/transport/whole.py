"""Reads the rest of an answer into one piece; apart, because every driver does it alike."""

from gateway.core.errors import UpstreamBroken
from gateway.providers.transport.contract import Incoming


async def read_whole(answer: Incoming, limit: int) -> bytes:
    """What `Incoming.whole` promises, by way of `read` and `close`."""
    blocks = []
    size = 0
    while block := await answer.read():
        blocks.append(block)
        size += len(block)
        if size > limit:
            answer.close()
            raise UpstreamBroken(f"The provider's answer is over {limit} bytes.")
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)
