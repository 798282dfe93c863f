"""Reading responses of the feed."""

from typing import Any


async def body(response: Any) -> bytes:
    """All of a streamed response."""
    return b"".join([chunk async for chunk in response.streaming_content])
