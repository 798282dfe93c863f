"""Likes, answers, comparisons and reports of simulated members. Idempotent."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.models import Role, User
from feed.models import Challenge, Post
from feed.posts.services import like_post
from generation.models import Image
from moderation.cases.services import claim_case, report_target
from moderation.decisions.services import decide_case
from moderation.models import Case, Decision, Report
from moderation.policy import Reason
from ratings.asking.compare.surfaces import SURFACES, draw_next
from ratings.asking.marks.services import Place, answer_marking
from ratings.asking.models import Ask, AskOutcome, Surface
from ratings.asking.pairing import Strategy
from ratings.asking.rankings.services import answer_ranking, pictures_of
from ratings.asking.services import answer_ask, answer_comparison, draw_ask, mark_shown, skip_ask
from ratings.asking.tokens import token_for
from ratings.challenges.services import close_challenge, draw_vote, pairs_of
from ratings.simulation import preferences
from ratings.simulation.state import Simulation, simulated_user

Progress = Callable[[int], None]
VIEWS = 30  # posts that a member views
COMPARISONS = 24  # pairs that a member answers
VOTES = 8  # pairs of a challenge that a member answers
SKIPS = 0.12
MODERATOR = "simulated-moderator"


def view_posts(simulation: Simulation, progress: Progress) -> None:
    """Each member views some posts, likes some of them and answers the questions that come up."""
    shown = Post.objects.published().filter(image__is_public=True, author__in=simulation.members)
    posts = list(shown.select_related("image__generation", "author").order_by("published_at", "pk"))
    for member in simulation.members:
        rng = simulation.rng("view", member.username)
        chosen = rng.sample(posts, min(VIEWS, len(posts)))
        for post in sorted(chosen, key=lambda post: (post.published_at, post.pk)):
            at = post.published_at + (simulation.end - post.published_at) * rng.random()
            _view_post(simulation, member, post, at)
        progress(1)


def _view_post(simulation: Simulation, member: User, post: Post, at: datetime) -> None:
    picture = simulation.picture(post.image)
    if post.author_id == member.pk:
        _answer(simulation, member, post.image, Surface.RESULT, at)
        return
    if not Post.objects.listed_for(member, at).filter(pk=post.pk).exists():
        return
    if preferences.likes(
        simulation.scenario.seed, member.username, picture, simulation.rng("like", member.username, picture.name)
    ):
        like_post(post=post, member=member, at=at)
    _answer(simulation, member, post.image, Surface.POST, at)


@transaction.atomic  # no other process sees an ask of the past open, or it would expire it
def _answer(simulation: Simulation, member: User, image: Image, surface: Surface, at: datetime) -> None:
    picture = simulation.picture(image)
    rng = simulation.rng("ask", member.username, picture.name)
    ask = draw_ask(surface=surface, image=image, rater=member, at=at, rng=rng)
    if ask is None:
        return
    token = token_for(ask)
    mark_shown(token=token, rater=member, at=at)
    later = at + timedelta(seconds=rng.uniform(2, 20))
    if rng.random() < SKIPS:
        skip_ask(token=token, rater=member, at=later)
        return
    value = preferences.rates(simulation.scenario.seed, member.username, picture, ask.question.slug, rng)
    dwell = int((later - at).total_seconds() * 1000)
    answer_ask(token=token, rater=member, value=value, dwell_ms=dwell, at=later)


def compare(simulation: Simulation, progress: Progress) -> None:
    """Each member answers pairs during the last 90 minutes, `COMPARISONS` of them."""
    for member in simulation.members:
        closed = Ask.objects.filter(surface__in=SURFACES, rater=member).exclude(outcome=AskOutcome.OPEN)
        done = closed.exclude(strategy=Strategy.CHALLENGE_ACTIVE).count()
        rng = simulation.rng("compare", member.username, done)
        at = simulation.end - timedelta(minutes=90) + timedelta(minutes=3 * done)
        for _ in range(COMPARISONS - done):
            at += timedelta(seconds=rng.uniform(20, 150))
            if not _answer_next(simulation, member, min(at, simulation.end), rng):
                break
        progress(1)


@transaction.atomic  # for the same reason
def _answer_next(simulation: Simulation, member: User, at: datetime, rng: random.Random) -> bool:
    """Answers what Compare asks next; False when nothing is left for this member."""
    ask = draw_next(rater=member, at=at, rng=rng)
    if ask is not None and ask.surface == Surface.MARKS:
        return _mark_picture(simulation, member, ask, at, rng)
    if ask is not None and ask.surface == Surface.RANKING:
        return _rank_pictures(simulation, member, ask, at, rng)
    return _answer_pair(simulation, member, ask, at, rng)


def _mark_picture(simulation: Simulation, member: User, ask: Ask, at: datetime, rng: random.Random) -> bool:
    """Marks up to three places, the fewer the better the picture is."""
    token, picture = token_for(ask), simulation.picture(Image.objects.get(asks=ask))
    mark_shown(token=token, rater=member, at=at)
    places = preferences.marks(simulation.scenario.seed, member.username, picture, ask.question.aspect, rng)
    seconds = rng.uniform(2, 20)
    answer_marking(
        token=token,
        rater=member,
        places=[Place(*place) for place in places],
        dwell_ms=int(seconds * 1000),
        at=at + timedelta(seconds=seconds),
    )
    return True


def _rank_pictures(simulation: Simulation, member: User, ask: Ask, at: datetime, rng: random.Random) -> bool:
    token, pictures = token_for(ask), [simulation.picture(image) for image in pictures_of(ask)]
    mark_shown(token=token, rater=member, at=at)
    ranks = preferences.ranks(simulation.scenario.seed, member.username, pictures, rng)
    seconds = rng.uniform(4, 30)
    later = at + timedelta(seconds=seconds)
    answer_ranking(token=token, rater=member, ranks=ranks, dwell_ms=int(seconds * 1000), at=later)
    return True


def _answer_pair(simulation: Simulation, member: User, ask: Ask | None, at: datetime, rng: random.Random) -> bool:
    if ask is None or ask.left is None or ask.right is None:
        return False
    pair = {image.pk: image for image in Image.objects.select_related("generation").filter(pk__in=ask.subject)}
    left, right = (simulation.picture(pair[image.pk]) for image in (ask.left, ask.right))
    token = token_for(ask)
    mark_shown(token=token, rater=member, at=at)
    aspect = ask.question.aspect if ask.is_about_aspect else ""
    outcome = preferences.compares(simulation.scenario.seed, member.username, left, right, rng, aspect)
    if ask.spoiled:  # an attentive member never prefers it
        outcome = "right" if ask.left.pk == ask.spoiled else "left"
    if rng.random() < SKIPS / 2:
        outcome = "skip"
    seconds = rng.uniform(1.5, 15)
    later = at + timedelta(seconds=seconds)
    answer_comparison(
        token=token,
        rater=member,
        outcome=outcome,
        surface=Surface(ask.surface),
        dwell_ms=int(seconds * 1000),
        at=later,
    )
    return True


def vote_on_challenges(simulation: Simulation) -> None:
    """Each member votes on some pairs of every challenge that is over, on the day after it; then those are closed."""
    for challenge in Challenge.objects.voting(simulation.end):
        at = min(challenge.entries_end_at + timedelta(hours=1), simulation.end)
        for member in simulation.members:
            rng = simulation.rng("vote", member.username, challenge.day)
            for turn in range(pairs_of(challenge, member).count(), VOTES):
                moment = min(at + timedelta(minutes=turn), simulation.end)
                with transaction.atomic():
                    ask = draw_vote(challenge=challenge, rater=member, at=moment, rng=rng)
                    if not _answer_pair(simulation, member, ask, moment, rng):
                        break
        close_challenge(challenge=challenge, at=simulation.end)


def report_posts(simulation: Simulation, moderator: User) -> None:
    """Reports two posts; one case is decided with a content level, the other is left open."""
    reporters = [member for member in simulation.members if member.is_simulated][:2]
    if Report.objects.filter(reporter__in=reporters).exists():
        return
    others = Post.objects.listed_for(reporters[0], simulation.end).filter(author__in=simulation.members)
    posts = list(others.exclude(author__in=reporters).order_by("published_at", "pk")[:2])
    for post, reason in zip(posts, (Report.Reason.VIOLENCE, Report.Reason.SPAM), strict=False):
        for reporter in reporters:
            report_target(target=post, reporter=reporter, reason=reason, at=simulation.end)
    if posts:
        _decide_case(simulation, posts[0], moderator)


def _decide_case(simulation: Simulation, post: Post, moderator: User) -> None:
    cases = Case.objects.filter(target_type=post._meta.label_lower, target_id=post.pk)
    case = cases.exclude(state=Case.State.CLOSED).first()
    claimed = claim_case(moderator=moderator, case=case, at=simulation.end) if case else None
    if claimed is not None:
        level, reason = Decision.Action.LEVEL, Reason.VIOLENCE
        decide_case(case=claimed, moderator=moderator, action=level, level=1, reason=reason, at=simulation.end)


def simulated_moderator(simulation: Simulation) -> User:
    """A moderator account for simulations without one."""
    user: User | None = User.objects.filter(username=MODERATOR).first()
    if user is None:
        user = simulated_user(MODERATOR, simulation.end)
        user.groups.add(Group.objects.get(name=Role.MODERATOR))
    return user
