"""Tags of posts."""

from django.db import models
from django.db.models import F, Q


class Tag(models.Model):
    """A tag by its one spelling (lower case); an alias points at the tag that is used in its place."""

    name = models.CharField(max_length=40, unique=True)
    alias_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="aliases")
    uses = models.PositiveIntegerField(default=0)  # a cache for suggestions, counted again by feed.count_tags

    class Meta:
        constraints = [models.CheckConstraint(name="tag_is_not_its_own_alias", condition=~Q(alias_of=F("pk")))]

    def __str__(self) -> str:
        return self.name


class PostTag(models.Model):
    """A post's tag; never an alias."""

    post = models.ForeignKey("feed.Post", on_delete=models.CASCADE, related_name="post_tags")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="post_tags")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "tag"], name="posttag_once")]
        # the newest posts of a tag
        indexes = [models.Index(fields=["tag", "-post"], name="posttag_of_tag")]
