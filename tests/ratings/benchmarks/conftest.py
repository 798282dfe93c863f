"""Three checkpoints, and a benchmark that votes have decided."""

import pytest

from accounts.models import User
from generation.models import Checkpoint
from ratings.benchmarks.results import refresh_results
from ratings.models import Benchmark
from tests.conftest import MakeMember
from tests.generation.fixtures import MakeImage, checkpoint_row
from tests.ratings.benchmarks.example_benchmarks import generated, prompt_set, vote_on_all_pairs


@pytest.fixture
def three(db: None) -> list[Checkpoint]:
    return [checkpoint_row(slug, slug) for slug in ("best", "mean", "poor")]


@pytest.fixture
def decided(three: list[Checkpoint], alice: User, make_image: MakeImage, make_member: MakeMember) -> Benchmark:
    text = "prompt,category\n" + "".join(f"a fox {n},{'animals' if n % 2 else 'food'}\n" for n in range(6))
    prompt_set(text)
    benchmark = generated(three, alice, make_image, votes_a_pair=36)
    vote_on_all_pairs(benchmark, [make_member(f"rater{n}") for n in range(6)], 6)
    return refresh_results(benchmark=benchmark)
