"""What the research team reads, and who may."""

import csv
import html
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from feed.models import Post, PostAspect, PostTag, Tag
from generation.models import Image
from ratings.models import Ask, Comparison, DrawCount, Policy, QualityFlag, Question, ReportSnapshot
from ratings.quality.models import RULES_VERSION
from ratings.quality.post_aspects import refresh_aspects
from ratings.research import reports
from ratings.research.reports import computation
from ratings.research.reports.model_comparisons import reversed_comparison
from ratings.research.reports.tables import TABLES
from tests.conftest import As
from tests.generation.fixtures import checkpoint_row
from tests.ratings.answers import leave_unanswered, rate, vote
from tests.ratings.conftest import Publish
from tests.ratings.research.votes import compared, read

PAGES = ["research", "research-aspects", "research-models", "research-responses"]


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_are_for_researchers_and_to_others_not_there(
    name: str, alice: User, mod: User, rita: User, as_user: As
) -> None:
    for user, status in ((None, 404), (alice, 404), (mod, 404), (rita, 200)):
        assert as_user(user).get(reverse(f"ratings:{name}")).status_code == status
    page = as_user(rita).get(reverse(f"ratings:{name}"), {"days": "a while"})
    assert "No questions in this period" in page.content.decode()
    assert as_user(alice).get(reverse("ratings:research-table", args=["duels"])).status_code == 404
    assert as_user(alice).get(reverse("ratings:research-comparison", args=["toy", "zeta"])).status_code == 404


def test_response_is_counted_by_surface_and_stratum_with_an_interval(
    alice: User, bob: User, publish: Publish, crowd: list[User]
) -> None:
    image = publish(alice)
    for rater in crowd[:3]:
        rate(rater, image, 4)
    leave_unanswered(bob, image)
    rate(alice, image, 5)
    Ask.objects.create(**{**open_ask(bob, image), "outcome": "open"})  # not answered yet
    rows = {row["surface"]: row for row in read().body["responses"]}
    assert (rows["post"]["asks"], rows["post"]["rate"]) == (5, 0.6)
    assert rows["post"]["low"] < 0.75 < rows["post"]["high"]
    assert (rows["result"]["asks"], rows["result"]["rate"]) == (1, 1.0)


def open_ask(rater: User, image: Image) -> dict[str, object]:
    earlier = Ask.objects.filter(image=image, rater__username="rater0").values().get()
    gone = ("id", "public_id", "propensity", "rater_id")
    return {name: value for name, value in earlier.items() if name not in gone} | {"rater": rater}


def test_means_stand_by_surface_model_style_tag_and_week_with_an_interval(
    alice: User, publish: Publish, crowd: list[User]
) -> None:
    zeta = checkpoint_row("zeta", "zeta")
    toy_images = [publish(alice, seed=seed) for seed in range(6)]
    zeta_image, tag = publish(alice, seed=7, checkpoint=zeta), Tag.objects.create(name="cats")
    PostTag.objects.bulk_create(PostTag(post=post, tag=tag) for post in Post.objects.filter(image__in=toy_images))
    monday = datetime(2026, 3, 2, 12, tzinfo=UTC)
    for place, (rater, value) in enumerate(zip(crowd, [3, 4, 4, 5, 3, 5], strict=True)):
        rate(rater, toy_images[place], value, at=monday + timedelta(days=7 * (place % 2)))
        rate(rater, zeta_image, 2, at=monday)
    rate(alice, toy_images[0], 1, at=monday)
    snapshot = read(at=monday + timedelta(days=10))
    whole = {row.surface: row for row in snapshot.aspects.along("")}
    assert whole["post"].mean == pytest.approx(3.0)
    assert (whole["result"].mean, whole["result"].low) == (1.0, None)
    by_model = {row.checkpoint: row for row in snapshot.aspects.along("checkpoint").filter(surface="post")}
    assert by_model["toy"].mean == pytest.approx(4.0)
    assert by_model["toy"].low is not None
    assert by_model["toy"].high is not None
    assert 3 < by_model["toy"].low < 4 < by_model["toy"].high <= 5
    assert (by_model["toy"].answers, by_model["toy"].raters) == (6, 6)
    assert by_model["toy"].pictures == 6
    assert by_model["toy"].effective_pictures == pytest.approx(6)
    assert by_model["zeta"].mean == pytest.approx(2.0)
    assert by_model["zeta"].low is None  # six people, but one picture: no statement about others of this model
    assert {row.category for row in snapshot.aspects.along("category")} == {"cats"}
    assert snapshot.aspects.along("category", checkpoint="toy").get(surface="post").mean == pytest.approx(4.0)
    assert {row.style for row in snapshot.aspects.along("style").filter(surface="post")} == {"-"}
    weeks = list(snapshot.aspects.weekly().filter(surface="post"))
    assert [row.week for row in weeks] == [monday.date(), monday.date() + timedelta(days=7)]


