"""A request of a member, and a picture to start from, for tests."""

import io
from typing import Any

import PIL.Image

from accounts.models import User
from generation import services
from generation.models import Generation


def submit(author: User, **fields: Any) -> Generation:
    """`submit_generation` of four cats on the toy checkpoint, unless `fields` say otherwise."""
    wanted: dict[str, Any] = {"prompt": "a cat", "checkpoint": "toy", "idempotency_key": "key", **fields}
    return services.submit_generation(author=author, **wanted)


def png_bytes(size: tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    PIL.Image.new("RGB", size, "teal").save(stream, "PNG")
    return stream.getvalue()
