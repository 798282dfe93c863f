"""``manage.py register_checkpoint``: a folder or a hub id becomes a checkpoint that members can choose."""

from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import fields
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.text import slugify

from lib.text.regex import compile_linear

_SIZE = compile_linear("([0-9]{2,5})x([0-9]{2,5})")


def read_size(text: str) -> list[int]:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is not a size such as 1024x1024")
    return [int(match.group(1)), int(match.group(2))]


class Command(BaseCommand):
    help = (
        "Registers a checkpoint and draws a test picture with it: a diffusers folder or a .safetensors file under "
        "CHECKPOINTS_DIR, or a hub id with a pinned revision."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", nargs="?", help="a folder, a file, or a hub id such as owner/name")
        parser.add_argument("--starter", action="store_true", help="register the checkpoint that Salon ships")
        parser.add_argument("--revision", default="", help="the commit to pin (a hub id needs one)")
        parser.add_argument("--name", help="what members read")
        parser.add_argument("--slug", help="its name in addresses and the API; made from --name otherwise")
        parser.add_argument("--licence", help="SPDX identifier of the weights' licence")
        parser.add_argument("--sizes", nargs="+", type=read_size, help="allowed sizes, the default first: 1024x1024 …")
        parser.add_argument("--steps", type=int, help="steps unless a member says otherwise")
        parser.add_argument("--max-steps", type=int, default=50)
        parser.add_argument("--guidance", type=float)
        parser.add_argument(
            "--schedulers", nargs="+", default=(), help="samplers such as dpmpp_2m_k, the default first"
        )
        parser.add_argument("--family", default="", help="such as sdxl or flux-dev, where its files do not say")
        parser.add_argument("--min-memory-mb", type=int, default=0)
        parser.add_argument("--pool", default="default", help="the GPU workers that draw with it")
        parser.add_argument(
            "--outputs-may-train", action="store_true", help="the licence lets its pictures enter training datasets"
        )
        memory = parser.add_argument_group("memory and speed (left out: what suits the family and the device)")
        memory.add_argument("--dtype", default="", choices=("float32", "float16", "bfloat16"))
        memory.add_argument("--vae-dtype", default="", choices=("float32", "float16", "bfloat16"))
        memory.add_argument("--variant", default="", help="which of the files, such as fp16")
        memory.add_argument("--vae-tiling", action="store_true", help="decode in tiles: less memory for large pictures")
        memory.add_argument("--attention", default="", help="a backend of diffusers, such as flash")
        memory.add_argument(
            "--offload", default="", choices=("model", "sequential"), help="keep idle parts off the device"
        )
        memory.add_argument("--compile", action="store_true", help="compile the blocks that repeat")
        memory.add_argument("--config", default="", help="for a single file: a folder of the same architecture")

    def handle(self, *args: Any, **options: Any) -> None:
        # torch takes seconds to import; --help should not wait for it
        from generation.engines.base import CheckpointError, Source
        from generation.engines.registration import register_checkpoint, register_starter

        try:
            if options["starter"]:
                checkpoint, is_new = register_starter()
            else:
                source = Source(options["source"] or "", options["revision"])
                checkpoint, is_new = register_checkpoint(source=source, terms=self._terms(options))
        except CheckpointError as error:
            raise CommandError(str(error)) from error
        verb = "Registered" if is_new else "Updated"
        self.stdout.write(f"{verb} {checkpoint.name} ({checkpoint.slug}), sha256 {checkpoint.sha256[:12]}…")

    def _terms(self, options: dict[str, Any]) -> Any:
        from generation.engines.base import LoadOptions
        from generation.engines.registration import Terms

        missing = [flag for flag in ("source", "name", "licence") if not options[flag]]
        if missing:
            raise CommandError("Say also: " + ", ".join(f"--{flag}" if flag != "source" else flag for flag in missing))
        return Terms(
            slug=options["slug"] or slugify(options["name"]),
            name=options["name"],
            licence=options["licence"],
            outputs_may_train=options["outputs_may_train"],
            sizes=options["sizes"],
            steps=options["steps"],
            max_steps=options["max_steps"],
            guidance=options["guidance"],
            schedulers=options["schedulers"],
            min_memory_mb=options["min_memory_mb"],
            pool=options["pool"],
            family=options["family"],
            options=LoadOptions(
                **{each.name: options[each.name] for each in fields(LoadOptions) if each.name in options}
            ),
        )
