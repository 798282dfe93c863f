"""Making polls, voting in them, and their results."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Viewer
from feed.challenges.models import Challenge
from feed.polls.models import Poll, PollOption, PollVote
from feed.rates import check_member_rate
from lib.errors import NotFound, Refused
from lib.text import normalise_line
from moderation.restrictions.services import require_unrestricted

LEAST_OPTIONS, MOST_OPTIONS, LONGEST_OPTION, LONGEST_QUESTION = 2, 8, 80, 200


def create_poll(
    *,
    question: str,
    options: Sequence[str],
    closes_at: datetime,
    created_by: User,
    challenge: Challenge | None = None,
    at: datetime | None = None,
) -> Poll:
    """A poll that takes votes from now on, until it closes. Its options stay as they are.

    Raises:
        Refused: 400 with `fields` for a missing question, too few, too many or equal options, or a date that is over.
    """
    at = at or timezone.now()
    question = normalise_line(question)
    texts = [text for text in (normalise_line(option) for option in options) if text]
    faults: dict[str, list[str]] = {}
    if not 0 < len(question) <= LONGEST_QUESTION:
        faults["question"] = [_("Write a question of at most 200 characters.")]
    if not LEAST_OPTIONS <= len(texts) <= MOST_OPTIONS or len({text.casefold() for text in texts}) < len(texts):
        faults["options"] = [_("Give two to eight different options.")]
    elif max(map(len, texts)) > LONGEST_OPTION:
        faults["options"] = [_("Use at most 80 characters for an option.")]
    if closes_at <= at:
        faults["closes_at"] = [_("Choose a time that is still to come.")]
    if faults:
        raise Refused("bad_poll", next(iter(faults.values()))[0], fields=faults)
    with transaction.atomic():
        poll = Poll.objects.create(
            question=question, closes_at=closes_at, created_by=created_by, challenge=challenge, created_at=at
        )
        PollOption.objects.bulk_create(PollOption(poll=poll, position=n, text=text) for n, text in enumerate(texts))
    return poll


def vote_in_poll(*, poll: Poll, option: int, member: User, at: datetime | None = None) -> PollVote:
    """Votes for the option at a position. One vote a member; the same again changes nothing.

    Raises:
        Refused: 403 for a restricted member; 404 for no such option; 409 `voted` for another option, `closed` after
            the closing date; 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(member, "like")
    require_unrestricted(user=member, doing="vote", at=at)
    chosen = PollOption.objects.filter(poll=poll, position=option).first()
    if chosen is None:
        raise NotFound(_("There is no such option."))
    if not poll.is_open(at):
        raise Refused("closed", _("This poll is closed."), status=409)
    PollVote.objects.bulk_create(
        [PollVote(poll=poll, option=chosen, member=member, created_at=at)], ignore_conflicts=True
    )
    stored = PollVote.objects.get(poll=poll, member=member)
    if stored.option_id != chosen.pk:
        raise Refused("voted", _("You have voted in this poll already. Your first vote counts."), status=409)
    return stored


@dataclass(frozen=True, slots=True)
class OptionResult:
    position: int
    text: str
    votes: int | None  # None: not to be shown yet
    percent: int | None
    is_own: bool


@dataclass(frozen=True, slots=True)
class PollView:
    """A poll as one viewer may see it."""

    poll: Poll
    options: list[OptionResult]
    total: int | None
    is_open: bool
    has_voted: bool


def view_poll(poll: Poll, viewer: Viewer, at: datetime) -> PollView:
    """The options, with their votes once the viewer voted or the poll is closed."""
    own = PollVote.objects.filter(poll=poll, member=viewer.pk).values_list("option", flat=True).first()
    is_open = poll.is_open(at)
    rows = list(poll.options.annotate(n=Count("votes")).order_by("position"))
    total = sum(row.n for row in rows)
    is_shown = own is not None or not is_open
    options = [
        OptionResult(
            row.position,
            row.text,
            row.n if is_shown else None,
            (round(100 * row.n / total) if total else 0) if is_shown else None,
            row.pk == own,
        )
        for row in rows
    ]
    return PollView(poll, options, total if is_shown else None, is_open, own is not None)
