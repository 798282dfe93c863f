"""``manage.py align``: fine-tunes a checkpoint on the preferences of a release."""

from argparse import ArgumentParser
from dataclasses import fields
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from generation.engines.base import CheckpointError
from generation.models import Checkpoint
from ratings.alignment.settings import Settings

HELP = {
    "steps": "of training (%(default)s)",
    "batch": "pairs a step (%(default)s)",
    "rate": "learning rate (%(default)s)",
    "beta": "larger stays closer to the checkpoint (%(default)s)",
    "rank": "of the LoRA (%(default)s)",
    "seed": "of the LoRA, the order and the noise (%(default)s)",
    "draws": "noises a pair is measured on (%(default)s)",
}


class Command(BaseCommand):
    help = "Trains a LoRA on CHECKPOINT by Diffusion-DPO from the pairs of a release, and registers the result."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--release", type=Path, required=True, metavar="PATH", help="the folder of a release")
        parser.add_argument("--checkpoint", required=True, metavar="SLUG", help="a registered checkpoint")
        parser.add_argument("--out", type=Path, required=True, metavar="PATH", help="a folder that is absent or empty")
        for each in fields(Settings):
            default = getattr(Settings(), each.name)
            parser.add_argument(f"--{each.name}", type=type(default), default=default, help=HELP[each.name])
        parser.add_argument("--max-pairs", type=int, help="of each split (default: all)")
        parser.add_argument("--slug", help="of the aligned checkpoint (default: CHECKPOINT-aligned)")
        parser.add_argument("--no-register", action="store_true", help="write the folder and leave the site alone")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["out"].expanduser().resolve()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise CommandError(f"{folder} is not empty. Choose another folder.")
        base = Checkpoint.objects.filter(slug=options["checkpoint"]).first()
        if base is None:
            raise CommandError(f"There is no checkpoint “{options['checkpoint']}”.")
        from ratings.alignment.data import (
            AlignmentError,  # torch takes seconds to import; --help should not wait for it
        )

        try:
            self._align(base, folder, options)
        except (AlignmentError, CheckpointError) as error:
            raise CommandError(str(error)) from error

    def _align(self, base: Checkpoint, folder: Path, options: dict[str, Any]) -> None:
        from ratings.alignment import registration, runner

        settings = Settings(**{each.name: options[each.name] for each in fields(Settings)})
        with tqdm(total=settings.steps, desc="Aligning", unit=" steps") as bar:

            def on_step(_step: int, loss: float) -> None:
                bar.update(1)
                bar.set_postfix(loss=f"{loss:.3f}")

            done = runner.align(
                base, options["release"], folder, settings=settings, most=options["max_pairs"], on_step=on_step
            )
        self.stdout.write(f"Agreement with people before: {done.before}")
        self.stdout.write(f"Agreement with people after:  {done.after}")
        self.stdout.write(f"Improvement:                  {done.improvement}")
        if not done.has_improved:
            self.stdout.write(self.style.WARNING("This is no more than chance. More pairs or steps may help."))
        if not options["no_register"]:
            slug = options["slug"] or f"{base.slug}-aligned"
            aligned = registration.register(base, folder, slug=slug, name=f"{base.name} aligned")
            self.stdout.write(f"Registered {aligned.name} ({aligned.slug}); Compare shows it blind beside {base.name}.")
        self.stdout.write(self.style.SUCCESS(f"Wrote {folder}"))
