"""Profiles, follows and mutes as JSON."""

from typing import Any

from rest_framework import serializers

from accounts.models import User
from feed.members.models import Block, Follow, HiddenPost, Mute
from lib.text.fields import ApiLine, ApiText


class EditProfileSerializer(serializers.Serializer[Any]):
    display_name = ApiLine(max_length=60, allow_blank=True)
    bio = ApiText(max_length=500, allow_blank=True)
    avatar = ApiLine(allow_null=True, default=None, help_text="Public id of a published picture of yours")


class FollowSerializer(serializers.Serializer[Follow]):
    """The member on one side of a follow: ``side`` of the context, whom is followed without it."""

    username = serializers.SerializerMethodField()
    since = serializers.DateTimeField(source="created_at")

    def get_username(self, follow: Follow) -> str:
        member: User = getattr(follow, self.context.get("side", "followed"))
        return member.username


class BlockSerializer(serializers.Serializer[Block]):
    username = serializers.CharField(source="blocked.username")
    since = serializers.DateTimeField(source="created_at")


class MuteSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(read_only=True, source="pk")
    kind = serializers.ChoiceField(Mute.Kind.choices)
    value = ApiLine(max_length=150, help_text="A tag, words, a checkpoint's slug, or a username")
    effect = serializers.ChoiceField(Mute.Effect.choices, default=Mute.Effect.HIDE)
    expires_at = serializers.DateTimeField(allow_null=True, default=None)

    def to_representation(self, instance: Mute) -> dict[str, Any]:
        named_by = instance.author.username if instance.author else None
        named_by = instance.checkpoint.slug if instance.checkpoint else named_by
        return {
            "id": instance.pk,
            "kind": instance.kind,
            "value": named_by or instance.value,
            "effect": instance.effect,
            "expires_at": instance.expires_at,
        }


class HiddenPostSerializer(serializers.Serializer[HiddenPost]):
    post = serializers.CharField(source="post.public_id")
    since = serializers.DateTimeField(source="created_at")