def test_answers_are_weighted_by_their_chance_and_by_the_response_of_their_stratum(
    alice: User, publish: Publish, crowd: list[User]
) -> None:
    image = publish(alice)
    for rater in crowd[:2]:
        rate(rater, image, 5)
    leave_unanswered(crowd[5], image)  # stratum "new": two of three
    strict = [rate(rater, image, 1).ask for rater in crowd[2:4]]
    Ask.objects.filter(pk__in=[ask.pk for ask in strict]).update(stratum="regular", p_ask=0.025)
    (figure,) = read().aspects.along("")
    new, regular = 1 / (2 / 3), 2 / 1  # a response of 2 of 3; half the chance, a response of 2 of 2
    assert figure.mean == pytest.approx((5 * new + 1 * regular) / (new + regular))
    assert figure.naive == pytest.approx(3.0)
    assert figure.response == pytest.approx(4 / 5)


def test_a_flagged_answer_is_left_out_until_its_flag_is_lifted(
    alice: User, publish: Publish, crowd: list[User]
) -> None:
    image = publish(alice)
    bad = rate(crowd[0], image, 1)
    rate(crowd[1], image, 5)
    flag = QualityFlag.objects.create(version=RULES_VERSION, ask=bad.ask, flag="too_fast", raised_at=timezone.now())
    assert read().aspects.along("").get().mean == 5.0
    QualityFlag.objects.filter(pk=flag.pk).update(lifted_at=timezone.now())
    assert read().aspects.along("").get().mean == 3.0


def test_what_a_flag_speaks_against_is_in_no_figure_and_pages_say_how_much_that_is(
    alice: User, publish: Publish, crowd: list[User], rita: User, as_user: As
) -> None:
    compared(alice, publish, crowd)
    image, second = publish(alice, seed=80), publish(alice, seed=81)
    for place, rater in enumerate(crowd):
        for other in (image, second):
            rate(rater, other, 1 + place % 2)
    before = read().body
    doubted = Ask.objects.filter(rater__in=crowd[:2])
    now = timezone.now()
    QualityFlag.objects.bulk_create(
        QualityFlag(version=RULES_VERSION, ask=ask, flag="too_fast", raised_at=now) for ask in doubted
    )
    Comparison.objects.filter(ask__in=doubted).update(quality_flags=["too_fast"])
    after = read()
    assert before["left_out"] == {"answers": 0, "votes": 0}
    assert after.body["left_out"] == {"answers": 4, "votes": 12}
    assert after.body["leaderboard"]["rows"][0]["votes"] == 36 - 12
    assert after.aspects.along("").get().raters == len(crowd) - 2
    assert after.body["pair_agreement"]["alpha"] != before["pair_agreement"]["alpha"]
    html = as_user(rita).get(reverse("ratings:research-models")).content.decode()
    assert "4 answers and 12 votes" in html
    doubted.delete()
    without = read(90).body
    assert after.body["agreement"] == without["agreement"]
    assert after.body["pair_agreement"] == without["pair_agreement"]


def test_what_a_flag_speaks_against_pulls_no_posts_mean(alice: User, publish: Publish, crowd: list[User]) -> None:
    image, other = publish(alice, seed=1), publish(alice, seed=2)
    rate(crowd[0], image, 5)
    bad = rate(crowd[1], other, 1)
    QualityFlag.objects.create(version=RULES_VERSION, ask=bad.ask, flag="too_fast", raised_at=timezone.now())
    cache.delete("ratings-aspect-priors")
    refresh_aspects(images=[image.pk, other.pk])
    assert PostAspect.objects.get().mean == 5.0  # of one answer, pulled towards the mean of those that count


def test_model_against_model_counts_each_side_whichever_was_older(
    alice: User, publish: Publish, crowd: list[User]
) -> None:
    other = checkpoint_row("zeta", "zeta")
    toy, zeta = publish(alice, seed=1), publish(alice, seed=2, checkpoint=other)
    later_toy = publish(alice, seed=3)
    for rater in crowd:
        vote(rater, toy, zeta, toy)
        vote(rater, zeta, later_toy, zeta if rater == crowd[0] else later_toy, swapped=True)
    vote(alice, toy, zeta, zeta)  # her own pictures
    vote(crowd[0], toy, later_toy, toy)  # one model: no comparison
    gold = vote(crowd[1], publish(alice, seed=4), publish(alice, seed=5, checkpoint=other), "tie")
    Ask.objects.filter(pk=gold.ask_id).update(is_gold=True, is_high_spoiled=False)
    (comparison,) = read().body["duels"]
    assert (comparison["first"], comparison["second"]) == ("toy", "zeta")
    assert (comparison["wins"], comparison["losses"], comparison["ties"], comparison["both_bad"]) == (11, 1, 0, 0)
    assert comparison["share"] == pytest.approx(11 / 12)
    assert (comparison["raters"], comparison["prompts"], comparison["low"]) == (6, 1, None)  # one prompt: no interval
    back = reversed_comparison(comparison)
    assert (back["first"], back["wins"], back["share"]) == ("zeta", 1, pytest.approx(1 / 12))


