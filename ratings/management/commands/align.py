"""``manage.py align``: fine-tunes a checkpoint on the preferences of a release."""

from argparse import ArgumentParser
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from generation.engines.base import CheckpointError
from generation.models import Checkpoint
from ratings.alignment.settings import METHODS, PRECISIONS, SCHEDULES, Settings

if TYPE_CHECKING:
    from ratings.alignment.evaluation import Accuracy
    from ratings.alignment.runner import Result, Run

HELP = {
    "steps": "of training (%(default)s)",
    "batch": "examples a step, of all processes together (%(default)s)",
    "rate": "learning rate (%(default)s)",
    "beta": "larger stays closer to the checkpoint (%(default)s)",
    "rank": "of the LoRA (%(default)s)",
    "seed": "of the LoRA, the order and the noise (%(default)s)",
    "draws": "noises a pair is measured on (%(default)s)",
    "method": "dpo learns from pairs, kto from single pictures that people liked or not (%(default)s)",
    "precision": "of weights and latents (default: the checkpoint's on this device)",
    "accumulation": "parts in which the batch of a step is computed, where memory is short (%(default)s)",
    "gradient_checkpointing": "needs less memory and more time",
    "schedule": "of the learning rate (%(default)s)",
    "warmup": "steps in which the learning rate rises (%(default)s)",
    "resolution": "side in pixels of a square as large as the pictures (default: the checkpoint's own)",
    "evaluate_every": "steps between measurements (default: before and after alone)",
    "save_every": "steps between checkpoints that --resume can continue from (%(default)s)",
}
CHOICES = {"method": METHODS, "precision": tuple(PRECISIONS), "schedule": SCHEDULES}


class Command(BaseCommand):
    help = "Trains a LoRA on CHECKPOINT by DPO or KTO from the answers of a release, and registers the result."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--release", type=Path, required=True, metavar="PATH", help="the folder of a release")
        parser.add_argument("--checkpoint", required=True, metavar="SLUG", help="a registered checkpoint")
        parser.add_argument("--out", type=Path, required=True, metavar="PATH", help="a folder that is absent or empty")
        for each in fields(Settings):
            default = getattr(Settings(), each.name)
            kind: dict[str, Any] = {"type": type(default), "choices": CHOICES.get(each.name)}
            if isinstance(default, bool):
                kind = {"action": "store_true"}
            parser.add_argument(
                f"--{each.name.replace('_', '-')}", **kind, default=default, help=HELP[each.name]
            )  # fmt: skip
        parser.add_argument("--max-pairs", type=int, help="of each split (default: all)")
        parser.add_argument("--work", type=Path, metavar="PATH", help="keeps encoded pictures (default: OUT-work)")
        parser.add_argument("--resume", action="store_true", help="continue a run that was interrupted")
        parser.add_argument("--log", choices=["tensorboard"], default="", help="writes curves to WORK/logs")
        parser.add_argument("--slug", help="of the aligned checkpoint (default: CHECKPOINT-aligned)")
        parser.add_argument("--no-register", action="store_true", help="write the folder and leave the site alone")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["out"].expanduser().resolve()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise CommandError(f"{folder} is not empty. Choose another folder.")
        settings = Settings(**{each.name: options[each.name] for each in fields(Settings)})
        wrong = settings.fault()
        if wrong:
            raise CommandError(wrong)
        base = Checkpoint.objects.filter(slug=options["checkpoint"]).first()
        if base is None:
            raise CommandError(f"There is no checkpoint “{options['checkpoint']}”.")
        from ratings.alignment import runner  # torch takes seconds to import; --help should not wait for it
        from ratings.alignment.data import AlignmentError

        run = runner.Run(
            base=base,
            release=options["release"],
            folder=folder,
            work=(options["work"] or folder.with_name(f"{folder.name}-work")).expanduser().resolve(),
            settings=settings,
            most=options["max_pairs"],
            is_resumed=options["resume"],
            keeps_encoded=bool(options["work"]),
            tracker=options["log"],
        )
        try:
            done = self._align(run)
        except (AlignmentError, CheckpointError) as error:
            raise CommandError(str(error)) from error
        if done:
            self._finish(run, done, options)

    def _align(self, run: "Run") -> "Result | None":
        from accelerate import PartialState

        from ratings.alignment import runner

        with tqdm(total=run.settings.steps, desc="Aligning", unit=" steps") as bar:

            def on_step(step: int, loss: float) -> None:
                if PartialState().is_main_process:
                    bar.update(step - bar.n)
                    bar.set_postfix(loss=f"{loss:.3f}")

            def on_evaluation(step: int, found: "Accuracy") -> None:
                if PartialState().is_main_process:
                    bar.write(f"Agreement with people after {step} steps: {found}")

            return runner.align(run, on_step=on_step, on_evaluation=on_evaluation)

    def _finish(self, run: "Run", done: "Result", options: dict[str, Any]) -> None:
        self.stdout.write(f"Agreement with people before: {done.before}")
        self.stdout.write(f"Agreement with people after:  {done.after}")
        self.stdout.write(f"Improvement:                  {done.improvement}")
        if not done.has_improved:
            self.stdout.write(self.style.WARNING("This is no more than chance. More pairs or steps may help."))
        if not options["no_register"]:
            from ratings.alignment import registration

            base = run.base
            slug = options["slug"] or f"{base.slug}-aligned"
            aligned = registration.register(base, run.folder, slug=slug, name=f"{base.name} aligned")
            self.stdout.write(f"Registered {aligned.name} ({aligned.slug}); Compare shows it blind beside {base.name}.")
        self.stdout.write(self.style.SUCCESS(f"Wrote {run.folder}"))
