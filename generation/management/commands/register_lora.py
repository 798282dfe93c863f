"""``manage.py register_lora``: small weights beside those of a checkpoint, which members can choose or name."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.text import slugify

from generation.models import Checkpoint


class Command(BaseCommand):
    help = (
        "Registers a LoRA (peft, kohya or diffusers), or with --textual-inversion an embedding: a .safetensors file "
        "under CHECKPOINTS_DIR. It draws a test picture, which must differ from the one without."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="a .safetensors file, or a folder with one")
        parser.add_argument("--checkpoint", required=True, help="slug of the checkpoint that it is tried with")
        parser.add_argument("--only", action="store_true", help="for that checkpoint alone, not for its whole family")
        parser.add_argument("--name", required=True, help="what members read")
        parser.add_argument("--slug", help="its name in prompts, addresses and the API; made from --name otherwise")
        parser.add_argument("--licence", required=True, help="SPDX identifier of the weights' licence")
        parser.add_argument(
            "--trigger-words", nargs="+", default=(), help="words that its pictures were described with"
        )
        parser.add_argument("--textual-inversion", action="store_true", help="it is an embedding; --slug is its word")

    def handle(self, *args: Any, **options: Any) -> None:
        checkpoint = Checkpoint.objects.filter(slug=options["checkpoint"], engine="diffusers").first()
        if checkpoint is None:
            raise CommandError(f"There is no checkpoint {options['checkpoint']}. Register it first.")
        # torch takes seconds to import; --help should not wait for it
        from generation.engines.add_ons import AddOnTerms, register_lora, register_textual_inversion
        from generation.engines.base import CheckpointError

        terms = AddOnTerms(
            slug=options["slug"] or slugify(options["name"]),
            name=options["name"],
            licence=options["licence"],
            checkpoint=checkpoint,
            is_for_family=not options["only"],
            trigger_words=options["trigger_words"],
        )
        register = register_textual_inversion if options["textual_inversion"] else register_lora
        try:
            row, is_new = register(location=options["source"], terms=terms)
        except CheckpointError as error:
            raise CommandError(str(error)) from error
        verb = "Registered" if is_new else "Updated"
        self.stdout.write(f"{verb} {row.name} ({row.slug}), sha256 {row.sha256[:12]}…")
