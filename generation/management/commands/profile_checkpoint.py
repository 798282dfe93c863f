"""``manage.py profile_checkpoint SLUG``: measures how many pictures are best drawn at once on this device."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation.engines.base import CheckpointError, Job, OutOfMemory
from generation.models import Checkpoint
from generation.queue.capacity import best_batch, measure, store_cap
from generation.queue.jobs import source_of

PROMPT = "a cat on a red background"
STEPS = 4  # the steps of a picture are alike: a few tell


class Command(BaseCommand):
    help = (
        "Draws batches of 1, 2, 4 and 8 pictures of each size that a checkpoint offers, on the device of this machine,"
        " and keeps the smallest with at least 95 % of the best throughput. Run it while no worker draws."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--sizes", nargs="+", metavar="WxH", help="only these of its sizes")
        parser.add_argument("--steps", type=int, default=STEPS, help=f"of each picture ({STEPS} by default)")

    def handle(self, *args: Any, **options: Any) -> None:
        checkpoint = Checkpoint.objects.filter(slug=options["slug"]).first()
        if checkpoint is None:
            slugs = ", ".join(Checkpoint.objects.order_by("slug").values_list("slug", flat=True))
            raise CommandError(f"There is no checkpoint {options['slug']}. Registered are: {slugs or 'none'}.")
        if options["steps"] < 1:
            raise CommandError("--steps must be at least 1.")
        sizes = [(width, height) for width, height in checkpoint.sizes]
        wanted = options["sizes"] or [f"{width}x{height}" for width, height in sizes]
        if unknown := set(wanted) - {f"{width}x{height}" for width, height in sizes}:
            raise CommandError(f"{checkpoint.slug} does not offer {', '.join(sorted(unknown))}.")
        for width, height in sizes:
            if f"{width}x{height}" in wanted:
                self._profile(checkpoint, width, height, options["steps"])

    def _profile(self, checkpoint: Checkpoint, width: int, height: int, steps: int) -> None:
        from generation.engines.diffusers.loading import device_name  # torch

        try:
            measured = measure(lambda batch: _draw(checkpoint, width, height, steps, batch))
        except CheckpointError as error:
            raise CommandError(str(error)) from error
        if not measured:
            raise CommandError(f"One picture of {width} x {height} needs more memory than {device_name()} has.")
        for each in measured:
            self.stdout.write(f"{width} x {height}, {each.batch} at once: {each.images_per_second:.3g} a second")
        best = best_batch(measured)
        store_cap(checkpoint=checkpoint, device=device_name(), size=(width, height), best=best)
        self.stdout.write(f"{width} x {height} on {device_name()}: {best.batch} at once from now on.")


def _draw(checkpoint: Checkpoint, width: int, height: int, steps: int, batch: int) -> bool:
    """False where so many do not fit into memory."""
    from generation.engines.diffusers.drawing import draw  # torch

    job = Job(
        source=source_of(checkpoint),
        prompts=[PROMPT] * batch,
        negative_prompts=[""] * batch,
        seeds=list(range(batch)),
        width=width,
        height=height,
        steps=min(steps, checkpoint.max_steps),
        guidances=[checkpoint.default_guidance] * batch,
        scheduler=checkpoint.schedulers[0] if checkpoint.schedulers else "",
    )
    try:
        draw(job, on_step=lambda _step, _previews: None)
    except OutOfMemory:
        return False
    return True
