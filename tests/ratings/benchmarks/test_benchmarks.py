"""The benchmark: prompts as they are published, a protocol that stands, blind votes, and a page with all of it."""

import io
import json
import random
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from feed.members.services import block_member, unblock_member
from generation.models import Checkpoint, Image
from lib.errors import Refused
from ratings.asking.pools import comparison_pools
from ratings.asking.sampling import Parameters
from ratings.asking.services import answer_comparison, draw_comparison
from ratings.asking.tokens import token_for
from ratings.benchmarks.bundle import bundle
from ratings.benchmarks.pairs import benchmark_pairs
from ratings.benchmarks.prompts import hash_of, prompts_of, read_prompts, to_lines
from ratings.benchmarks.results import refresh_results
from ratings.models import Ask, Benchmark, BenchmarkPicture, BenchmarkScore, Policy, PromptSet, QualityFlag
from ratings.quality.models import RULES_VERSION
from tests.conftest import As, MakeMember
from tests.generation.fixtures import MakeImage, checkpoint_row
from tests.ratings.answers import vote
from tests.ratings.benchmarks.example_benchmarks import CSV, agree, generated, prompt_set, registered, vote_on_all_pairs
from tests.ratings.conftest import MakePolicy


def test_a_prompt_set_is_frozen_and_known_by_its_hash(db: None) -> None:
    made = prompt_set()
    assert made.sha256 == hash_of(prompts_of(made)) == hash_of(read_prompts(CSV, "table"))
    assert prompt_set(to_lines(prompts_of(made)), slug="another-name") == made
    with pytest.raises(Refused, match="never changed"):
        prompt_set("prompt\na cat\n")


def test_a_protocol_stands_once_it_is_registered(three: list[Checkpoint]) -> None:
    benchmark = registered(three)
    assert benchmark.state == Benchmark.State.GENERATING
    assert BenchmarkPicture.objects.count() == 2 * 3
    assert registered(list(reversed(three))) == benchmark  # registered again
    assert benchmark.protocol["stopping"] == {"votes_a_pair": 12, "closes_at": benchmark.closes_at.isoformat()}
    later = registered(three, closes_at=timezone.now() + timedelta(days=90))
    assert (later, later.closes_at, later.protocol) == (benchmark, benchmark.closes_at, benchmark.protocol)
    Benchmark.objects.update(protocol={**benchmark.protocol, "stopping": {"votes_a_pair": 12}})  # by an earlier version
    assert registered(three) == benchmark
    two = ["best", "mean"]
    changes: list[dict[str, Any]] = [{"votes_a_pair": 13}, {"seeds": [8]}, {"checkpoints": two}, {"size": (64, 64)}]
    for change in changes:
        with pytest.raises(Refused, match="another protocol"):
            registered(three, **change)
    now = timezone.now()
    wrong: list[dict[str, Any]] = [{"checkpoints": ["best"]}, {"seeds": []}, {"votes_a_pair": 0}, {"closes_at": now}]
    for change in wrong:
        with pytest.raises(Refused):
            registered(three, slug="other", **change)
    with pytest.raises(Refused, match="nobody"):
        registered(three, slug="other", checkpoints=["best", "nobody"])


