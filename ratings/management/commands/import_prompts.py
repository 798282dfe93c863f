"""``manage.py import_prompts FILE --slug NAME``: freezes a prompt set for benchmarks."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from lib.errors import Refused
from ratings.benchmarks.models import PromptSet
from ratings.benchmarks.prompts import import_prompts


class Command(BaseCommand):
    help = "Reads prompts as they are published (PartiPrompts, MJHQ-30K, CSV, TSV, JSON lines) and freezes them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--slug", required=True, help="the name in addresses and commands")
        parser.add_argument("--name", default="", help="the name on pages")
        parser.add_argument("--form", choices=PromptSet.Form.values, default=PromptSet.Form.TABLE)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            text = options["file"].read_text(encoding="utf-8")
            made = import_prompts(
                slug=options["slug"], name=options["name"], form=options["form"], text=text, at=timezone.now()
            )
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']}: {error}") from None
        except Refused as refusal:
            raise CommandError(str(refusal.message)) from None
        count = made.prompts.count()
        self.stdout.write(self.style.SUCCESS(f"{made.slug}: {count} prompts, SHA-256 {made.sha256}"))
