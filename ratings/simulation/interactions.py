"""What simulated people say: likes, answers, comparisons, reports. Each thing is said once."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.models import Role, User
from feed.models import Post
from feed.posts.services import like_post
from generation.models import Image
from moderation.cases.services import claim_case, report_target
from moderation.decisions.services import decide_case
from moderation.models import Case, Decision, Report
from moderation.policy import Reason
from ratings.asking.models import Ask, AskOutcome, Surface
from ratings.asking.services import answer_ask, answer_comparison, draw_ask, draw_comparison, mark_shown, skip_ask
from ratings.asking.tokens import token_for
from ratings.simulation import preferences
from ratings.simulation.stage import Stage, simulated_user

Progress = Callable[[int], None]
VIEWS = 30  # posts that a person looks at
COMPARISONS = 24  # pairs that a person judges
SKIPS = 0.12
JUDGE = "simulated-moderator"


def look_around(stage: Stage, progress: Progress) -> None:
    """Each person opens some posts, likes what pleases, and answers the questions that come up."""
    shown = Post.objects.published().filter(image__is_public=True, author__in=stage.members)
    posts = list(shown.select_related("image__generation", "author").order_by("published_at", "pk"))
    for member in stage.members:
        rng = stage.rng("view", member.username)
        chosen = rng.sample(posts, min(VIEWS, len(posts)))
        for post in sorted(chosen, key=lambda post: (post.published_at, post.pk)):
            at = post.published_at + (stage.end - post.published_at) * rng.random()
            _look_at(stage, member, post, at)
        progress(1)


def _look_at(stage: Stage, member: User, post: Post, at: datetime) -> None:
    sight = stage.sight(post.image)
    if post.author_id == member.pk:
        _answer(stage, member, post.image, Surface.RESULT, at)
        return
    if not Post.objects.listed_for(member, at).filter(pk=post.pk).exists():
        return
    if preferences.likes(stage.script.seed, member.username, sight, stage.rng("like", member.username, sight.name)):
        like_post(post=post, member=member, at=at)
    _answer(stage, member, post.image, Surface.POST, at)


@transaction.atomic  # an ask drawn in the past is never seen open, or a running site would expire it
def _answer(stage: Stage, member: User, image: Image, surface: Surface, at: datetime) -> None:
    sight = stage.sight(image)
    rng = stage.rng("ask", member.username, sight.name)
    ask = draw_ask(surface=surface, image=image, rater=member, at=at, rng=rng)
    if ask is None:
        return
    token = token_for(ask)
    mark_shown(token=token, rater=member, at=at)
    later = at + timedelta(seconds=rng.uniform(2, 20))
    if rng.random() < SKIPS:
        skip_ask(token=token, rater=member, at=later)
        return
    value = preferences.rates(stage.script.seed, member.username, sight, ask.question.slug, rng)
    dwell = int((later - at).total_seconds() * 1000)
    answer_ask(token=token, rater=member, value=value, dwell_ms=dwell, at=later)


def compare(stage: Stage, progress: Progress) -> None:
    """Each person judges pairs during the last hours, until they were shown `COMPARISONS`."""
    for member in stage.members:
        closed = Ask.objects.about_pair().filter(rater=member).exclude(outcome=AskOutcome.OPEN)
        done = closed.count()
        rng = stage.rng("compare", member.username, done)
        at = stage.end - timedelta(minutes=90) + timedelta(minutes=3 * done)
        for _ in range(COMPARISONS - done):
            at += timedelta(seconds=rng.uniform(20, 150))
            if not _judge(stage, member, min(at, stage.end), rng):
                break
        progress(1)


@transaction.atomic  # for the same reason
def _judge(stage: Stage, member: User, at: datetime, rng: random.Random) -> bool:
    """Judges one more pair; False when none is left for this person."""
    ask = draw_comparison(rater=member, at=at, rng=rng)
    if ask is None or ask.left is None or ask.right is None:
        return False
    pair = {image.pk: image for image in Image.objects.select_related("generation").filter(pk__in=ask.subject)}
    left, right = (stage.sight(pair[image.pk]) for image in (ask.left, ask.right))
    token = token_for(ask)
    mark_shown(token=token, rater=member, at=at)
    outcome = preferences.compares(stage.script.seed, member.username, left, right, rng)
    if ask.spoiled:  # nobody who looks can prefer it
        outcome = "right" if ask.left.pk == ask.spoiled else "left"
    if rng.random() < SKIPS / 2:
        outcome = "skip"
    seconds = rng.uniform(1.5, 15)
    later = at + timedelta(seconds=seconds)
    answer_comparison(token=token, rater=member, outcome=outcome, dwell_ms=int(seconds * 1000), at=later)
    return True


def report_some(stage: Stage, moderator: User | None) -> None:
    """Two posts are reported; one case is decided (a level, so that its effect shows), one waits for a moderator."""
    reporters = [member for member in stage.members if member.is_simulated][:2]
    if Report.objects.filter(reporter__in=reporters).exists():
        return
    others = Post.objects.listed_for(reporters[0], stage.end).filter(author__in=stage.members)
    posts = list(others.exclude(author__in=reporters).order_by("published_at", "pk")[:2])
    for post, reason in zip(posts, (Report.Reason.VIOLENCE, Report.Reason.SPAM), strict=False):
        for reporter in reporters:
            report_target(target=post, reporter=reporter, reason=reason, at=stage.end)
    if posts:
        _decide(stage, posts[0], moderator or _judge_of(stage))


def _decide(stage: Stage, post: Post, moderator: User) -> None:
    cases = Case.objects.filter(target_type=post._meta.label_lower, target_id=post.pk)
    case = cases.exclude(state=Case.State.CLOSED).first()
    claimed = claim_case(moderator=moderator, case=case, at=stage.end) if case else None
    if claimed is not None:
        level, reason = Decision.Action.LEVEL, Reason.VIOLENCE
        decide_case(case=claimed, moderator=moderator, action=level, level=1, reason=reason, at=stage.end)


def _judge_of(stage: Stage) -> User:
    """Somebody who decides where no moderator takes part."""
    user: User | None = User.objects.filter(username=JUDGE).first()
    if user is None:
        user = simulated_user(JUDGE, stage.end)
        user.groups.add(Group.objects.get(name=Role.MODERATOR))
    return user
