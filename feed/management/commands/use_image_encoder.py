"""``manage.py use_image_encoder FOLDER``: looks are compared by an encoder such as CLIP or SigLIP from then on."""

import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from feed.search import image_embeddings
from feed.search.models import SearchEntry
from lib.errors import Refused


class Command(BaseCommand):
    help = "Compares looks by the image encoder in FOLDER, as transformers saves it; may be run again, beside the site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path, help="without it, the encoder in use goes on reading")
        parser.add_argument("--none", action="store_true", help="compare by PDQ alone again")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["none"]:
            shutil.rmtree(image_embeddings.folder(), ignore_errors=True)
            image_embeddings.forget_readings()
            self.stdout.write("Looks are compared by PDQ.")
            return
        if options["folder"] is not None:
            from generation.engines.image_encoders import export_image_encoder  # torch takes seconds; --help should not

            try:
                export_image_encoder(options["folder"].expanduser().resolve(), image_embeddings.folder())
            except Refused as refusal:
                raise CommandError(refusal.message) from None
        if not image_embeddings.is_available():
            raise CommandError("There is no image encoder yet. Name the folder of one.")
        with tqdm(desc="Reading", total=SearchEntry.objects.count(), unit=" pictures") as bar:
            while read := image_embeddings.read_pictures():
                bar.update(read)
        image_embeddings.index_readings()
        self.stdout.write(self.style.SUCCESS(f"Looks are compared by {image_embeddings.encoder_name()}."))
