"""Themes that members propose: screened, voted for, and taken into the bank by staff."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import notify
from feed.challenges.models import ThemeIdea, ThemeIdeaVote
from feed.rates import check_member_rate
from feed.screened_text import clean_text
from lib.errors import NotFound, Refused
from lib.text import words_of
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import TextKind

LONGEST_THEME, LONGEST_HINT = 120, 300
OPEN_IDEAS = 5  # of one member, waiting for staff


def propose_theme(*, member: User, theme: str, hint: str = "", at: datetime | None = None) -> ThemeIdea:
    """Proposes a theme and votes for it; one that is proposed already is only voted for.

    Raises:
        Refused: 400 with `fields` for words that are missing, too long or break a rule; 403 for a restricted member;
            409 for too many proposals that wait; 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(member, "people")
    require_unrestricted(user=member, doing="publish", at=at)
    kind = TextKind.TITLE
    theme = clean_text(theme, kind=kind, field="theme", max_length=LONGEST_THEME, author=member, at=at)
    hint = clean_text(hint, kind=kind, field="hint", max_length=LONGEST_HINT, author=member, at=at)
    if not words_of(theme):
        message = _("Write a theme.")
        raise Refused("empty", message, fields={"theme": [message]})
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).only("pk").get(pk=member.pk)  # so that the count below holds
        found = ThemeIdea.objects.shown(at).filter(theme__iexact=theme).first()
        if found is None:
            waiting = ThemeIdea.objects.filter(proposed_by=member, state=ThemeIdea.State.PROPOSED, removed_at=None)
            if waiting.count() >= OPEN_IDEAS:
                raise Refused("too_many_ideas", _("Five of your themes are waiting. Propose more later."), status=409)
            found = ThemeIdea.objects.create(theme=theme, hint=hint, proposed_by=member, state=ThemeIdea.State.PROPOSED)
        ThemeIdeaVote.objects.get_or_create(idea=found, member=member, defaults={"created_at": at})
    return found


def vote_for_idea(*, idea_id: str, member: User, is_for: bool = True, at: datetime | None = None) -> ThemeIdea:
    """Votes for a proposal (by public id), or takes the vote back. Idempotent.

    Raises:
        Refused: 403 for a restricted member; 404 for no such proposal; 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(member, "like")
    idea = ThemeIdea.objects.shown(at).filter(public_id=idea_id).first()
    if idea is None:
        raise NotFound(_("There is no such theme."))
    if is_for:
        require_unrestricted(user=member, doing="vote", at=at)
        ThemeIdeaVote.objects.get_or_create(idea=idea, member=member, defaults={"created_at": at})
    else:
        ThemeIdeaVote.objects.filter(idea=idea, member=member).delete()
    return idea


def decide_idea(*, idea_id: str, is_accepted: bool, at: datetime | None = None) -> ThemeIdea:
    """Takes a proposal into the bank, or declines it; whoever proposed it is notified once.

    Raises:
        Refused: 404 for no such proposal; 409 where it was decided already.
    """
    states = ThemeIdea.State
    idea = ThemeIdea.objects.filter(public_id=idea_id).select_related("proposed_by").first()
    if idea is None:
        raise NotFound(_("There is no such theme."))
    state = states.ACCEPTED if is_accepted else states.DECLINED
    with transaction.atomic():
        waiting = ThemeIdea.objects.filter(pk=idea.pk, state=states.PROPOSED, removed_at=None)
        if not waiting.update(state=state):
            raise Refused("decided", _("This theme was decided already."), status=409)
        if is_accepted and idea.proposed_by is not None:
            notify(recipient=idea.proposed_by, kind="challenge.theme", target=idea, at=at)
    idea.state = state
    return idea
