"""The demo's benchmark: its checkpoint against the same one with fewer steps, voted on by the simulated members."""

from collections.abc import Callable
from datetime import timedelta

from django.utils.translation import gettext as _

from generation.models import Checkpoint
from ratings.benchmarks.models import Benchmark, PromptSet
from ratings.benchmarks.prompts import import_prompts
from ratings.benchmarks.results import refresh_results
from ratings.benchmarks.services import Wait, generate_pictures, open_voting, register_benchmark
from ratings.simulation.state import Simulation

SLUG = "demo"
FEW_STEPS = 4
SEED = 1
VOTES = 40
OPENED = timedelta(hours=2)  # before the end of the simulated time
LASTS = timedelta(days=30)
PROMPTS = """\
category,prompt
animals,a fox on a blue background
animals,an owl on a purple background
animals,a turtle on a white background
food,a strawberry on a yellow background
food,a doughnut on a pink background
things,a rocket on a black background
things,a guitar on a green background
things,a balloon on an orange background
"""
PICTURES = 2 * (PROMPTS.count("\n") - 1)


def open_benchmark(simulation: Simulation, *, wait: Wait, advance: Callable[[int], None]) -> None:
    """Registers it, has its pictures generated and opens voting. Idempotent."""
    benchmark = Benchmark.objects.filter(slug=SLUG).first() or _register(simulation)
    generate_pictures(benchmark=benchmark, wait=wait, advance=advance)
    if open_voting(benchmark=benchmark, at=simulation.end - OPENED):
        # what it compared stays on its page; nobody needs it on Create
        Checkpoint.objects.filter(slug=_few_steps_slug(simulation)).update(is_enabled=False)


def count_votes(simulation: Simulation) -> None:
    """Works out the results so far, as the nightly task does."""
    refresh_results(benchmark=Benchmark.objects.get(slug=SLUG), at=simulation.end)


def _register(simulation: Simulation) -> Benchmark:
    opened = simulation.end - OPENED
    prompts = PromptSet.objects.filter(slug=SLUG).first() or import_prompts(
        slug=SLUG, name=_("Words the starter knows"), form=PromptSet.Form.TABLE, text=PROMPTS, at=opened
    )
    few = _with_few_steps(simulation)
    width, height = few.sizes[0]
    return register_benchmark(
        slug=SLUG,
        title=_("How many steps does it take?"),
        prompt_set=prompts,
        checkpoints=[simulation.checkpoint, few.slug],
        seeds=[SEED],
        size=(width, height),
        votes_a_pair=VOTES,
        closes_at=simulation.end + LASTS,
        at=opened,
    )


def _few_steps_slug(simulation: Simulation) -> str:
    return f"{simulation.checkpoint}-{FEW_STEPS}-steps"


def _with_few_steps(simulation: Simulation) -> Checkpoint:
    row = Checkpoint.objects.filter(slug=_few_steps_slug(simulation)).first()
    if row is None:
        row = Checkpoint.objects.get(slug=simulation.checkpoint)
        row.pk, row._state.adding = None, True
        row.slug, row.default_steps = _few_steps_slug(simulation), FEW_STEPS
        row.name = _("%(name)s, %(n)d steps") % {"name": row.name, "n": FEW_STEPS}
        row.save()
    return row
