"""What a viewer does not want to see, as conditions on posts. `PostQuerySet` applies them; nothing else should.

Every subquery names the viewer alone, so that PostgreSQL answers it once per query, not once per post.
"""

from datetime import datetime

from django.contrib.postgres.aggregates import StringAgg
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Case, Exists, F, Func, OuterRef, Q, Subquery, TextField, Value, When
from django.db.models.functions import Coalesce, Concat

from accounts.models import User
from feed.members.models import HiddenPost, Mute
from feed.tags.models import PostTag

Kind = Mute.Kind


class Normalised(Func):
    """Lower case, runs of anything but letters and digits as one space, a space at each end: for whole words."""

    template = "(' ' || regexp_replace(lower(%(expressions)s), '[^[:alnum:]]+', ' ', 'g') || ' ')"
    output_field = TextField()


class LikeAny(Func):
    """``text LIKE ANY (patterns)``: the text is worked out once, however many patterns there are."""

    template = "(%(expressions)s))"
    arg_joiner = " LIKE ANY ("
    output_field = BooleanField()


def not_interesting(viewer: User) -> Exists:
    return Exists(HiddenPost.objects.filter(member=viewer.pk, post=OuterRef("pk")))


def muted(viewer: User, effect: Mute.Effect, at: datetime) -> Q:
    """Posts of others that a mute of `viewer` matches. A hidden prompt is matched by nobody's words."""
    mutes = Mute.objects.active(at).filter(member=viewer.pk, effect=effect)
    names = mutes.filter(kind=Kind.TAG).values("value")
    tagged = Exists(PostTag.objects.filter(post=OuterRef("pk"), tag__name__in=names))
    patterns = mutes.filter(kind=Kind.WORD).values(
        pattern=Concat(Value("% "), F("value"), Value(" %"), output_field=TextField())
    )
    matches = (
        Q(author__in=mutes.filter(kind=Kind.AUTHOR).values("author"))
        | Q(image__generation__checkpoint__in=mutes.filter(kind=Kind.CHECKPOINT).values("checkpoint"))
        | Q(tagged)
        | Q(LikeAny(_readable_words(), ArraySubquery(patterns)))
    )
    return ~Q(author=viewer.pk) & matches


def _readable_words() -> Normalised:
    """Title, tags, and the prompt unless its author hides it."""
    tags = PostTag.objects.filter(post=OuterRef("pk")).order_by().values("post")
    named = Subquery(tags.annotate(names=StringAgg("tag__name", Value(" "))).values("names"))
    no, space = Value("", output_field=TextField()), Value(" ")
    prompt = Case(When(image__is_prompt_hidden=False, then=F("image__generation__prompt")), default=no)
    return Normalised(Concat("title", space, prompt, space, Coalesce(named, no), output_field=TextField()))
