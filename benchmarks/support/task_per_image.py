"""What most sites do: one Celery task per image. `celery -A benchmarks.support.task_per_image worker -c 1`."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import redis
from celery import Celery

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
BROKER = os.environ.get("PER_TASK_BROKER", "redis://127.0.0.1:6379/1")
DONE = "task-per-image:done"
app = Celery("task_per_image", broker=BROKER, set_as_current=False)
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=1, worker_proc_alive_timeout=300)


def load(folder: str) -> Any:
    """The pipeline of a folder as its documentation loads it."""
    import diffusers
    import torch

    is_cuda = torch.cuda.is_available()
    diffusers.utils.logging.set_verbosity_error()
    pipeline = diffusers.DiffusionPipeline.from_pretrained(
        folder, dtype=torch.float16 if is_cuda else torch.float32, safety_checker=None
    ).to("cuda" if is_cuda else "cpu")
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


_pipeline = cache(load)


def draw(pipeline: Any, *, prompts: list[str], seeds: list[int], size: list[int], steps: int, guidance: float) -> Any:
    """The pictures of one plain call."""
    import torch

    return pipeline(
        prompt=prompts,
        width=size[0],
        height=size[1],
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds],
    ).images


@app.task(name="task_per_image.make")
def make(folder: str, prompt: str, seed: int, size: list[int], steps: int, guidance: float, out: str) -> None:
    """Draws one picture, stores it as PNG, and counts it."""
    made = draw(_pipeline(folder), prompts=[prompt], seeds=[seed], size=size, steps=steps, guidance=guidance)
    made[0].save(Path(out) / f"{seed}.png")
    with redis.Redis.from_url(BROKER) as client:
        client.incr(DONE)
