"""What members do with posts."""

from django.conf import settings
from django.db import models

from feed.posts.models import Post
from generation.models import Generation


class Like(models.Model):
    """The truth behind every like count."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="likes")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="likes")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "member"], name="like_once")]
        indexes = [models.Index(fields=["member", "-created_at", "-id"], name="like_of_member")]


class Reproduction(models.Model):
    """A member ran a post's seed again: the generation that answers whether it comes out the same."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="reproductions")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reproductions")
    generation = models.OneToOneField(Generation, on_delete=models.CASCADE, related_name="reproduction")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["member", "post"], name="reproduction_of_member")]
