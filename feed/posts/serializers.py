"""Posts and profiles as JSON."""

from datetime import UTC
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request

from accounts.models import Viewer
from feed.members.models import Profile
from feed.posts.cards import avatar_post, picture_of
from feed.posts.models import Post
from feed.screened_text import LONGEST_ALT


class PictureSerializer(serializers.Serializer[Any]):
    src = serializers.CharField()
    srcset = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    alt = serializers.CharField()
    placeholder = serializers.CharField()


class MadeSerializer(serializers.Serializer[Any]):
    """How a picture was made; prompts are null where their author hides them."""

    prompt = serializers.CharField(allow_null=True)
    negative_prompt = serializers.CharField(allow_null=True)
    checkpoint = serializers.CharField()
    style = serializers.CharField(allow_null=True)  # type: ignore[assignment]  # DRF keeps its own `style` per instance
    seed = serializers.IntegerField()
    steps = serializers.IntegerField()
    guidance = serializers.FloatField()
    scheduler = serializers.CharField()


class PostSerializer(serializers.Serializer[Post]):
    """Takes posts with `with_card(viewer)`, that the viewer may see."""

    id = serializers.CharField(source="public_id")
    url = serializers.SerializerMethodField()
    title = serializers.CharField()
    author = serializers.CharField(source="author.username")
    image = serializers.CharField(source="image.public_id")
    content_level = serializers.IntegerField(source="image.content_level")
    published_at = serializers.DateTimeField()
    is_published = serializers.BooleanField()
    likes = serializers.IntegerField(source="count.likes")
    remixes = serializers.IntegerField(source="count.remixes")
    liked = serializers.BooleanField(source="is_liked")
    blurred = serializers.BooleanField(source="is_blurred", help_text="You muted it that way: show it on request")
    more_by_author = serializers.IntegerField(source="collapsed_count")
    picture = serializers.SerializerMethodField()
    made = serializers.SerializerMethodField()

    @classmethod
    def of(cls, posts: list[Post], request: Request) -> list[dict[str, Any]]:
        serializer = cls(context={"request": request})
        return [serializer.to_representation(post) for post in posts]

    @extend_schema_field(PictureSerializer)
    def get_picture(self, post: Post) -> dict[str, Any]:
        shown = picture_of(post, self._viewer, timezone.now())
        names = ("src", "srcset", "width", "height", "alt", "placeholder")
        return {name: getattr(shown, name) for name in names}

    @extend_schema_field(MadeSerializer)
    def get_made(self, post: Post) -> dict[str, Any]:
        made, is_readable = post.image.generation, post.may_read_prompt(self._viewer)
        return {
            "prompt": made.prompt if is_readable else None,
            "negative_prompt": made.negative_prompt if is_readable else None,
            "checkpoint": made.checkpoint.slug,
            "style": made.style.slug if made.style else None,
            "seed": post.image.seed,
            "steps": made.steps,
            "guidance": made.guidance,
            "scheduler": made.scheduler,
        }

    def get_url(self, post: Post) -> str:
        return f"{settings.SITE_URL}{post.get_absolute_url()}"

    def to_representation(self, post: Post) -> dict[str, Any]:
        """What the fields above say, without asking each of them: a page of posts is the API's busiest answer."""
        return {
            "id": post.public_id,
            "url": self.get_url(post),
            "title": post.title,
            "author": post.author.username,
            "image": post.image.public_id,
            "content_level": post.image.content_level,
            "published_at": post.published_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "is_published": post.is_published,
            "likes": post.count.likes,
            "remixes": post.count.remixes,
            "liked": post.is_liked,
            "blurred": post.is_blurred,
            "more_by_author": post.collapsed_count,
            "picture": self.get_picture(post),
            "made": self.get_made(post),
        }

    @property
    def _viewer(self) -> Viewer:
        viewer: Viewer = self.context["request"].user
        return viewer


class PublishSerializer(serializers.Serializer[Any]):
    image = serializers.CharField(help_text="Public id of a finished picture of yours")
    title = serializers.CharField(max_length=120, allow_blank=True, default="")
    alt_text = serializers.CharField(
        max_length=LONGEST_ALT,
        allow_blank=True,
        required=False,
        help_text="The picture in words; left out, they stay; empty, they are the prompt",
    )
    hide_prompt = serializers.BooleanField(default=False)
    tags = serializers.ListField(
        child=serializers.CharField(max_length=100),
        max_length=24,
        required=False,
        help_text="All of them; left out, they stay",
    )
    challenge = serializers.DateField(allow_null=True, default=None, help_text="Day of a challenge to enter as well")


@extend_schema_serializer(many=False)  # an answer of its own, not a row of a list
class TagsSerializer(serializers.Serializer[Any]):
    tags = serializers.ListField(child=serializers.CharField(max_length=100), max_length=24)


class LikeSerializer(serializers.Serializer[Any]):
    liked = serializers.BooleanField()


class ProfileSerializer(serializers.ModelSerializer[Profile]):
    username = serializers.CharField(source="user.username")
    avatar = serializers.SerializerMethodField()

    class Meta:
        model = Profile
        fields = ["username", "display_name", "bio", "avatar"]

    @extend_schema_field(PictureSerializer(allow_null=True))
    def get_avatar(self, profile: Profile) -> dict[str, Any] | None:
        at, viewer = timezone.now(), self.context["request"].user
        post = avatar_post(profile, viewer, at)
        return dict(PictureSerializer(picture_of(post, viewer, at)).data) if post else None


class EditProfileSerializer(serializers.Serializer[Any]):
    display_name = serializers.CharField(max_length=60, allow_blank=True)
    bio = serializers.CharField(max_length=500, allow_blank=True)
    avatar = serializers.CharField(allow_null=True, default=None, help_text="Public id of a published picture of yours")
