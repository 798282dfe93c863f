"""What may be published, as SQL: one expression gives the first reason why a row may not be.

The same expression is evaluated when a release is planned and again before it is published.
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
    "rater_consent": _("the rater has not agreed"),
    "gold": _("a hidden check: one side was degraded on purpose"),
    "repeat": _("a repeated question, asked again to check consistency"),
    "flagged": _("the answer has a quality flag"),
    "no_votes_left": _("no valid vote remains"),
    "tie": _("the votes are tied"),
    "margin": _("the preference is narrower than the margin chosen"),
    "different_prompts": _("the two prompts differ"),
    "aspect_mismatch": _("the two pictures have different shapes"),
    "identical": _("the two pictures are identical"),
    "prompts_in_two_splits": _("the two prompts belong to different splits"),
    "image_in_other_split": _("an identical picture belongs to another split"),
    "withdrawn_since": _("consent, picture or content level changed between planning and publication"),
    "file_missing": _("the picture's training file is missing"),
}


def describe_reason(reason: str) -> str:
    """A reason in words; `vote_…` is about a single vote of a pair, which other votes may still support."""
    if reason.startswith("vote_"):
        return gettext("single vote: %(reason)s") % {"reason": REASONS[reason.removeprefix("vote_")]}
    return str(REASONS[reason])


@dataclass(frozen=True, slots=True)
class ReleaseFilter:
    """The choices of a researcher for a release.

    Args:
        campaign: The slug of a campaign, whose answers alone are in it; empty: every answer outside campaigns.
    """

    level: int = ContentLevel.GENERAL
    since: date | None = None
    checkpoint: str = ""
    with_simulated: bool = True
    min_margin: float = 0.0
    campaign: str = ""

    def as_json(self) -> dict[str, Any]:
        """Without `campaign` where there is none: what was chosen before there were campaigns has the same hash."""
        values = {**asdict(self), "level": int(self.level), "since": self.since.isoformat() if self.since else None}
        return values if self.campaign else {name: value for name, value in values.items() if name != "campaign"}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        since = values.get("since")
        return cls(**{**values, "since": date.fromisoformat(since) if since else None})


def consenting_members(at: datetime) -> "QuerySet[User, Any]":
    """Ids of the members who agreed to training and to publication; use as a subquery."""
    granted = ConsentEvent.objects.granted
    trains, publishes = granted(Purpose.TRAIN, at), granted(Purpose.PUBLISH, at)
    members: QuerySet[User] = User.objects.filter(pk__in=trains, deleted_at=None).filter(pk__in=publishes)
    return members.values("pk")


def _made_without_consent(at: datetime) -> RawSQL:
    """Ids of the images with an ancestor, at any distance, whose author did not agree."""
    sql, params = consenting_members(at).query.sql_with_params()
    return RawSQL(  # noqa: S611 (the only part inserted is Django's own SQL, with its parameters)
        f"""WITH RECURSIVE consenting(user_id) AS ({sql}), edges(child_id, source_id) AS (
              SELECT child.id, made.parent_id FROM generation_generation AS made
                JOIN generation_image AS child ON child.generation_id = made.id WHERE made.parent_id IS NOT NULL
              UNION ALL
              SELECT child.id, made.source_image_id FROM generation_generation AS made
                JOIN generation_image AS child ON child.generation_id = made.id WHERE made.source_image_id IS NOT NULL
            ), tainted(image_id) AS (
              SELECT edges.child_id FROM edges JOIN generation_image AS source ON source.id = edges.source_id
               WHERE source.author_id NOT IN (SELECT user_id FROM consenting)
              UNION
              SELECT edges.child_id FROM tainted JOIN edges ON edges.source_id = tainted.image_id
            ) SELECT image_id FROM tainted""",  # noqa: S608
        params,
    )


def _first_reason(*cases: tuple[Q, str]) -> Case:
    whens = [When(condition, then=Value(reason)) for condition, reason in cases]
    return Case(*whens, default=Value(""), output_field=CharField())


def image_reason(chosen: ReleaseFilter, at: datetime, prefix: str = "") -> Case:
    """'' where the image at `prefix` ("image_low__") may be published, else the first reason why not."""

    def has(**conditions: Any) -> Q:
        return Q(**{prefix + name: value for name, value in conditions.items()})

    banned = Restriction.objects.banned(at).values("user_id")
    cases = [
        (has(deleted_at__isnull=False), "deleted"),
        (~has(state=ImageState.READY), "not_ready"),
        (has(content_level__gt=chosen.level), "level"),
        (has(is_prompt_hidden=True), "prompt_hidden"),
        (has(generation__checkpoint__outputs_may_train=False), "may_not_train"),
        (has(author_id__in=banned), "author_banned"),
        (~has(author_id__in=consenting_members(at)), "author_consent"),
        (has(pk__in=_made_without_consent(at)), "source_consent"),
    ]
    if chosen.checkpoint:
        cases.append((~has(generation__checkpoint__slug=chosen.checkpoint), "other_checkpoint"))
    if not chosen.with_simulated and not chosen.campaign:  # whose pictures are the site's own
        cases.append((has(author__is_simulated=True), "simulated"))
    return _first_reason(*cases)


def rater_reason(chosen: ReleaseFilter, at: datetime) -> Case:
    """'' where the member's answers may be published, else the first reason why not."""
    cases = [(~Q(pk__in=consenting_members(at)), "rater_consent")]
    if not chosen.with_simulated:
        cases.append((Q(is_simulated=True), "simulated"))
    return _first_reason(*cases)