def test_a_leaderboard_has_intervals_once_people_and_prompts_are_enough(
    alice: User, publish: Publish, crowd: list[User]
) -> None:
    compared(alice, publish, crowd)
    lonely = publish(alice, seed=90, checkpoint=checkpoint_row("lonely", "lonely"))
    vote(crowd[0], lonely, publish(alice, seed=91, checkpoint=checkpoint_row("solo", "solo")), lonely)
    body = read().body
    best, last = body["leaderboard"]["rows"]
    assert (best["model"], last["model"]) == ("zeta", "toy")
    assert best["low"] < best["odds"] < best["high"]
    assert best["odds"] * last["odds"] == pytest.approx(1)
    assert (best["votes"], best["raters"], best["prompts"]) == (36, 6, 6)
    assert body["leaderboard"]["left_out"] == ["lonely", "solo"]
    assert body["leaderboard"]["robustness"]["leader"] == "zeta"
    comparison = next(row for row in body["duels"] if row["second"] == "zeta" and row["first"] == "toy")
    assert reversed_comparison(comparison)["odds"] == pytest.approx(best["odds"] ** 2)
    assert body["position"]["votes"] == 37


def test_the_worst_aspect_of_the_week_stands_there_with_pictures(
    alice: User, publish: Publish, crowd: list[User], rita: User, as_user: As
) -> None:
    image, *others = (publish(alice, seed=seed) for seed in range(5))
    for place, rater in enumerate(crowd):
        for one in (image, *others):
            rate(rater, one, 4 + place % 2)
            rate(rater, one, 1 + place % 2 + (one != image), question="artefacts")
    refresh_aspects(images=[one.pk for one in (image, *others)])
    (complaint,) = read(7).body["complaints"]
    assert (complaint["question"], complaint["checkpoint"]) == ("artefacts", "toy")
    assert complaint["examples"][0] == image.pk
    html = as_user(rita).get(reverse("ratings:research")).content.decode()
    assert image.public_id in html
    assert "artefacts, toy" in html
    assert image.generation.prompt in html
    Image.objects.update(is_prompt_hidden=True)
    html = as_user(rita).get(reverse("ratings:research")).content.decode()
    assert image.public_id in html
    assert image.generation.prompt not in html


def test_a_complaint_shows_different_pictures_that_were_complained_of_lately(
    alice: User, publish: Publish, crowd: list[User]
) -> None:
    loud, *others, before = (publish(alice, seed=seed) for seed in range(6))
    slugs = Question.objects.active().on_scale().values_list("slug", flat=True)
    for rater in crowd:
        for slug in slugs:
            rate(rater, loud, 1 if slug == "artefacts" else 4, question=slug)
    for place, image in enumerate(others):
        for rater in crowd[: 4 - place]:
            rate(rater, image, 2, question="artefacts")
    rate(crowd[0], before, 1, question="artefacts", at=timezone.now() - timedelta(days=20))
    rate(crowd[0], before, 4)
    refresh_aspects(images=[image.pk for image in (loud, *others, before)])
    (complaint,) = read(7).body["complaints"]
    assert complaint["question"] == "artefacts"
    assert complaint["examples"] == [image.pk for image in (loud, *others[:0:-1])]


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_figure_comes_as_csv_under_its_definition(
    name: str, alice: User, rita: User, publish: Publish, crowd: list[User], as_user: As
) -> None:
    compared(alice, publish, crowd)
    image = publish(alice)
    for place, rater in enumerate(crowd):
        rate(rater, image, 4)
        rate(rater, other := publish(alice), 3 + place % 2)
        rate(rater, other, 1 + place % 2, question="artefacts")
    DrawCount.objects.count_draw(Policy.objects.current(), timezone.localdate(), "post", "new/first", 0.0, "day")
    answer = as_user(rita).get(reverse("ratings:research-table", args=[name]), {"days": "7", "surface": "post"})
    assert answer["Content-Type"].startswith("text/csv")
    lines = answer.content.decode().splitlines()
    assert lines[0].startswith(f"# {name}: ")
    assert "SELECT" in " ".join(line for line in lines if line.startswith("#"))
    rows = list(csv.DictReader(io.StringIO("\n".join(line for line in lines if not line.startswith("#")))))
    assert rows
    assert None not in rows[0]
    if name == "aspects":
        assert "surface = post" in lines[0]
        assert any(row["question"] == "lighting" and float(row["mean"]) > 3 for row in rows)
        assert all(float(row["band_low"]) <= float(row["mean"]) <= float(row["band_high"]) for row in rows)
    assert as_user(rita).get(reverse("ratings:research-table", args=["secrets"])).status_code == 404


