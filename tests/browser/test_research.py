"""Research and the benchmark as a browser shows them: three widths, both themes, nothing for axe to find."""

from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import User
from feed.models import Post, PostTag, Tag
from feed.posts.services import publish_image
from generation.models import Image
from ratings.benchmarks.prompts import import_prompts
from ratings.benchmarks.results import refresh_results
from ratings.benchmarks.services import open_voting, register_benchmark
from ratings.models import Ask, Benchmark, BenchmarkPicture, BenchmarkScore
from ratings.quality.post_aspects import refresh_aspects
from ratings.research import reports
from tests.browser.test_frame import axe_rules, overflow
from tests.conftest import MakeMember, Person
from tests.generation.fixtures import MakeImage, checkpoint_row
from tests.ratings.answers import leave_unanswered, rate, vote
from tests.ratings.releases.community import community, make_pair
from tests.ratings.releases.folders import build

__all__ = ["community", "make_pair"]  # fixtures
WIDTHS = (390, 820, 1440)
MODELS = ("aurora", "basalt", "cinder")
QUESTIONS = ("lighting", "artefacts", "overall")
PROMPTS = 5
CATEGORIES = ("animals", "food")


@pytest.fixture
def crowd(make_member: MakeMember) -> list[User]:
    return [make_member(f"rater{number}") for number in range(6)]


@pytest.fixture
def answered_pairs(alice: User, make_image: MakeImage, crowd: list[User]) -> None:
    """Pictures of three models, rated over three weeks and compared."""
    now = timezone.now()
    tag = Tag.objects.create(name="foxes")
    for number in range(PROMPTS):
        images = [_published(alice, make_image, model, number) for model in MODELS]
        PostTag.objects.create(post=Post.objects.get(image=images[0]), tag=tag)
        for place, rater in enumerate(crowd):
            for rank, image in enumerate(images):
                question = QUESTIONS[(place + number) % 3]
                value = max(1, 5 - rank - (place + number) % 2 - 2 * (question == "artefacts"))
                rate(rater, image, value, question=question, at=now - timedelta(days=7 * (number % 3)))
            _compare(rater, images, place + number)
        refresh_aspects(images=[image.pk for image in images])
    leave_unanswered(crowd[0], images[0])
    for days in (7, 30):
        reports.compute_snapshot(days=days)


def _published(author: User, make_image: MakeImage, model: str, number: int) -> Image:
    image = make_image(author, prompt=f"a fox, study {number}", seed=number, checkpoint=checkpoint_row(model, model))
    publish_image(image=image, author=author)
    return image


def _compare(rater: User, images: list[Image], turn: int, strategy: str = "model") -> None:
    for better, worse in combinations(images, 2):
        comparison = vote(rater, better, worse, worse if turn % 3 == 0 else better, swapped=bool(turn % 2))
        Ask.objects.filter(pk=comparison.ask_id).update(strategy=strategy)


@pytest.fixture
def benchmark(alice: User, make_image: MakeImage, crowd: list[User]) -> Benchmark:
    text = "prompt,category\n" + "".join(f"a still life {n},{CATEGORIES[n % 2]}\n" for n in range(2 * PROMPTS))
    made = register_benchmark(
        slug="few",
        title="A few still lifes",
        prompt_set=import_prompts(slug="few", name="Still lifes", form="table", text=text, at=timezone.now()),
        checkpoints=[checkpoint_row(model, model).slug for model in MODELS],
        seeds=[1],
        size=(48, 48),
        votes_a_pair=500,
        closes_at=timezone.now() + timedelta(days=30),
    )
    pictures = BenchmarkPicture.objects.select_related("prompt", "entry__checkpoint").order_by("entry")
    for picture in pictures:
        picture.image = make_image(alice, prompt=picture.prompt.text, checkpoint=picture.entry.checkpoint)
        picture.save()
    open_voting(benchmark=made)
    for turn, prompt in enumerate(made.prompt_set.prompts.order_by("number")):
        row = [picture.image for picture in pictures.filter(prompt=prompt) if picture.image]
        for place, rater in enumerate(crowd):
            _compare(rater, row, turn + place, "benchmark")
    for entry in made.entries.all():
        BenchmarkScore.objects.create(
            entry=entry, metric="fid", value=31.2, pictures=10, extractor="colours", computed_at=timezone.now()
        )
    return refresh_results(benchmark=made)


def flaws(page: Page, path: str) -> list[str]:
    """What is wrong with the page at `path`: its status, and what `flaws_here` finds."""
    answer = page.goto(path)
    found = [] if answer and answer.status == 200 else [f"{path}: {answer and answer.status}"]
    return found + flaws_here(page, path)


def flaws_here(page: Page, name: str) -> list[str]:
    """Sideways scroll at any width, and what axe finds on a phone and a desk."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if (wide := overflow(page)) > 0:
            found.append(f"{name}: {wide} px too wide at {width}")
        if width != WIDTHS[1]:
            found += [f"{name}: {rule['id']} at {width}" for rule in axe_rules(page)]
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_dashboards_and_benchmark_fit_three_widths_and_axe_finds_nothing(
    theme: str, person: Person, rita: User, answered_pairs: None, benchmark: Benchmark
) -> None:
    page = person(rita, color_scheme=theme, reduced_motion="reduce").new_page()
    paths = [reverse(f"ratings:{name}") for name in ("research", "research-aspects", "research-models")]
    paths += [reverse("ratings:research-aspects") + "?by=checkpoint", reverse("ratings:research-responses")]
    paths += [reverse("ratings:research-comparison", args=["aurora", "cinder"])]
    paths += [reverse("ratings:benchmark-list"), reverse("ratings:benchmark-detail", args=["few"])]
    assert [flaw for path in paths for flaw in flaws(page, path)] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_release_pages_fit_three_widths_and_axe_finds_nothing(
    theme: str, person: Person, rita: User, community: Any
) -> None:
    release = build(None)
    page = person(rita, color_scheme=theme, reduced_motion="reduce").new_page()
    paths = [reverse("ratings:release-list"), reverse("ratings:release-new")]
    paths.append(reverse("ratings:release-detail", args=[release.public_id]))
    found = [flaw for path in paths for flaw in flaws(page, path)]
    page.goto(reverse("ratings:release-new"))
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("heading", name="What the release would contain").wait_for()
    assert found + flaws_here(page, "the preview") == []
