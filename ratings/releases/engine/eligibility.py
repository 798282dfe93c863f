"""What may leave, as SQL: one expression names the first reason why a row may not.

Read once when a release is planned and again before it is published, with the same words.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Self

from django.db.models import Case, CharField, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import ConsentEvent, Purpose, User
from generation.models import ImageState
from lib.content_levels import ContentLevel
from moderation.models import Restriction

REASONS = {
    "deleted": _("the picture was deleted"),
    "not_ready": _("the picture has not passed screening"),
    "level": _("the picture is above the content level chosen"),
    "prompt_hidden": _("the prompt is hidden"),
    "may_not_train": _("the checkpoint's licence does not let its pictures train models"),
    "other_checkpoint": _("made by another checkpoint than the one chosen"),
    "simulated": _("by a simulated member"),
    "author_banned": _("the author is banned"),
    "author_consent": _("the picture's author has not agreed"),
    "source_consent": _("the author of a picture it was made from has not agreed"),
    "rater_consent": _("the person who answered has not agreed"),
    "gold": _("a hidden check, one side degraded on purpose"),
    "repeat": _("the same question put to the same person again"),
    "flagged": _("the answer has a quality flag"),
    "no_votes_left": _("no countable vote is left"),
    "tie": _("the votes are even"),
    "margin": _("the preference is narrower than the margin chosen"),
    "different_prompts": _("two different prompts"),
    "aspect_mismatch": _("two different shapes"),
    "identical": _("the two pictures are the same bytes"),
    "prompts_in_two_splits": _("its two prompts belong to two splits"),
    "image_in_other_split": _("the same picture belongs to another split"),
    "withdrawn_since": _("consent, picture or level changed between planning and publication"),
    "file_missing": _("the picture's training copy is missing"),
}


def told(reason: str) -> str:
    """A reason in words; `vote_…` is about one vote of a pair that may stand on others."""
    if reason.startswith("vote_"):
        return gettext("single vote: %(reason)s") % {"reason": REASONS[reason.removeprefix("vote_")]}
    return str(REASONS[reason])


@dataclass(frozen=True, slots=True)
class ReleaseFilter:
    """What a researcher chose."""

    level: int = ContentLevel.GENERAL
    since: date | None = None
    checkpoint: str = ""
    with_simulated: bool = True
    min_margin: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "level": int(self.level), "since": self.since.isoformat() if self.since else None}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        since = values.get("since")
        return cls(**{**values, "since": date.fromisoformat(since) if since else None})


def willing(at: datetime) -> "QuerySet[User, Any]":
    """Ids of the members who agreed both to training and to publication; use as a subquery."""
    granted = ConsentEvent.objects.granted
    trains, publishes = granted(Purpose.TRAIN, at), granted(Purpose.PUBLISH, at)
    members: QuerySet[User] = User.objects.filter(pk__in=trains, deleted_at=None).filter(pk__in=publishes)
    return members.values("pk")


def _made_from_unwilling(at: datetime) -> RawSQL:
    """Ids of the images with an ancestor, at whatever distance, whose author did not agree."""
    sql, params = willing(at).query.sql_with_params()
    return RawSQL(  # noqa: S611 (the only part put in is Django's own SQL, with its parameters)
        f"""WITH RECURSIVE willing(user_id) AS ({sql}), edges(child_id, source_id) AS (
              SELECT child.id, made.parent_id FROM generation_generation AS made
                JOIN generation_image AS child ON child.generation_id = made.id WHERE made.parent_id IS NOT NULL
              UNION ALL
              SELECT child.id, made.source_image_id FROM generation_generation AS made
                JOIN generation_image AS child ON child.generation_id = made.id WHERE made.source_image_id IS NOT NULL
            ), tainted(image_id) AS (
              SELECT edges.child_id FROM edges JOIN generation_image AS source ON source.id = edges.source_id
               WHERE source.author_id NOT IN (SELECT user_id FROM willing)
              UNION
              SELECT edges.child_id FROM tainted JOIN edges ON edges.source_id = tainted.image_id
            ) SELECT image_id FROM tainted""",  # noqa: S608
        params,
    )


def _first(*cases: tuple[Q, str]) -> Case:
    whens = [When(condition, then=Value(reason)) for condition, reason in cases]
    return Case(*whens, default=Value(""), output_field=CharField())


def image_reason(chosen: ReleaseFilter, at: datetime, prefix: str = "") -> Case:
    """'' where the image at `prefix` ("image_low__") may leave, else the first reason why not."""

    def on(**conditions: Any) -> Q:
        return Q(**{prefix + name: value for name, value in conditions.items()})

    banned = Restriction.objects.banned(at).values("user_id")
    cases = [
        (on(deleted_at__isnull=False), "deleted"),
        (~on(state=ImageState.READY), "not_ready"),
        (on(content_level__gt=chosen.level), "level"),
        (on(is_prompt_hidden=True), "prompt_hidden"),
        (on(generation__checkpoint__outputs_may_train=False), "may_not_train"),
        (on(author_id__in=banned), "author_banned"),
        (~on(author_id__in=willing(at)), "author_consent"),
        (on(pk__in=_made_from_unwilling(at)), "source_consent"),
    ]
    if chosen.checkpoint:
        cases.append((~on(generation__checkpoint__slug=chosen.checkpoint), "other_checkpoint"))
    if not chosen.with_simulated:
        cases.append((on(author__is_simulated=True), "simulated"))
    return _first(*cases)


def person_reason(chosen: ReleaseFilter, at: datetime) -> Case:
    """'' where the member's answers may leave."""
    cases = [(~Q(pk__in=willing(at)), "rater_consent")]
    if not chosen.with_simulated:
        cases.append((Q(is_simulated=True), "simulated"))
    return _first(*cases)
