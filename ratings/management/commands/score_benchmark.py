"""``manage.py score_benchmark SLUG --features MODEL.onnx --reference FOLDER``: FID by category beside the votes."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.errors import Refused
from ratings.benchmarks.scoring import Extractor, score_fid
from ratings.models import Benchmark


class Command(BaseCommand):
    help = "Scores a benchmark's pictures by FID with a feature extractor of yours. It tells nothing about taste."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("benchmark", metavar="SLUG")
        parser.add_argument("--features", type=Path, required=True, help="ONNX: RGB 0…1 (n, 3, h, w) to (n, d)")
        parser.add_argument("--reference", type=Path, required=True, help="a folder of pictures for each category")

    def handle(self, *args: Any, **options: Any) -> None:
        benchmark = Benchmark.objects.filter(slug=options["benchmark"]).first()
        if benchmark is None:
            raise CommandError(f"No benchmark {options['benchmark']}.")
        if not options["reference"].is_dir():
            raise CommandError(f"{options['reference']} is no folder.")
        try:
            scores = score_fid(
                benchmark=benchmark,
                extractor=Extractor(options["features"]),
                reference=options["reference"],
                at=timezone.now(),
                tell=self.stdout.write,
            )
        except Refused as refusal:
            raise CommandError(str(refusal.message)) from None
        self.stdout.write(self.style.SUCCESS(f"{benchmark.slug}: {scores} scores"))
