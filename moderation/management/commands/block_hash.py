"""Puts a picture on the operator's blocklist."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lib.errors import Refused
from moderation.hashes.models import BlockedHash
from moderation.hashes.services import block_hash
from moderation.targets import adapter_of, target_model


class Command(BaseCommand):
    help = "Puts a picture, by its PDQ hash or by the public id of an image here, on the operator's blocklist."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--pdq", metavar="HEX", help="a PDQ hash of 64 hexadecimal digits")
        which.add_argument("--image", metavar="PUBLIC_ID", help="an image of this site")
        parser.add_argument("--note", default="", help="where it comes from; kept with the hash")

    def handle(self, *args: Any, **options: Any) -> None:
        pdq = options["pdq"] or self._of_image(options["image"])
        try:
            row = block_hash(pdq=pdq, source=BlockedHash.Source.OPERATOR, note=options["note"])
        except Refused as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Blocked as number {row.pk}. Pictures like it are held from now on.")

    def _of_image(self, public_id: str) -> str:
        image = target_model("generation.image")._base_manager.filter(public_id=public_id).first()
        if image is None:
            raise CommandError(f"There is no image {public_id}.")
        pdq = adapter_of(image).pdq(image)
        if pdq is None:
            raise CommandError("That image has no hash that is good enough to recognise it by.")
        return pdq
