"""The narrow rows that rank posts, and the caches of their counts."""

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Cast

from feed.posts.models import Post
from lib.content_levels import ContentLevel


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
    """A post's place in a list before it fell (a like withdrawn, a window left); kept a day.

    A list continued below a place skips what fell past that place since the list began: it was served above.
    """

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")
    list = models.CharField(max_length=24, default="hot", db_default="hot")  # `Listing.order`
    key = models.FloatField()
    xid = models.BigIntegerField(
        db_default=Cast(Cast(Func(function="pg_current_xact_id"), models.TextField()), models.BigIntegerField())
    )
    at = models.DateTimeField()

    objects = RankFallQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["post", "-at"], name="rankfall_of_post")]


class RankedList(models.Model):
    """A list that is worked out beforehand, and when that was last done."""

    name = models.CharField(primary_key=True, max_length=24)
    rebuilt_at = models.DateTimeField()


class RankedPost(models.Model):
    """A post's place in a list that is worked out beforehand (`precomputed`); nobody sorts while a page waits."""

    list = models.CharField(max_length=24)
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")
    key = models.FloatField()
    author_id = models.BigIntegerField()
    content_level = models.PositiveSmallIntegerField()
    published_at = models.DateTimeField()

    class Meta:
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


class PostHour(models.Model):
    """What an hour brought a post: viewers who had it before their eyes, and members who began to like it."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField()  # its beginning
    impressions = models.PositiveIntegerField(default=0)
    likers = models.PositiveIntegerField(default=0)

    class Meta:
        # by hour for rising, which reads the last ones; by post for the fold, which knows the hours too
        constraints = [models.UniqueConstraint(fields=["hour", "post"], name="posthour_once")]


class PostAspect(models.Model):
    """Shrunken mean rating of one aspect by others than the author; written only by ratings.

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
