"""The narrow rows that rank posts, and the caches of their counts."""

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Cast

from accounts.levels import ContentLevel
from feed.models.posts import Post


class FeedEntry(models.Model):
    """The row that ranks. Written only when `hot` or visibility changes; no prompt, no JSON."""

    post = models.OneToOneField(Post, primary_key=True, on_delete=models.CASCADE, related_name="entry")
    author_id = models.BigIntegerField()
    challenge_id = models.BigIntegerField(null=True)
    checkpoint_id = models.BigIntegerField()
    content_level = models.PositiveSmallIntegerField()
    published_at = models.DateTimeField()
    hot = models.FloatField()
    is_visible = models.BooleanField(default=True)

    class Meta:
        indexes = [
            # hot and new for visitors and members on general; then for each wider audience
            *(
                models.Index(
                    F(column).desc(),
                    F("post").desc(),
                    name=f"entry_{column[:4]}_{level}",
                    include=["author_id", "content_level"],
                    condition=Q(is_visible=True, content_level__lte=level),
                )
                for level in ContentLevel.values
                for column in ("hot", "published_at")
            ),
            # a profile's best
            models.Index(F("author_id"), F("hot").desc(), F("post").desc(), name="entry_author_hot"),
        ]


class PostCount(models.Model):
    """Caches folded from the ledgers; never incremented, always recomputed. No index; fillfactor 70 by migration."""

    post = models.OneToOneField(Post, primary_key=True, on_delete=models.CASCADE, related_name="count")
    likes = models.PositiveIntegerField(default=0)
    saves = models.PositiveIntegerField(default=0)
    remixes = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    weight = models.PositiveIntegerField(default=0)  # w of the hot formula
    folded_at = models.DateTimeField(null=True)


class StaleCount(models.Model):
    """A note that a post's ledgers changed: added beside the change, removed by the fold that counted it.

    A row per change rather than a mark on PostCount: members who like the same post never wait for each other.
    """

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")


class RankFallQuerySet(models.QuerySet["RankFall"]):
    def committed_after(self, moment: str) -> "RankFallQuerySet":
        """Falls that a statement at `moment` (a pg_snapshot) did not see; exact, where clocks would race commits."""
        xid = Func(F("xid"), template="(%(expressions)s)::text::xid8")
        then = Func(Value(moment), template="(%(expressions)s)::pg_snapshot")
        seen = Func(xid, then, function="pg_visible_in_snapshot", output_field=models.BooleanField())
        return self.alias(was_seen=seen).filter(was_seen=False)


class RankFall(models.Model):
    """A post's place before it fell (a like withdrawn, a remix unpublished); kept a day.

    A list continued below a place skips what fell past that place since the list began: it was served above.
    """

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")
    hot = models.FloatField()
    weight = models.PositiveIntegerField()
    xid = models.BigIntegerField(
        db_default=Cast(Cast(Func(function="pg_current_xact_id"), models.TextField()), models.BigIntegerField())
    )
    at = models.DateTimeField()

    objects = RankFallQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["post", "-at"], name="rankfall_of_post")]


class PostAspect(models.Model):
    """Shrunken mean rating of one aspect by others than the author; written only by ratings."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="aspects")
    aspect = models.SlugField(max_length=32)
    mean = models.FloatField()
    n = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "aspect"], name="postaspect_once")]
        indexes = [models.Index(F("aspect"), F("mean").desc(), F("post").desc(), name="postaspect_best")]
