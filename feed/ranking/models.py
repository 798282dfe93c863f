"""The table that ranks posts, cached counts, precomputed lists and hourly statistics."""

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Cast

from feed.posts.models import Post
from lib.content_levels import ContentLevel


class FeedEntry(models.Model):
    """The narrow row that ranks a post: written only when `hot` or visibility changes, no prompt, no JSON."""

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
    """Cached counts of a post: recomputed from the ledgers, never incremented. No index; fillfactor 70 by migration."""

    post = models.OneToOneField(Post, primary_key=True, on_delete=models.CASCADE, related_name="count")
    likes = models.PositiveIntegerField(default=0)
    saves = models.PositiveIntegerField(default=0)
    remixes = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    weight = models.PositiveIntegerField(default=0)  # w of the hot formula
    recounted_at = models.DateTimeField(null=True, db_column="folded_at")


class RankDropQuerySet(models.QuerySet["RankDrop"]):
    def committed_after(self, pg_snapshot: str) -> "RankDropQuerySet":
        """Drops that a statement with this `pg_snapshot` did not see. Exact, where clocks would race commits."""
        xid = Func(F("xid"), template="(%(expressions)s)::text::xid8")
        then = Func(Value(pg_snapshot), template="(%(expressions)s)::pg_snapshot")
        seen = Func(xid, then, function="pg_visible_in_snapshot", output_field=models.BooleanField())
        return self.alias(was_seen=seen).filter(was_seen=False)


class RankDrop(models.Model):
    """The rank a post had in a list before it dropped (a like withdrawn, a window left). Kept for a day.

    Whoever reads on below a sort key skips the posts that dropped past it since: they were shown above.
    """

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")
    list = models.CharField(max_length=24, default="hot", db_default="hot")  # `FeedSpec.order`
    key = models.FloatField()
    xid = models.BigIntegerField(
        db_default=Cast(Cast(Func(function="pg_current_xact_id"), models.TextField()), models.BigIntegerField())
    )
    at = models.DateTimeField()

    objects = RankDropQuerySet.as_manager()

    class Meta:
        db_table = "feed_rankfall"
        indexes = [models.Index(fields=["post", "-at"], name="rankfall_of_post")]


class PrecomputedList(models.Model):
    """A precomputed list and when it was last rebuilt."""

    name = models.CharField(primary_key=True, max_length=24)
    rebuilt_at = models.DateTimeField()

    class Meta:
        db_table = "feed_rankedlist"


class PrecomputedEntry(models.Model):
    """A post in a precomputed list (`feed.ranking.precomputed`), so that no request has to sort."""

    list = models.CharField(max_length=24)
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")
    key = models.FloatField()
    author_id = models.BigIntegerField()
    content_level = models.PositiveSmallIntegerField()
    published_at = models.DateTimeField()

    class Meta:
        db_table = "feed_rankedpost"
        constraints = [models.UniqueConstraint(fields=["list", "post"], name="rankedpost_once")]
        indexes = [  # a page of a list
            models.Index(
                F("list"),
                F("key").desc(),
                F("post").desc(),
                name="rankedpost_place",
                include=["author_id", "content_level", "published_at"],
            )
        ]


class PostHourlyStats(models.Model):
    """Viewers who had a post on screen in an hour, and members whose like of it began in that hour."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField()  # its start, UTC
    impressions = models.PositiveIntegerField(default=0)
    likers = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "feed_posthour"
        # by hour for rising, which reads the last ones; by post for the recount, which knows the hours too
        constraints = [models.UniqueConstraint(fields=["hour", "post"], name="posthour_once")]


class PostAspect(models.Model):
    """Shrunken mean rating of one aspect by members other than the author. Written only by `ratings`.

    `spread` is the standard deviation of the `n` ratings around their own mean, in the unit of a rating.
    """

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="aspects")
    aspect = models.SlugField(max_length=32)
    mean = models.FloatField()
    spread = models.FloatField(default=0, db_default=0)
    n = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "aspect"], name="postaspect_once")]
        indexes = [models.Index(F("aspect"), F("mean").desc(), F("post").desc(), name="postaspect_best")]