def test_the_single_figures_of_the_pages_are_a_table_too(
    alice: User, rita: User, publish: Publish, crowd: list[User], as_user: As
) -> None:
    compared(alice, publish, crowd)
    bad = rate(crowd[0], publish(alice), 1)
    QualityFlag.objects.create(version=RULES_VERSION, ask=bad.ask, flag="too_fast", raised_at=timezone.now())
    answer = as_user(rita).get(reverse("ratings:research-table", args=["overview"]))
    text = "\n".join(line for line in answer.content.decode().splitlines() if not line.startswith("#"))
    rows = {row["figure"]: row for row in csv.DictReader(io.StringIO(text))}
    assert (rows["asks"]["value"], rows["answered"]["of"]) == ("37", "37")
    assert (rows["answers_left_out"]["value"], rows["votes_left_out"]["value"]) == ("1", "0")
    assert float(rows["left_wins"]["low"]) < float(rows["left_wins"]["value"])
    assert rows["left_wins"]["of"] == "36"
    assert (rows["votes_to_flip"]["of"], rows["votes_to_flip"]["about"].split()[0]) == ("36", "zeta")
    assert rows["pair_agreement"]["of"] == "6"


def test_one_model_comparison_as_csv_is_seen_from_the_model_named_first(
    alice: User, rita: User, publish: Publish, crowd: list[User], as_user: As
) -> None:
    compared(alice, publish, crowd)
    client = as_user(rita)
    page = client.get(reverse("ratings:research-comparison", args=["zeta", "toy"])).content.decode()
    address = reverse("ratings:research-table", args=["duels"]) + "?days=30&amp;first=zeta&amp;second=toy"
    assert address in page
    text = client.get(html.unescape(address)).content.decode()
    (row,) = csv.DictReader(io.StringIO("\n".join(line for line in text.splitlines() if not line.startswith("#"))))
    assert (row["first"], row["second"], row["wins"]) == ("zeta", "toy", "24")


def test_every_table_is_linked_from_a_page(
    alice: User, rita: User, publish: Publish, crowd: list[User], as_user: As
) -> None:
    compared(alice, publish, crowd)
    DrawCount.objects.count_draw(Policy.objects.current(), timezone.localdate(), "post", "new/first", 0.0, "day")
    client = as_user(rita)
    pages = " ".join(client.get(reverse(f"ratings:{name}")).content.decode() for name in PAGES)
    assert [name for name in TABLES if reverse("ratings:research-table", args=[name]) not in pages] == []


def test_a_long_ledger_is_not_added_up_while_a_page_waits(
    alice: User,
    publish: Publish,
    crowd: list[User],
    monkeypatch: pytest.MonkeyPatch,
    rita: User,
    as_user: As,
) -> None:
    image = publish(alice)
    rate(crowd[0], image, 4)
    monkeypatch.setattr(computation, "LIVE_ASKS", 0)
    page = as_user(rita).get(reverse("ratings:research")).content.decode()
    assert "Figures on their way" in page
    assert not ReportSnapshot.objects.exists()
    earlier = read()
    rate(crowd[1], image, 2)
    later = timezone.now() + timedelta(hours=1)
    assert reports.current_snapshot(days=30, at=later) == earlier
    monkeypatch.setattr(computation, "LIVE_ASKS", 10)
    fresh = reports.current_snapshot(days=30, at=later)
    assert fresh is not None
    assert fresh.answers == 2
    assert list(ReportSnapshot.objects.filter(days=30)) == [fresh]  # the earlier one and its figures are gone


def test_a_page_costs_the_same_however_much_was_answered(
    alice: User, rita: User, publish: Publish, crowd: list[User], as_user: As, django_assert_max_num_queries: object
) -> None:
    compared(alice, publish, crowd)
    read(7)
    read(30)
    client = as_user(rita)
    for name in PAGES:
        with django_assert_max_num_queries(16):  # type: ignore[operator]
            assert client.get(reverse(f"ratings:{name}")).status_code == 200
