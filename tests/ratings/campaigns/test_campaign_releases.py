"""A campaign's release holds its answers alone, and no other release holds them."""

from pathlib import Path
from typing import Any

from django.urls import reverse

from accounts.models import User
from generation.models import Checkpoint
from ratings.asking.tokens import token_for
from ratings.benchmarks.prompts import Prompt
from ratings.campaigns import services
from ratings.campaigns.progress import progress_of
from ratings.models import Ask, AspectComparison, Campaign, CampaignPicture, Comparison, Question
from ratings.quality.flags import evaluate_raters
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter
from ratings.releases.publishing.verification import verify_release
from tests.conftest import As, MakeMember
from tests.generation.fixtures import MakeImage
from tests.ratings.answers import consent, refusal, vote_by_aspect
from tests.ratings.campaigns.example_campaigns import answer_all, next_ask, opened, preference
from tests.ratings.releases.community import community, make_pair, poll_with_votes, prompts_of
from tests.ratings.releases.folders import build, every_row

__all__ = ["community", "make_pair"]  # fixtures


def test_a_campaigns_release_holds_its_answers_and_no_others_and_they_are_nowhere_else(
    two: list[Checkpoint],
    rita: User,
    bob: User,
    make_member: MakeMember,
    make_image: MakeImage,
    community: Any,
    tmp_path: Path,
) -> None:
    shy, gone = make_member("shy"), make_member("gone")
    consent(gone)
    prompts = [Prompt(text) for split in ("train", "validation") for text in prompts_of(split, 2, "dog")]
    rated = opened(two, rita, make_image, prompts=prompts, answers_wanted=9)
    compared = opened(two, rita, make_image, prompts=prompts, question=preference(), title="Pairs")
    for member in (bob, shy, gone):
        answer_all(rated, member, lambda _ask: 4)
    answer_all(compared, bob, lambda _ask: "left")
    services.leave_campaign(campaign=rated, member=gone)
    poll_with_votes({bob: 1})

    single = tmp_path / "salon-pickapic-rated"
    release = build(single, ("ratings", "asks", "images", "polls"), campaign=rated.slug, with_simulated=False)
    found = every_row(single, "ratings")
    assert {(row["question_id"], row["surface"], row["value"]) for row in found} == {
        (rated.question.slug, "campaign", 4)
    }
    assert len(found) == len(every_row(single, "asks")) == 8  # Bob's: shy did not agree to publication, gone left
    assert len({row["rater_id"] for row in found}) == 1
    assert {row["image_sha256"] for row in found} == {row["image_sha256"] for row in every_row(single, "images")}
    assert every_row(single, "polls") == []
    assert release.filter["campaign"] == rated.slug
    assert "How sharp is this picture?" in (single / "README.md").read_text()
    assert verify_release(single).problems == []

    pairs = tmp_path / "salon-pickapic-pairs"
    build(pairs, ("pairs", "votes"), campaign=compared.slug)
    assert {row["strategy"] for row in every_row(pairs, "votes")} == {"campaign"}
    assert len(every_row(pairs, "votes")) == 4
    assert {(row["model_0"], row["model_1"]) for row in every_row(pairs, "pairs")} <= {
        ("aurora", "basalt"),
        ("basalt", "aurora"),
    }

    ordinary = tmp_path / "salon-pickapic-all"
    build(ordinary, ("pairs", "votes", "ratings", "asks", "images"))
    assert "campaign" not in {row["surface"] for row in every_row(ordinary, "asks") + every_row(ordinary, "ratings")}
    assert "campaign" not in {row["strategy"] for row in every_row(ordinary, "votes")}
    models = {row["model_0"] for row in every_row(ordinary, "pairs")} | {
        row["model"] for row in every_row(ordinary, "images")
    }
    assert models.isdisjoint({"aurora", "basalt"})
    assert "How sharp is this picture?" not in (ordinary / "README.md").read_text()


def test_pairs_by_aspect_are_votes_by_aspect_in_figures_and_release_and_no_others(
    two: list[Checkpoint], rita: User, bob: User, as_user: As, make_image: MakeImage, community: Any, tmp_path: Path
) -> None:
    lighting = Question.objects.active().get(slug="lighting-pair")
    prompts = [Prompt(text) for split in ("train", "validation") for text in prompts_of(split, 2, "dog")]
    campaign = opened(two, rita, make_image, prompts=prompts, question=lighting)
    better = set(CampaignPicture.objects.filter(checkpoint=two[0]).values_list("image", flat=True))
    before = Comparison.objects.count()

    def say(ask: Ask) -> str:
        return "left" if ask.left and ask.left.pk in better else "right"

    services.agree_to_campaign(campaign=campaign, member=bob)
    path, client = reverse("ratings:campaign", args=[campaign.slug]), as_user(bob)
    page = client.get(path).content.decode()
    assert ("compare__question" in page, lighting.text in page) == (True, True)
    first = next_ask(campaign, bob) or Ask()
    sent = {"token": token_for(first), "outcome": say(first)}
    assert [client.post(f"{path}{first.public_id}/", sent).status_code for _ in range(2)] == [302, 302]
    other = {**sent, "outcome": "tie"}
    assert client.post(f"{path}{first.public_id}/", other).status_code == 409
    assert len(answer_all(campaign, bob, say)) == 3
    assert (AspectComparison.objects.filter(ask__surface="campaign").count(), Comparison.objects.count()) == (4, before)
    (won,) = progress_of(campaign)["comparisons"]
    assert (won["first"], won["wins"], won["losses"]) in {("aurora", 4, 0), ("basalt", 0, 4)}

    form = as_user(rita).get(f"/research/releases/new/?campaign={campaign.slug}").context["form"]
    folder = tmp_path / "salon-pickapic-aspect"
    build(folder, tuple(form.initial["kinds"]), campaign=campaign.slug)
    assert {(row["aspect"], row["surface"]) for row in every_row(folder, "aspect_votes")} == {("lighting", "campaign")}
    assert [row["aspect"] for row in every_row(folder, "aspects")] == ["lighting"] * 4
    assert verify_release(folder).problems == []
    for split in ("train", "validation"):
        one, another = community[split][0]
        vote_by_aspect(bob, one, another, one, "colour")
    ordinary = tmp_path / "salon-pickapic-all"
    build(ordinary, ("aspects", "aspect_votes"))
    assert {row["aspect"] for row in every_row(ordinary, "aspect_votes")} == {"colour"}
    evaluate_raters(raters=[bob.pk])  # quality rules read them too


def test_a_release_of_an_unknown_campaign_is_refused_and_ordinary_filters_keep_their_form(db: None) -> None:
    chosen = ReleaseFilter(campaign="nothing")
    assert list(refusal(releases_services.check_request, filter=chosen, kinds=["votes"]).fields) == ["campaign"]
    assert ReleaseFilter.from_json(chosen.as_json()) == chosen
    assert "campaign" not in ReleaseFilter().as_json()
    assert not Campaign.objects.exists()
