"""``manage.py register_controlnet``: a network that makes pictures follow another one."""

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

from generation.management.add_on import AddOn, AddOnCommand

if TYPE_CHECKING:
    from generation.engines.add_ons import AddOnTerms


class Command(AddOnCommand):
    help = (
        "Registers a ControlNet: a diffusers folder under CHECKPOINTS_DIR, or a hub id with --revision. It draws a "
        "test picture, which must differ from the one without."
    )
    source_help = "a folder, or a hub id"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--revision", default="", help="pinned commit, for a hub id")

    def register(self, terms: "AddOnTerms", options: dict[str, Any]) -> tuple[AddOn, bool]:
        from generation.engines.add_ons import register_controlnet

        return register_controlnet(location=options["source"], revision=options["revision"], terms=terms)
