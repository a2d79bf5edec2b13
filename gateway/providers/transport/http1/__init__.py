"""Our own HTTP/1.1 client, for the hot path: a keep-alive pool to one origin on httptools and asyncio protocols."""
