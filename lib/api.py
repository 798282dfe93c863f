"""What API views share."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request


def checked(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The request's data, valid as `kind` says; raises ValidationError (400, by field)."""
    serializer = kind(data=request.data)
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    return data
