"""A language model for `PROMPT_EXPANDER`: any server with the OpenAI chat API, such as vLLM, llama.cpp or Ollama.

Its address and the model's name are PROMPT_MODEL, as ``http://host/v1#name``; it is sent the prompt and published ones.
"""

import json
from collections.abc import Sequence

import urllib3
from django.conf import settings

SECONDS = 20.0
MOST_BYTES = 200_000  # of an answer
_ASK = (
    "You help people to write prompts for a text-to-image model. Answer with one richer prompt for the same picture, "
    "under 80 words, and nothing else. Keep every word of the person's own prompt. These are prompts that others "
    "published:\n"
)


def expand(prompt: str, examples: Sequence[str]) -> str:
    """The model's proposal; raises urllib3's errors, ValueError and LookupError where the server answers none."""
    said = [
        {"role": "system", "content": _ASK + "\n".join(f"- {each}" for each in examples)},
        {"role": "user", "content": prompt},
    ]
    address, _mark, model = settings.PROMPT_MODEL.partition("#")
    response = urllib3.request(
        "POST", f"{address.rstrip('/')}/chat/completions", redirect=False, retries=False, preload_content=False,
        timeout=SECONDS, json={"model": model, "messages": said, "max_tokens": 300},
    )  # fmt: skip
    data = response.read(MOST_BYTES)
    response.release_conn()
    if response.status != 200:
        raise ValueError(f"{address} answers {response.status}.")
    return str(json.loads(data)["choices"][0]["message"]["content"]).strip().strip('"')
