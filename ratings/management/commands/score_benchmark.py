"""``manage.py score_benchmark SLUG``: FID by category, and likeness to prompts, beside the votes."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from lib.errors import Refused
from ratings.benchmarks.models import Benchmark
from ratings.benchmarks.scoring import Encoder, Extractor, score_fid, score_similarity


class Command(BaseCommand):
    help = "Scores a benchmark's pictures with models that you provide. Scores do not measure preference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("benchmark", metavar="SLUG")
        parser.add_argument("--features", type=Path, help="for FID, ONNX: RGB 0…1 (n, 3, h, w) to (n, d)")
        parser.add_argument("--reference", type=Path, help="for FID, a folder of pictures for each category")
        parser.add_argument("--encoder", type=Path, help="for likeness to prompts, a folder of CLIP or its kind")

    def handle(self, *args: Any, **options: Any) -> None:
        benchmark = Benchmark.objects.filter(slug=options["benchmark"]).first()
        if benchmark is None:
            raise CommandError(f"No benchmark {options['benchmark']}.")
        features, reference, encoder = options["features"], options["reference"], options["encoder"]
        if (features is None) != (reference is None) or (features is None and encoder is None):
            raise CommandError("Give --features with --reference, or --encoder, or all three.")
        if reference is not None and not reference.is_dir():
            raise CommandError(f"{reference} is no folder.")
        common: dict[str, Any] = {"benchmark": benchmark, "at": timezone.now(), "log": self.stdout.write}
        scores = 0
        try:
            if features is not None:
                scores += score_fid(extractor=Extractor(features), reference=reference, **common)
            if encoder is not None:
                scores += score_similarity(encoder=Encoder(encoder), **common)
        except Refused as refusal:
            raise CommandError(str(refusal.message)) from None
        self.stdout.write(self.style.SUCCESS(f"{benchmark.slug}: {scores} scores"))
