"""A site for `benchmarks.alignment`: pictures by the starter, and raters who all like light, through the services."""

import hashlib
import io
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import PIL.Image
from django.utils import timezone

from accounts.models import User
from feed.posts.services import publish_image
from feed.rates import unlimited
from generation.media.storage import training_jpeg
from generation.models import Checkpoint, Image
from generation.services import submit_generation
from ratings.asking.models import Ask, Policy
from ratings.asking.sampling import GOLD
from ratings.asking.services import answer_comparison, draw_comparison, mark_shown
from ratings.asking.tokens import token_for
from ratings.simulation import workers
from ratings.simulation.state import agree, simulated_user

ROOT = Path(__file__).resolve().parents[2]
MAKERS, STEPS = 8, 6
ERRS = 0.1  # how often a rater says the opposite of their preference
_light: dict[int, float] = {}


def open_site() -> None:
    """The starter, and a policy whose pairs differ in one setting or in the model."""
    from generation.engines.registration import register_starter

    register_starter()
    Policy.objects.filter(is_active=True).update(is_active=False)
    numbers = {"p_ask": {"result": 0.1, "post": 0.1}, "strategies": {"setting": 0.5, "model": 0.5}, "pool_size": 600}
    Policy.objects.create(version=9_000, parameters=numbers, is_active=True, activated_at=timezone.now())


def people(kind: str, count: int) -> list[User]:
    """Members who agreed to training and publication."""
    now = timezone.now()
    found = [simulated_user(f"{kind}-{n}", now) for n in range(count)]
    for user in found:
        agree(user, now)
    return found


def prompts(count: int) -> list[str]:
    """Different ones, in the words that the starter was trained on; longer lists begin with shorter ones."""
    from starter import captions

    rng = random.Random(2)  # the first with which sixteen prompts already reach `validation`, and more than once
    nouns, found = captions.read_nouns(captions.LISTED), dict[str, None]()
    while len(found) < count:
        tint, background = rng.choice(captions.TINTS), rng.choice(list(captions.COLOURS))
        found[captions.caption(captions.Scene((rng.choice(nouns),), tint=tint, background=background), rng)] = None
    return list(found)


def publish_pictures(
    makers: Sequence[User], checkpoint: Checkpoint, words: Sequence[str], guidance: float | None = None
) -> list[Image]:
    """A picture of each prompt, drawn and screened in this process, and published; the same seeds every time."""
    made = [
        submit_generation(
            author=makers[n % len(makers)],
            prompt=prompt,
            checkpoint=checkpoint.slug,
            count=1,
            seed=1_000 * n,
            steps=STEPS,
            guidance=guidance,
            idempotency_key=hashlib.sha256(f"{checkpoint.slug}-{guidance}-{prompt}".encode()).hexdigest(),
            confirm_doubtful=True,
        ).pk
        for n, prompt in enumerate(words)
    ]
    workers.generate_inline(made, lambda _n: None)
    images = list(Image.objects.filter(generation__in=made, state="ready").select_related("author").order_by("pk"))
    with unlimited():
        for image in images:
            publish_image(image=image, author=image.author)
    return images


def answer_pairs(raters: Sequence[User], votes: int, seed: int) -> Counter[str]:
    """Each rater answers up to `votes` pairs that Compare draws; {checkpoint: its wins against the other}."""
    rng, wins = random.Random(seed), Counter[str]()
    for rater in raters:
        start = timezone.now() - timedelta(seconds=2 * votes)
        for number in range(votes):
            at = start + timedelta(seconds=2 * number)  # within the rate limit of Compare
            ask = draw_comparison(rater=rater, at=at, rng=rng)
            if ask is None:
                break
            preferred = _answer(ask, rater, rng, at)
            if ask.strategy == "model":
                wins[preferred.generation.checkpoint.slug] += 1
    return wins


def _answer(ask: Ask, rater: User, rng: random.Random, at: datetime) -> Image:
    left, right = ask.left, ask.right
    assert left is not None
    assert right is not None
    liked = left if light_of(left) > light_of(right) else right
    if rng.random() < ERRS:
        liked = right if liked is left else left
    if ask.strategy == GOLD:  # nobody who looks can prefer the spoiled side
        liked = right if left.pk == ask.spoiled else left
    token = token_for(ask)
    mark_shown(token=token, rater=rater, at=at)
    outcome = "left" if liked is left else "right"
    answer_comparison(token=token, rater=rater, outcome=outcome, dwell_ms=rng.randint(3_000, 9_000), at=at)
    return liked


def light_of(image: Image) -> float:
    """The preference of these raters: the mean of all pixels, 0 to 255."""
    if image.pk not in _light:
        with PIL.Image.open(io.BytesIO(training_jpeg(image))) as opened:
            _light[image.pk] = float(np.asarray(opened.convert("L")).mean())
    return _light[image.pk]
