"""Runs a simulation from sign-up to reports."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from feed.ranking import counters
from feed.rates import unlimited
from generation.models import Checkpoint
from lib.errors import Refused
from ratings.releases.engine.splits import split_of
from ratings.simulation import interactions, model_benchmark, polls, publications, social, workers
from ratings.simulation.scenario import PER_GENERATION, PlannedGeneration, Scenario, lend_plans, write_scenario
from ratings.simulation.state import Simulation, sign_up

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]  # (title, total)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    members: int
    days: int
    seed: int
    images: int


@unlimited()  # simulated members do in a minute what takes others days
def simulate(
    *,
    sizes: Sizes,
    at: datetime,
    bar: Bar,
    inline: bool = False,
    checkpoint: str = "",
    guests: Sequence[User] = (),
    moderator: User | None = None,
    has_benchmark: bool = False,
) -> Simulation:
    """Simulates a community whose last moment is `at`, or continues one of the same seed.

    Raises Refused when there is no checkpoint, nobody draws, or a name belongs to a real member.
    """
    scenario = write_scenario(
        members=sizes.members,
        days=sizes.days,
        seed=sizes.seed,
        images=sizes.images,
        split_of=partial(split_of, settings.RELEASE_SECRET),
    )
    if guests:  # the last of them makes pictures too
        scenario = lend_plans(scenario, to=len(scenario.personas) + len(guests) - 1)
    simulation = Simulation(scenario, _end(scenario, at), _checkpoint(checkpoint))
    sign_up(simulation, guests)
    _make(simulation, _("Pictures"), scenario.originals(), inline, bar)
    _make(simulation, _("Remixes"), scenario.remixes(), inline, bar)
    with transaction.atomic():  # no scheduler sees a day of the past without its votes, or it would close it
        publications.enter_challenges(simulation)
        interactions.vote_on_challenges(simulation)
    _answer(simulation, inline, bar, has_benchmark=has_benchmark)
    with bar(_("Comments and follows"), len(simulation.members)) as progress:
        social.join_in(simulation, progress)
    moderator = moderator or interactions.simulated_moderator(simulation)
    interactions.report_posts(simulation, moderator)
    polls.run_polls(simulation, moderator)
    while counters.process_recount_requests(at=at):
        continue
    return simulation


def _make(simulation: Simulation, title: str, plans: list[PlannedGeneration], inline: bool, bar: Bar) -> None:
    with bar(_("%s: requesting") % title, len(plans)) as progress:
        generations = publications.submit(simulation, plans, progress)
    with bar(_("%s: generating") % title, len(generations) * PER_GENERATION) as progress:
        (workers.generate_inline if inline else workers.wait_for_workers)(generations, progress)
    with bar(_("%s: publishing") % title, sum(plan.publishes for plan in plans)) as progress:
        publications.publish(simulation, plans, progress)


def _answer(simulation: Simulation, inline: bool, bar: Bar, *, has_benchmark: bool) -> None:
    """Members rate pictures one by one and compare them, those of the benchmark too."""

    def wait(generations: Sequence[int]) -> None:
        (workers.generate_inline if inline else workers.wait_for_workers)(generations, lambda _more: None)

    with bar(_("Likes and ratings"), len(simulation.members)) as progress:
        interactions.view_posts(simulation, progress)
    if has_benchmark:
        with bar(_("Benchmark: generating"), model_benchmark.PICTURES) as progress:
            model_benchmark.open_benchmark(simulation, wait=wait, advance=progress)
    with bar(_("Comparisons"), len(simulation.members)) as progress:
        interactions.compare(simulation, progress)
    if has_benchmark:
        model_benchmark.count_votes(simulation)


def _end(scenario: Scenario, at: datetime) -> datetime:
    """The last moment of the first run, so that continuing changes no date."""
    first = scenario.personas[0]
    user = User.objects.filter(username=first.username, is_simulated=True).first()
    return min(user.date_joined + first.joined, at) if user else at - timedelta(minutes=1)


def _checkpoint(slug: str) -> str:
    usable = Checkpoint.objects.enabled().order_by("pk")
    found = usable.filter(slug=slug or "starter").first() or (None if slug else usable.first())
    if found is None:
        raise Refused("no_checkpoint", _("There is no checkpoint to generate with. Register one first."))
    return found.slug
