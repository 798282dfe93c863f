"""What API views share."""

import json
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


def checked(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The request's data, valid as `kind` says; raises ValidationError (400, by field)."""
    serializer = kind(data=request.data)
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    return data


class ZipRenderer(BaseRenderer):
    """For views that answer with a zip of their own making, so that a client may ask for that type."""

    media_type = "application/zip"
    format = "zip"
    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Nothing is left to do with a zip; an error is sent as the JSON that it is."""
        if isinstance(data, bytes):
            return data
        if renderer_context is not None and "response" in renderer_context:
            renderer_context["response"]["Content-Type"] = "application/json"
        return json.dumps(data).encode()
