"""``manage.py register_server``: an external server with the OpenAI images API becomes a checkpoint."""

from argparse import ArgumentParser
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.text import slugify

from generation.engines.base import CheckpointError, Job, LoadOptions, NotSupported, ServerAway, Source
from generation.engines.openai_images import OpenAIImages
from generation.management.commands.register_checkpoint import read_size
from generation.models import BatchCap, Checkpoint


class Command(BaseCommand):
    help = (
        "Registers a server that speaks the OpenAI images API (vLLM-Omni, SGLang-Diffusion, …) and draws a test "
        "picture. Give it a pool of its own: the worker of that pool needs no GPU."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", help="such as http://10.0.0.5:8000/v1")
        parser.add_argument("--model", default="", help="its name at the server")
        parser.add_argument("--name", required=True, help="what members read")
        parser.add_argument("--slug", help="its name in addresses and the API; made from --name otherwise")
        parser.add_argument("--licence", required=True, help="SPDX identifier of the weights' licence")
        parser.add_argument("--sizes", nargs="+", type=read_size, default=[[1024, 1024]], help="the default first")
        parser.add_argument("--steps", type=int, default=25)
        parser.add_argument("--max-steps", type=int, default=50)
        parser.add_argument("--guidance", type=float, default=5.0)
        parser.add_argument("--in-flight", type=int, default=8, help="requests at once, so that its batcher is full")
        parser.add_argument("--key-variable", default="", help="the worker's environment variable that holds its key")
        parser.add_argument("--pool", default="external", help="the workers that drive it")
        parser.add_argument("--outputs-may-train", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        limits = LoadOptions(
            model=options["model"], in_flight=options["in_flight"], key_variable=options["key_variable"]
        )
        if Checkpoint.objects.filter(pool=options["pool"]).exclude(engine=OpenAIImages.name).exists():
            raise CommandError(f"The pool {options['pool']} draws on GPUs. Choose another --pool for a server.")
        source = Source(options["address"], family="external", options=limits)
        width, height = options["sizes"][0]
        job = Job(source, ["a red fox in the snow"], [""], [0], width, height, 2, [options["guidance"]])
        try:
            OpenAIImages().load(source)
            (picture,) = OpenAIImages().draw(job, on_step=lambda _step, _previews: None)
        except (CheckpointError, NotSupported, ServerAway) as error:
            raise CommandError(str(error)) from error
        if float(np.asarray(picture).std()) == 0.0:
            raise CommandError("The test picture is one flat colour.")
        values = {
            "name": options["name"], "source": options["address"], "licence": options["licence"],
            "engine": OpenAIImages.name, "family": "external", "pipeline_class": "", "token_limit": None,
            "options": limits.said(),
            "sizes": options["sizes"], "default_steps": options["steps"],
            "max_steps": max(options["steps"], options["max_steps"]), "default_guidance": options["guidance"],
            "schedulers": [], "pool": options["pool"], "outputs_may_train": options["outputs_may_train"],
            "is_enabled": True,
        }  # fmt: skip
        row, is_new = Checkpoint.objects.update_or_create(
            slug=options["slug"] or slugify(options["name"]), defaults=values
        )
        for width, height in row.sizes:
            values = {"cap": limits.in_flight, "updated_at": timezone.now()}
            BatchCap.objects.update_or_create(
                checkpoint=row, device=OpenAIImages.device, width=width, height=height, defaults=values
            )
        self.stdout.write(f"{'Registered' if is_new else 'Updated'} {row.name} ({row.slug}), pool {row.pool}")
