"""Posts as JSON."""

from datetime import UTC
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request

from accounts.models import Viewer
from feed.posts.bulk_actions import MAX_AT_ONCE
from feed.posts.cards import picture_of
from feed.posts.lineage import Lineage, Relative
from feed.posts.models import Post
from feed.posts.reproduction import Outcome
from feed.screened_text import MAX_ALT_LENGTH
from lib.text.fields import ApiLine


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
    image = ApiLine(help_text="Public id of a finished picture of yours")
    title = ApiLine(max_length=120, allow_blank=True, required=False, help_text="Left out, it stays")
    alt_text = ApiLine(
        max_length=MAX_ALT_LENGTH,
        allow_blank=True,
        required=False,
        help_text="What the picture shows. Left out, it stays; empty, it is the prompt",
    )
    hide_prompt = serializers.BooleanField(
        allow_null=True,
        default=None,
        help_text="For all pictures of yours made from the same words. Left out or null, it stays as it is. "
        "False shows nothing that another post hides, unless this picture is published already",
    )
    tags = serializers.ListField(
        child=ApiLine(max_length=100),
        max_length=24,
        required=False,
        help_text="All of them; left out, they stay",
    )
    challenge = serializers.DateField(allow_null=True, default=None, help_text="Day of a challenge to enter as well")


@extend_schema_serializer(many=False)  # an answer of its own, not a row of a list
class TagsSerializer(serializers.Serializer[Any]):
    tags = serializers.ListField(child=ApiLine(max_length=100), max_length=24)


class LikeSerializer(serializers.Serializer[Any]):
    liked = serializers.BooleanField()


class ChangeSerializer(serializers.Serializer[Any]):
    change = serializers.ChoiceField(["same", "added", "removed"])
    text = serializers.CharField()


class RelativeSerializer(serializers.Serializer[Relative]):
    """A post of the lineage and the edge that leads to it; `children` are such objects again."""

    post = serializers.CharField(source="card.id")
    author = serializers.CharField(source="card.author_name")
    remixed = serializers.CharField(source="kind", help_text="How, in words; empty for an original")
    is_here = serializers.BooleanField(help_text="The post that was asked about")
    is_gap = serializers.BooleanField(help_text="Pictures that you may not see lie between")
    difference = ChangeSerializer(many=True, allow_null=True)
    children = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_children(self, relative: Relative) -> list[dict[str, Any]]:
        return [dict(RelativeSerializer(child).data) for child in relative.children]


class LineageSerializer(serializers.Serializer[Lineage]):
    root = RelativeSerializer()
    credits = serializers.ListField(child=serializers.CharField(), help_text="Authors above, the oldest first")


class ListRankSerializer(serializers.Serializer[Any]):
    list = serializers.CharField()
    value = serializers.FloatField()


class ScoreSerializer(serializers.Serializer[Any]):
    """Why it stands where it stands: ``hot = votes + age``."""

    hot = serializers.FloatField()
    votes = serializers.FloatField(help_text="log10 of the weight, at least 0")
    age = serializers.FloatField(help_text="Seconds from 1970 to publication / 45000")
    weight = serializers.IntegerField(help_text="likes + 2 x saves + 3 x remixes, of distinct others")
    places = ListRankSerializer(many=True, help_text="Its values in the precomputed lists")


class AlikeSerializer(serializers.Serializer[Any]):
    variations = PostSerializer(many=True, help_text="Others of one generation, as drawn")
    near_duplicates = PostSerializer(many=True, help_text="Of the author, those that look the same to PDQ")


class CopySerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    json = serializers.CharField(help_text="What POST /api/generations/ takes")
    parameters = serializers.CharField(help_text="As AUTOMATIC1111 writes them into PNGs")
    curl = serializers.CharField()


class ManyPostsSerializer(serializers.Serializer[Any]):
    posts = serializers.ListField(child=ApiLine(max_length=12), min_length=1, max_length=MAX_AT_ONCE)


@extend_schema_serializer(many=False)
class UnpublishedSerializer(serializers.Serializer[Any]):
    unpublished = serializers.IntegerField(help_text="How many were taken down")


class ReproduceSerializer(serializers.Serializer[Any]):
    post = ApiLine(help_text="Id of the post")


class ReproducedSerializer(serializers.Serializer[Outcome]):
    generation = serializers.CharField(source="reproduction.generation.public_id")
    image = serializers.CharField(source="image.public_id")
    state = serializers.CharField(source="image.state")
    distance = serializers.IntegerField(allow_null=True, help_text="Bits of 256 in which the PDQ hashes differ")
    verdict = serializers.ChoiceField(["", "same", "alike", "other"])
    changed = serializers.ListField(child=serializers.CharField())
