"""What a viewer does not want to see, as conditions on posts. `PostQuerySet` applies them; nothing else should.

Every subquery names the viewer alone, so that PostgreSQL answers it once per query, not once per post.
"""

from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Exists, Func, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Coalesce, Concat, Lower, NullIf

from accounts.models import User
from feed.members.models import HiddenPost, Mute
from feed.tags.models import PostTag

Kind = Mute.Kind


class LikeAny(Func):
    """``text LIKE ANY (patterns)``: the text is worked out once, however many patterns there are."""

    template = "(%(expressions)s))"
    arg_joiner = " LIKE ANY ("
    output_field = BooleanField()


def not_interesting(viewer: User) -> Exists:
    return Exists(HiddenPost.objects.filter(member=viewer.pk, post=OuterRef("pk")))


def muted(viewer: User, effect: Mute.Effect, at: datetime) -> Q:
    """Posts of others that a mute of `viewer` matches. A hidden prompt is matched by nobody's words.

    Both sides were cut by `lib.text.words_of`: muted words match where they follow one another in what a reader sees.
    """
    mutes = Mute.objects.active(at).filter(member=viewer.pk, effect=effect)
    names = mutes.filter(kind=Kind.TAG).values("value")
    tagged = Exists(PostTag.objects.filter(post=OuterRef("pk"), tag__name__in=names))
    matches = (
        Q(author__in=mutes.filter(kind=Kind.AUTHOR).values("author"))
        | Q(image__generation__checkpoint__in=mutes.filter(kind=Kind.CHECKPOINT).values("checkpoint"))
        | Q(tagged)
        | Q(LikeAny(Coalesce("words__readable", Value("")), muted_words(mutes)))
    )
    return ~Q(author=viewer.pk) & matches


def muted_words(mutes: QuerySet[Mute]) -> ArraySubquery:
    """The patterns of those of `mutes` that are words, for `LikeAny` and text that `lib.text.words_of` cut."""
    words = Coalesce(NullIf("words", Value("")), Lower("value"))  # the latter of a mute that was not cut again yet
    pattern = Concat(Value("% "), words, Value(" %"), output_field=TextField())
    return ArraySubquery(mutes.filter(kind=Kind.WORD).values(pattern=pattern))
