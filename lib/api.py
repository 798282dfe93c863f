"""What API views share."""

import json
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

    def render(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """Nothing is left to do; an error that is sent under this type is JSON all the same."""
        return data if isinstance(data, bytes) else json.dumps(data).encode()
