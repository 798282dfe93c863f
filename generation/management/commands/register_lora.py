"""``manage.py register_lora``: small weights beside those of a checkpoint, which members can choose or name."""

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

from generation.management.add_on import AddOn, AddOnCommand

if TYPE_CHECKING:
    from generation.engines.add_ons import AddOnTerms


class Command(AddOnCommand):
    help = (
        "Registers a LoRA (peft, kohya or diffusers), or with --textual-inversion an embedding: a .safetensors file "
        "under CHECKPOINTS_DIR. It draws a test picture, which must differ from the one without."
    )
    source_help = "a .safetensors file, or a folder with one"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--trigger-words", nargs="+", default=(), help="words that its pictures were described with"
        )
        parser.add_argument("--textual-inversion", action="store_true", help="it is an embedding; --slug is its word")

    def register(self, terms: "AddOnTerms", options: dict[str, Any]) -> tuple[AddOn, bool]:
        from generation.engines.add_ons import register_lora, register_textual_inversion

        register = register_textual_inversion if options["textual_inversion"] else register_lora
        return register(location=options["source"], terms=terms)