def test_the_command_has_pictures_made_by_generation_and_opens_voting(
    tiny_checkpoint: Checkpoint, tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = checkpoint_row("tiny-two", str(tiny_folder))
    file = tmp_path / "prompts.csv"
    file.write_text("prompt,category\na fox,animals\nchild porn,people\n")
    call_command("import_prompts", str(file), "--slug", "few")
    assert PromptSet.objects.get().sha256 in capsys.readouterr().out
    arguments = ["few", "--checkpoints", "tiny", "tiny-two", "--seeds", "3", "--size", "32x32", "--inline"]
    for _ in range(2):  # the second time there is nothing left to do
        call_command("run_benchmark", *arguments)
    benchmark = Benchmark.objects.get()
    assert benchmark.state == Benchmark.State.VOTING
    made = BenchmarkPicture.objects.filter(image__isnull=False)
    assert {row.entry.checkpoint for row in made.select_related("entry__checkpoint")} == {tiny_checkpoint, other}
    assert {(image.seed, image.is_public, image.author.username) for image in Image.objects.all()} == {
        (3, True, "benchmark")
    }
    refused = BenchmarkPicture.objects.filter(image=None)
    assert len(refused) == 2
    assert all(row.failure for row in refused)
    with pytest.raises(CommandError, match="another protocol"):
        call_command("run_benchmark", *arguments, "--votes", "5")
    with pytest.raises(CommandError, match="No prompt set"):
        call_command("run_benchmark", "many", "--checkpoints", "tiny", "tiny-two")


def test_a_member_compares_pairs_of_an_open_benchmark_blind_and_each_once(
    three: list[Checkpoint], alice: User, bob: User, make_image: MakeImage, make_policy: MakePolicy
) -> None:
    agree(bob)
    make_policy(strategies={"benchmark": 1.0})
    benchmark = generated(three, alice, make_image)
    seen = set()
    for _ in range(6):
        ask = draw_comparison(rater=bob, rng=random.Random(1))
        assert ask is not None
        assert ask.strategy == "benchmark"
        prompts = {image.generation.prompt for image in (ask.left, ask.right) if image}
        assert len(prompts) == 1
        seen.add((ask.image_low_id, ask.image_high_id))
        answer_comparison(token=token_for(ask), rater=bob, outcome="left")
    assert len(seen) == 6
    assert draw_comparison(rater=bob) is None
    assert refresh_results(benchmark=benchmark).results["votes"] == 6
    pools = comparison_pools(bob, Parameters.from_json(Policy.objects.current().parameters), timezone.now())
    assert not any(pools[name] for name in ("model", "seed", "setting", "prompt"))  # no list but the benchmark's own


def test_pairs_end_with_voting_and_deleted_pictures_leave_them(
    three: list[Checkpoint], alice: User, bob: User, make_image: MakeImage
) -> None:
    agree(bob)
    benchmark = generated(three, alice, make_image)
    now = timezone.now()
    assert len(benchmark_pairs(bob, limit=50, at=now)) == 6
    assert len(benchmark_pairs(bob, limit=2, at=now)) == 2
    for one, other in ((alice, bob), (bob, alice)):
        block_member(member=one, blocked=other)
        assert benchmark_pairs(bob, limit=50, at=now) == []
        unblock_member(member=one, blocked=other)
    gone = Image.objects.filter(benchmark_picture__entry__checkpoint=three[0]).values("pk")
    Image.objects.filter(pk__in=gone).update(is_public=False)
    assert len(benchmark_pairs(bob, limit=50, at=now)) == 2
    assert benchmark_pairs(bob, limit=50, at=benchmark.closes_at) == []


def test_two_open_benchmarks_share_what_is_drawn_from_and_one_fills_what_the_other_lacks(
    three: list[Checkpoint], alice: User, bob: User, make_image: MakeImage
) -> None:
    agree(bob)
    small = generated(three, alice, make_image)
    prompt_set("prompt\n" + "".join(f"a fox {n}\n" for n in range(4)), slug="more")
    large = generated(three, alice, make_image, slug="second", prompt_set=PromptSet.objects.get(slug="more"))

    def offered(limit: int) -> dict[int, int]:
        lows = [low for low, _high in benchmark_pairs(bob, limit=limit, at=timezone.now())]
        rows = BenchmarkPicture.objects.filter(image__in=lows).values_list("image", "entry__benchmark")
        of = [dict(rows)[low] for low in lows]
        return {benchmark.pk: of.count(benchmark.pk) for benchmark in (small, large)}

    assert offered(4) == {small.pk: 2, large.pk: 2}
    assert offered(16) == {small.pk: 6, large.pk: 10}
    assert offered(50) == {small.pk: 6, large.pk: 12}


def test_results_have_every_model_with_intervals_and_the_registered_number_of_votes_ends_them(
    decided: Benchmark, bob: User
) -> None:
    agree(bob)
    assert decided.state == Benchmark.State.CLOSED
    results = decided.results
    assert (results["votes"], results["raters"]) == (6 * 6 * 3, 6)
    assert [row["model"] for row in results["board"]["rows"]] == ["best", "mean", "poor"]
    assert all(row["low"] < row["odds"] < row["high"] for row in results["board"]["rows"])
    assert [row["category"] for row in results["categories"]] == ["animals", "food"]
    won = {row["model"]: row["share"] for row in results["categories"][0]["rows"]}
    assert sum(won.values()) == pytest.approx(1.5)
    assert results["progress"] == {"have": 108, "wanted": 108}
    assert benchmark_pairs(bob, limit=5, at=timezone.now()) == []
    again = refresh_results(benchmark=decided)
    assert again.results_at == decided.results_at  # closed is closed


def test_a_vote_with_a_flag_decides_no_benchmark_and_the_page_says_so(
    three: list[Checkpoint], alice: User, make_image: MakeImage, make_member: MakeMember, as_user: As
) -> None:
    prompt_set("prompt\na fox\na cat\n")
    benchmark = generated(three, alice, make_image, votes_a_pair=4)
    vote_on_all_pairs(benchmark, [make_member("one"), make_member("two")], 2)
    bad = Ask.objects.filter(rater__username="one").order_by("pk")[0]
    QualityFlag.objects.create(version=RULES_VERSION, ask=bad, flag="too_fast", raised_at=timezone.now())
    found = refresh_results(benchmark=benchmark)
    assert (found.results["votes"], found.results["left_out"]) == (11, 1)
    assert found.state == Benchmark.State.VOTING  # one pair of models lacks the vote that does not count
    page = as_user(None).get(reverse("ratings:benchmark-detail", args=[benchmark.slug])).content.decode()
    assert "1 vote with a quality flag is left out" in page


def test_only_members_who_agree_are_shown_pairs_and_an_answer_counts_as_long_as_they_do(
    three: list[Checkpoint], alice: User, make_image: MakeImage, make_member: MakeMember, as_user: As
) -> None:
    prompt_set("prompt\na fox\na cat\n")
    benchmark = generated(three, alice, make_image, votes_a_pair=4)
    one, two, shy = (make_member(name) for name in ("one", "two", "shy"))
    vote_on_all_pairs(benchmark, [one, two], 2)
    path = reverse("ratings:benchmark-detail", args=[benchmark.slug])
    agree(one, granted=False)
    flagged = Ask.objects.filter(rater=one).order_by("pk")[0]  # left out once, under the first reason that holds
    QualityFlag.objects.create(version=RULES_VERSION, ask=flagged, flag="too_fast", raised_at=timezone.now())
    found = refresh_results(benchmark=benchmark)
    assert [found.results[name] for name in ("votes", "raters", "left_out", "withdrawn")] == [6, 1, 0, 5]
    assert found.state == Benchmark.State.VOTING
    assert "5 votes are left out because the members withdrew" in as_user(None).get(path).content.decode()
    now = timezone.now()
    assert [len(benchmark_pairs(member, limit=9, at=now)) for member in (one, shy)] == [0, 0]
    assert "agree to public benchmarks first" in as_user(shy).get(path).content.decode()
    agree(shy)
    assert len(benchmark_pairs(shy, limit=9, at=now)) == 6
    assert "once you agree" not in as_user(shy).get(path).content.decode()
    agree(one)
    QualityFlag.objects.all().delete()
    closed = refresh_results(benchmark=benchmark)
    assert (closed.state, closed.results["votes"]) == (Benchmark.State.CLOSED, 12)
    agree(one, granted=False)
    assert refresh_results(benchmark=benchmark).results["votes"] == 12  # published is published


def test_a_benchmark_stops_on_its_day_and_pairs_with_their_votes_are_not_drawn_again(
    three: list[Checkpoint], alice: User, bob: User, make_image: MakeImage, make_member: MakeMember
) -> None:
    benchmark = generated(three, alice, make_image, votes_a_pair=3)
    best, mean = (
        BenchmarkPicture.objects.get(entry__checkpoint=row, prompt__number=0).image for row in (three[0], three[1])
    )
    assert best
    assert mean
    voters = [make_member(f"voter{number}") for number in range(3)]
    agree(bob, *voters)
    for number, voter in enumerate(voters):
        comparison = vote(voter, best, mean, "both_bad" if number else best)
        Ask.objects.filter(pk=comparison.ask_id).update(strategy="benchmark")
    benchmark = refresh_results(benchmark=benchmark)
    assert benchmark.state == Benchmark.State.VOTING
    assert benchmark.results["decided"] == [f"{three[0].pk}:{three[1].pk}"]
    assert len(benchmark_pairs(bob, limit=50, at=timezone.now())) == 4
    assert refresh_results(benchmark=benchmark, at=benchmark.closes_at).state == Benchmark.State.CLOSED


def test_the_page_is_for_everybody_and_shows_protocol_models_intervals_and_what_fid_cannot_tell(
    decided: Benchmark, as_user: As, django_assert_max_num_queries: Any
) -> None:
    entry = decided.entries.get(checkpoint__slug="best")
    BenchmarkScore.objects.create(
        entry=entry, metric="fid", category="food", value=31.25, pictures=3, extractor="x", computed_at=timezone.now()
    )
    client = as_user(None)
    with django_assert_max_num_queries(14):
        html = client.get(reverse("ratings:benchmark-detail", args=["trial"])).content.decode()
    for part in (decided.protocol_sha256, decided.prompt_set.sha256, "best", "poor", "animals", "31.250", "108 of 108"):
        assert part in html
    assert "or read the prompt" in html
    assert "chart__bar" in html
    assert " style=" not in html
    for name in ("", "animals"):
        figure = client.get(reverse("ratings:benchmark-detail", args=["trial"]), {"figure": "svg", "of": name})
        assert (figure["Content-Type"], b"poor" in figure.content) == ("image/svg+xml", True)
    assert "A trial" in client.get(reverse("ratings:benchmark-list")).content.decode()
    assert client.get(reverse("ratings:benchmark-detail", args=["nothing"])).status_code == 404


def test_a_bundle_is_enough_to_run_it_again_and_the_same_bytes_each_time(decided: Benchmark, as_user: As) -> None:
    answer = as_user(None).get(reverse("ratings:benchmark-bundle", args=["trial"]))
    assert answer.content == bundle(decided)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        files = {name.partition("/")[2]: archive.read(name).decode() for name in archive.namelist()}
    assert hash_of(read_prompts(files["prompts.jsonl"], "table")) == decided.prompt_set.sha256
    assert json.loads(files["protocol.json"]) == decided.protocol
    assert json.loads(files["results.json"])["board"]["rows"][0]["model"] == "best"
    assert "run_benchmark few --checkpoints best mean poor" in files["README.txt"]
    assert "--votes 36 --days 30 " in files["README.txt"]
    assert f"on {decided.closes_at:%Y-%m-%d %H:%M:%S} UTC.\n" in files["README.txt"]
    assert "rater0" not in files["results.json"]


def test_the_api_says_what_the_page_says_to_everybody_and_takes_nothing(decided: Benchmark, as_user: As) -> None:
    client = as_user(None)
    (row,) = client.get("/api/benchmarks/").json()["results"]
    assert (row["id"], row["state"], row["checkpoints"]) == ("trial", "closed", ["best", "mean", "poor"])
    assert "figures" not in row
    found = client.get("/api/benchmarks/trial/").json()
    assert found["protocol"] == decided.protocol
    assert found["figures"]["board"] == decided.results["board"]
    answer = client.get("/api/benchmarks/trial/bundle/")
    assert (answer["Content-Type"], answer.content) == ("application/zip", bundle(decided))
    assert client.get("/api/benchmarks/another/").status_code == 404
    for method in (client.post, client.put, client.patch, client.delete):
        assert method("/api/benchmarks/trial/").status_code in {401, 403, 405}


def test_a_list_of_benchmarks_costs_the_same_however_many_there_are(decided: Benchmark, as_user: As) -> None:
    client = as_user(None)
    client.get("/api/benchmarks/")  # warms caches
    with CaptureQueriesContext(connection) as one:
        client.get("/api/benchmarks/")
    for number in range(5):
        decided.pk, decided.slug = None, f"trial-{number}"
        decided.save(force_insert=True)
    with CaptureQueriesContext(connection) as many:
        assert len(client.get("/api/benchmarks/").json()["results"]) == 6
    assert len(many) == len(one) <= 2


def test_an_empty_list_says_what_will_come(as_user: As, db: None) -> None:
    assert "No benchmarks yet" in as_user(None).get(reverse("ratings:benchmark-list")).content.decode()
