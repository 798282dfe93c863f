"""What the commands that register small weights beside a checkpoint have in common."""

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.text import slugify

from generation.models import Checkpoint, ControlNet, ImagePrompt, Lora, TextualInversion

if TYPE_CHECKING:
    from generation.engines.add_ons import AddOnTerms  # with torch, which takes seconds: --help should not wait for it

AddOn = ControlNet | ImagePrompt | Lora | TextualInversion


class AddOnCommand(BaseCommand):
    """Reads who made the weights and which checkpoint they are tried with; `register` does the rest."""

    source_help = ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help=self.source_help)
        parser.add_argument("--checkpoint", required=True, help="slug of the checkpoint that it is tried with")
        parser.add_argument("--only", action="store_true", help="for that checkpoint alone, not for its whole family")
        parser.add_argument("--name", required=True, help="what members read")
        parser.add_argument("--slug", help="its name in prompts, addresses and the API; made from --name otherwise")
        parser.add_argument("--licence", required=True, help="SPDX identifier of the weights' licence")

    def register(self, terms: "AddOnTerms", options: dict[str, Any]) -> tuple[AddOn, bool]:
        """The row and whether it is new; raises CheckpointError with a sentence."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        checkpoint = Checkpoint.objects.filter(slug=options["checkpoint"], engine="diffusers").first()
        if checkpoint is None:
            raise CommandError(f"There is no checkpoint {options['checkpoint']}. Register it first.")
        from generation.engines.add_ons import AddOnTerms
        from generation.engines.base import CheckpointError

        terms = AddOnTerms(
            slug=options["slug"] or slugify(options["name"]),
            name=options["name"],
            licence=options["licence"],
            checkpoint=checkpoint,
            is_for_family=not options["only"],
            trigger_words=options.get("trigger_words", ()),
        )
        try:
            row, is_new = self.register(terms, options)
        except CheckpointError as error:
            raise CommandError(str(error)) from error
        verb = "Registered" if is_new else "Updated"
        self.stdout.write(f"{verb} {row.name} ({row.slug}), sha256 {row.sha256[:12]}…")
