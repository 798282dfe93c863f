"""Collections as JSON."""

from typing import Any

from rest_framework import serializers

from feed.collections.models import Collection
from feed.collections.services import MAX_NAME_LENGTH
from lib.text.fields import ApiLine


class CollectionSerializer(serializers.ModelSerializer[Collection]):
    id = serializers.CharField(source="public_id")
    owner = serializers.CharField(source="owner.username")

    class Meta:
        model = Collection
        fields = ["id", "owner", "name", "visibility", "is_default", "created_at"]


class EditCollectionSerializer(serializers.Serializer[Any]):
    name = ApiLine(max_length=MAX_NAME_LENGTH)
    visibility = serializers.ChoiceField(Collection.Visibility.choices, default=Collection.Visibility.PRIVATE)


class MayAddSerializer(serializers.Serializer[Any]):
    may_add = serializers.BooleanField(default=False)
