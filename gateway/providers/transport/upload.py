"""Bodies that come bit by bit, held to what they promise; apart, because every driver does it alike."""

from collections.abc import AsyncGenerator

from gateway.core.errors import UpstreamBroken
from gateway.providers.transport.contract import Upload


async def checked(upload: Upload) -> AsyncGenerator[bytes, None]:
    """The blocks, none of them empty. Raises `UpstreamBroken` where they are more or less than the promised length."""
    due = upload.length
    async for block in upload.blocks:
        if due is not None:
            due -= len(block)
            if due < 0:
                raise UpstreamBroken(f"The body of the request is {-due} bytes longer than its length.")
        if block:
            yield block
    if due:
        raise UpstreamBroken(f"The body of the request is {due} bytes shorter than its length.")
