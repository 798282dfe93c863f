"""``manage.py use_image_encoder FOLDER``: compare pictures by an encoder such as CLIP or SigLIP from now on."""

import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from feed.search.embeddings import images, indexing
from feed.search.models import SearchEntry
from lib.errors import Refused


class Command(BaseCommand):
    help = "Compares pictures by the image encoder in FOLDER, as transformers saves it. May run while the site runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path, help="without it, the installed encoder continues")
        parser.add_argument("--none", action="store_true", help="compare by PDQ alone again")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["none"]:
            shutil.rmtree(images.folder(), ignore_errors=True)
            indexing.delete_image_embeddings()
            self.stdout.write("Pictures are now compared by PDQ.")
            return
        if options["folder"] is not None:
            from generation.engines.image_encoders import export_image_encoder  # torch takes seconds to import

            try:
                export_image_encoder(options["folder"].expanduser().resolve(), images.folder())
            except Refused as refusal:
                raise CommandError(refusal.message) from None
        if not images.is_available():
            raise CommandError("No image encoder is installed. Name the folder of one.")
        with tqdm(desc="Embedding", total=SearchEntry.objects.count(), unit=" pictures") as bar:
            while read := indexing.embed_images():
                bar.update(read)
        indexing.build_image_index()
        self.stdout.write(self.style.SUCCESS(f"Pictures are now compared by {images.encoder_name()}."))
