"""Small benchmarks in every state, and votes on them."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Purpose, User
from accounts.services import record_consent
from generation.models import Checkpoint
from ratings.benchmarks.prompts import import_prompts
from ratings.benchmarks.services import open_voting, register_benchmark
from ratings.models import Ask, Benchmark, BenchmarkPicture, PromptSet
from tests.generation.fixtures import MakeImage
from tests.ratings.answers import vote

CSV = '\ufeffprompt,category\n"a fox, red",animals\na soup,food\n'


def prompt_set(text: str = CSV, form: str = "table", slug: str = "few") -> PromptSet:
    return import_prompts(slug=slug, name="A few", form=form, text=text, at=timezone.now())


def registered(models: list[Checkpoint], /, **changes: Any) -> Benchmark:
    fields: dict[str, Any] = {
        "slug": "trial",
        "title": "A trial",
        "prompt_set": PromptSet.objects.first() or prompt_set(),
        "checkpoints": [row.slug for row in models],
        "seeds": [7],
        "size": (48, 48),
        "votes_a_pair": 12,
        "closes_at": timezone.now() + timedelta(days=30),
    }
    return register_benchmark(**{**fields, **changes})


def generated(checkpoints: list[Checkpoint], author: User, make_image: MakeImage, **changes: Any) -> Benchmark:
    """A benchmark whose pictures are there, made by arithmetic, and open."""
    benchmark = registered(checkpoints, **changes)
    for picture in BenchmarkPicture.objects.filter(entry__benchmark=benchmark).select_related("prompt", "entry"):
        checkpoint = picture.entry.checkpoint
        image = make_image(author, prompt=picture.prompt.text, seed=picture.seed + checkpoint.pk, checkpoint=checkpoint)
        BenchmarkPicture.objects.filter(pk=picture.pk).update(image=image)
    assert open_voting(benchmark=benchmark)
    return Benchmark.objects.get(pk=benchmark.pk)


def agree(*raters: User, granted: bool = True) -> None:
    for rater in raters:
        record_consent(user=rater, purpose=Purpose.BENCHMARK, granted=granted)


def vote_on_all_pairs(benchmark: Benchmark, crowd: list[User], prompts: int) -> None:
    """Every member of `crowd` consents and answers every pair; mostly the earlier slug wins."""
    pictures = BenchmarkPicture.objects.filter(entry__benchmark=benchmark).select_related("image", "entry__checkpoint")
    by_prompt: dict[int, list[BenchmarkPicture]] = {}
    for picture in pictures.order_by("entry__checkpoint__slug"):
        by_prompt.setdefault(picture.prompt_id, []).append(picture)
    agree(*crowd)
    for number, row in enumerate(by_prompt.values()):
        for index, rater in enumerate(crowd):
            for a, b in ((0, 1), (0, 2), (1, 2)):
                better, worse = row[a].image, row[b].image
                assert better
                assert worse
                preferred = worse if (index + number + a) % 4 == 0 else better
                comparison = vote(rater, better, worse, preferred, swapped=bool((index + number) % 2))
                Ask.objects.filter(pk=comparison.ask_id).update(strategy="benchmark")
