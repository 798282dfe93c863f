"""The openai_images engine: pictures drawn by an external server that speaks the OpenAI images API.

vLLM-Omni, SGLang-Diffusion and their kind batch the requests that are in flight, so as many are sent at once as the
operator says. Such a server tells no steps, and whether equal seeds give equal pictures is its own affair. No torch.
"""

import base64
import json
import os
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import cache
from importlib.metadata import version
from typing import Any

import PIL.Image
import urllib3
from django.conf import settings
from django.core.files.base import ContentFile

from generation.catalogue.kinds import Kind
from generation.engines.base import CheckpointError, Job, NotSupported, ServerAway, Source, StepCallback
from lib.errors import Refused
from lib.images import open_picture

CONNECT_SECONDS = 5.0
LOOK_SECONDS = 1.0  # between two calls of `on_step`, which may raise to stop
MOST_BYTES = 200_000_000  # of one answer
_ONCE = urllib3.Retry(0)  # the queue tries again, not the client


class OpenAIImages:
    """One request per picture, `in_flight` at a time."""

    name = "openai_images"
    device = "server"
    pads = False

    def load(self, source: Source) -> None:
        """Asks for the models of the server.

        Raises:
            ServerAway: it does not answer.
            CheckpointError: it lacks the model that is named.
        """
        answer = _request("GET", source, "/models")
        names = [each.get("id") for each in answer.get("data", []) if isinstance(each, dict)]
        if source.options.model and names and source.options.model not in names:
            raise CheckpointError(f"The server {source.location} has no model {source.options.model}, but {names}.")

    def draw(self, job: Job, *, on_step: StepCallback, pad_to: int = 0) -> list[PIL.Image.Image]:
        """One RGB picture per prompt. `on_step(0, …)` is called every second: the server tells no steps.

        Raises:
            ServerAway: it does not answer, or is too busy.
            NotSupported: it refuses the request, or draws another size.
        """
        if job.kind != Kind.TEXT2IMG:
            raise NotSupported("This server draws from words alone.")
        executor = ThreadPoolExecutor(max(1, job.source.options.in_flight), "images-api")
        waiting = [executor.submit(_draw_one, job, number) for number in range(len(job.prompts))]
        try:
            unfinished = set(waiting)
            while unfinished:
                done, unfinished = wait(unfinished, timeout=LOOK_SECONDS, return_when=FIRST_EXCEPTION)
                for each in done:
                    each.result()
                on_step(0, list)
            return [each.result() for each in waiting]
        finally:
            executor.shutdown(wait=False, cancel_futures=True)

    def versions(self) -> dict[str, str]:
        return {"engine": self.name, "urllib3": version("urllib3")}


def _draw_one(job: Job, number: int) -> PIL.Image.Image:
    wanted: dict[str, Any] = {
        "prompt": job.prompts[number],
        "n": 1,
        "size": f"{job.width}x{job.height}",
        "response_format": "b64_json",
        "seed": job.seeds[number],
        "num_inference_steps": job.steps,
        "guidance_scale": job.guidances[number],
    }
    if job.source.options.model:
        wanted["model"] = job.source.options.model
    if job.negative_prompts[number]:
        wanted["negative_prompt"] = job.negative_prompts[number]
    answer = _request("POST", job.source, "/images/generations", wanted)
    picture = _picture(answer)
    if picture.size != (job.width, job.height):
        drawn = f"{picture.width} × {picture.height}"
        raise NotSupported(f"The server drew {drawn} pixels instead of {job.width} × {job.height}.")
    return picture


def _request(method: str, source: Source, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The JSON that the server answers."""
    key = os.environ.get(source.options.key_variable, "") if source.options.key_variable else ""
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    address = source.location.rstrip("/") + path
    try:
        response = _client().request(
            method, address, json=body, headers=headers, retries=_ONCE, redirect=False, preload_content=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=settings.BATCH_SECONDS),
        )  # fmt: skip
        data = response.read(MOST_BYTES)
        response.release_conn()
    except urllib3.exceptions.HTTPError as error:
        raise ServerAway(f"{address}: {type(error).__name__}") from error
    if response.status >= 500 or response.status in (408, 409, 425, 429):
        raise ServerAway(f"{address} answers {response.status}.")
    answer = _json(data)
    if response.status in (401, 403, 404):
        raise CheckpointError(f"{address} answers {response.status}: {_message(answer)}")
    if response.status >= 400:
        raise NotSupported(f"The server refuses this request: {_message(answer)}")
    return answer


def _json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _message(answer: dict[str, Any]) -> str:
    error = answer.get("error", answer)
    text = error.get("message", "") if isinstance(error, dict) else str(error)
    return " ".join(str(text).split())[:200] or "it gives no reason."


def _picture(answer: dict[str, Any]) -> PIL.Image.Image:
    try:
        data = base64.b64decode(answer["data"][0]["b64_json"], validate=True)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ServerAway("The server answered something that is no picture.") from error
    try:
        return open_picture(ContentFile(data))
    except Refused as refusal:
        if refusal.code in ("too_large", "too_many_pixels"):
            raise NotSupported("The server answered a picture that is far too large.") from refusal
        raise ServerAway("The server answered something that is no picture.") from refusal


@cache
def _client() -> urllib3.PoolManager:
    return urllib3.PoolManager(num_pools=8, maxsize=64)
