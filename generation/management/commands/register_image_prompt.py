"""``manage.py register_image_prompt``: an IP-Adapter, through which mood boards are looked at."""

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

from generation.management.add_on import AddOn, AddOnCommand

if TYPE_CHECKING:
    from generation.engines.add_ons import AddOnTerms


class Command(AddOnCommand):
    help = (
        "Registers an IP-Adapter: a .safetensors file under CHECKPOINTS_DIR, with the folder of its image encoder. It "
        "draws a test picture, which must differ from the one without."
    )
    source_help = "a .safetensors file"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--encoder", required=True, help="folder of its CLIP image encoder")

    def register(self, terms: "AddOnTerms", options: dict[str, Any]) -> tuple[AddOn, bool]:
        from generation.engines.add_ons import register_image_prompt

        return register_image_prompt(location=options["source"], encoder=options["encoder"], terms=terms)
