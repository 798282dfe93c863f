"""``manage.py register_image_prompt``: an IP-Adapter, through which mood boards are looked at."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.text import slugify

from generation.models import Checkpoint


class Command(BaseCommand):
    help = (
        "Registers an IP-Adapter: a .safetensors file under CHECKPOINTS_DIR, with the folder of its image encoder. It "
        "draws a test picture, which must differ from the one without."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="a .safetensors file")
        parser.add_argument("--checkpoint", required=True, help="slug of the checkpoint that it is tried with")
        parser.add_argument("--only", action="store_true", help="for that checkpoint alone, not for its whole family")
        parser.add_argument("--name", required=True, help="what members read")
        parser.add_argument("--slug", help="its name in the API; made from --name otherwise")
        parser.add_argument("--licence", required=True, help="SPDX identifier of the weights' licence")
        parser.add_argument("--encoder", required=True, help="folder of its CLIP image encoder")

    def handle(self, *args: Any, **options: Any) -> None:
        checkpoint = Checkpoint.objects.filter(slug=options["checkpoint"], engine="diffusers").first()
        if checkpoint is None:
            raise CommandError(f"There is no checkpoint {options['checkpoint']}. Register it first.")
        # torch takes seconds to import; --help should not wait for it
        from generation.engines.add_ons import AddOnTerms, register_image_prompt
        from generation.engines.base import CheckpointError

        terms = AddOnTerms(
            slug=options["slug"] or slugify(options["name"]),
            name=options["name"],
            licence=options["licence"],
            checkpoint=checkpoint,
            is_for_family=not options["only"],
        )
        try:
            row, is_new = register_image_prompt(location=options["source"], encoder=options["encoder"], terms=terms)
        except CheckpointError as error:
            raise CommandError(str(error)) from error
        verb = "Registered" if is_new else "Updated"
        self.stdout.write(f"{verb} {row.name} ({row.slug}), sha256 {row.sha256[:12]}…")
