"""The whole play, act by act."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from feed.ranking import counters
from generation.models import Checkpoint
from lib.errors import Refused
from ratings.releases.engine.splits import split_of
from ratings.simulation import interactions, publications, workers
from ratings.simulation.script import PER_GENERATION, Script, Wish, write_script
from ratings.simulation.stage import Stage, sign_up

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]  # (title, total) → told how many more


@dataclass(frozen=True, kw_only=True)
class Sizes:
    members: int
    days: int
    seed: int
    images: int


def simulate(
    *,
    sizes: Sizes,
    at: datetime,
    bar: Bar,
    inline: bool = False,
    checkpoint: str = "",
    guests: Sequence[User] = (),
    moderator: User | None = None,
) -> Stage:
    """Plays a community whose last moment is `at`, or goes on with one of the same seed; returns what it became.

    Raises Refused when there is no checkpoint, nobody draws, or a name belongs to a real member.
    """
    script = write_script(
        members=sizes.members,
        days=sizes.days,
        seed=sizes.seed,
        images=sizes.images,
        split_of=partial(split_of, settings.RELEASE_SECRET),
    )
    stage = Stage(script, _end(script, at), _checkpoint(checkpoint))
    sign_up(stage, guests)
    _make(stage, _("Pictures"), script.originals(), inline, bar)
    _make(stage, _("Remixes"), script.remixes(), inline, bar)
    publications.enter_challenges(stage)
    with bar(_("Likes and ratings"), len(stage.members)) as progress:
        interactions.look_around(stage, progress)
    with bar(_("Comparisons"), len(stage.members)) as progress:
        interactions.compare(stage, progress)
    interactions.report_some(stage, moderator)
    while counters.process_recount_requests(at=at):
        continue
    return stage


def _make(stage: Stage, title: str, wishes: list[Wish], inline: bool, bar: Bar) -> None:
    with bar(_("%s: asking") % title, len(wishes)) as progress:
        generations = publications.submit(stage, wishes, progress)
    with bar(_("%s: drawing") % title, len(generations) * PER_GENERATION) as progress:
        (workers.draw_inline if inline else workers.await_workers)(generations, progress)
    with bar(_("%s: publishing") % title, sum(wish.publishes for wish in wishes)) as progress:
        publications.publish(stage, wishes, progress)


def _end(script: Script, at: datetime) -> datetime:
    """The last moment of the first run, so that going on changes no date."""
    first = script.personas[0]
    user = User.objects.filter(username=first.username, is_simulated=True).first()
    return min(user.date_joined + first.joined, at) if user else at - timedelta(minutes=1)


def _checkpoint(slug: str) -> str:
    usable = Checkpoint.objects.enabled().order_by("pk")
    found = usable.filter(slug=slug or "starter").first() or (None if slug else usable.first())
    if found is None:
        raise Refused("no_checkpoint", _("There is no checkpoint to draw with. Register one first."))
    return found.slug
