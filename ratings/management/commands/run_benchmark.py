"""``manage.py run_benchmark SET --checkpoints a b c``: registers a benchmark, generates its pictures, opens voting."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from lib.errors import Refused
from ratings.benchmarks.models import Benchmark, PromptSet
from ratings.benchmarks.services import generate_pictures, open_voting, register_benchmark
from ratings.simulation.workers import generate_inline, wait_for_workers


def size(text: str) -> tuple[int, int]:
    width, _x, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise ArgumentTypeError("a size is written 1024x1024")
    return int(width), int(height)


class Command(BaseCommand):
    help = "Registers a benchmark of a frozen prompt set and generates its pictures. The same arguments continue."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prompt_set", metavar="SET", help="slug of an imported prompt set")
        parser.add_argument("--checkpoints", nargs="+", required=True, metavar="SLUG")
        parser.add_argument("--slug", default="", help="the benchmark's own (the set's)")
        parser.add_argument("--title", default="")
        parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="the same for all checkpoints (0)")
        parser.add_argument("--size", type=size, default=(1024, 1024), help="1024x1024")
        parser.add_argument("--votes", type=int, default=1000, help="votes that decide a pair of models (%(default)s)")
        parser.add_argument(
            "--days",
            type=int,
            default=90,
            help="how long voting lasts at most, counted from the first run (%(default)s)",
        )
        parser.add_argument("--inline", action="store_true", help="generate in this process instead of by workers")

    def handle(self, *args: Any, **options: Any) -> None:
        prompt_set = PromptSet.objects.filter(slug=options["prompt_set"]).first()
        if prompt_set is None:
            raise CommandError(f"No prompt set {options['prompt_set']}: `manage.py import_prompts` freezes one.")
        try:
            benchmark = self._register(prompt_set, options)
            self._draw(benchmark, options["inline"])
        except Refused as refusal:
            raise CommandError(str(refusal.message)) from None
        is_open = open_voting(benchmark=benchmark)
        self.stdout.write(self.style.SUCCESS(f"{benchmark.slug}: {benchmark.get_state_display()}"))
        if not is_open:
            raise CommandError("Some pictures are still missing; run the same command again.")

    def _register(self, prompt_set: PromptSet, options: dict[str, Any]) -> Benchmark:
        now = timezone.now()
        benchmark = register_benchmark(
            slug=options["slug"] or prompt_set.slug,
            title=options["title"] or prompt_set.name,
            prompt_set=prompt_set,
            checkpoints=options["checkpoints"],
            seeds=options["seeds"],
            size=options["size"],
            votes_a_pair=options["votes"],
            closes_at=now + timedelta(days=options["days"]),
            at=now,
        )
        self.stdout.write(f"Registered under SHA-256 {benchmark.protocol_sha256}")
        self.stdout.write(f"Voting ends on {benchmark.closes_at:%Y-%m-%d %H:%M} UTC at the latest")
        return benchmark

    def _draw(self, benchmark: Benchmark, is_inline: bool) -> None:
        planned = len(benchmark.seeds) * benchmark.prompt_set.prompts.count() * benchmark.entries.count()
        with tqdm(total=planned, desc="pictures", file=self.stderr) as bar:

            def wait(generations: Sequence[int]) -> None:
                (generate_inline if is_inline else wait_for_workers)(generations, lambda _more: None)

            def advance(more: int) -> None:
                bar.update(more)

            generate_pictures(benchmark=benchmark, wait=wait, advance=advance)
