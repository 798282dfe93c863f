"""The pages of campaigns: for researchers, and for members who take part."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import User
from generation.models import Checkpoint
from ratings.asking.tokens import token_for
from ratings.campaigns import services
from ratings.models import Ask, Campaign, CampaignMember, CampaignPicture, Comparison, Rating
from tests.conftest import As
from tests.generation.fixtures import MakeImage
from tests.ratings.campaigns.example_campaigns import answer_all, next_ask, opened, preference

FORM: dict[str, Any] = {
    "title": "Sharp foxes",
    "prompts": "a fox\n\n  a cat ",
    "form": "table",
    "checkpoints": ["aurora", "basalt"],
    "size": "32x32",
    "pictures_a_prompt": 1,
    "question": "new",
    "new_question": "How sharp is this picture?",
    "labels": "Blurred\nSoft\nFair\nSharp\nVery sharp",
    "answers_wanted": 3,
    "listed": "bob, alice",
    "starts_on": "2026-01-01",
    "ends_on": "2999-12-31",
    "consent_text": "We study sharpness.",
}
NEW = "/research/campaigns/new/"


def test_only_researchers_see_campaigns(
    two: list[Checkpoint], rita: User, bob: User, mod: User, as_user: As, make_image: MakeImage
) -> None:
    campaign = opened(two, rita, make_image)
    pages = [reverse("ratings:campaign-list"), NEW, reverse("ratings:campaign-detail", args=[campaign.slug])]
    assert [as_user(rita).get(page).status_code for page in pages] == [200] * 3
    assert {as_user(person).get(page).status_code for person in (bob, mod, None) for page in pages} == {404}
    for name in ("campaign-open", "campaign-end"):
        assert as_user(bob).post(reverse(f"ratings:{name}", args=[campaign.slug])).status_code == 404
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.OPEN


def test_a_researcher_sets_up_a_campaign_in_the_browser(
    two: list[Checkpoint], rita: User, alice: User, bob: User, as_user: As
) -> None:
    client = as_user(rita)
    assert client.post(NEW, FORM).status_code == 302
    made = Campaign.objects.get()
    assert [prompt.text for prompt in made.prompt_set.prompts.order_by("number")] == ["a fox", "a cat"]
    assert set(made.members.values_list("member__username", flat=True)) == {"alice", "bob"}
    assert made.question.labels[0] == "Blurred"
    assert (made.last_day.isoformat(), made.created_by) == ("2999-12-31", rita)
    parti = b"Prompt\tCategory\tChallenge\tNote\na bird\tAnimals\tBasic\t\n"
    file = SimpleUploadedFile("p.tsv", parti)
    changes = {"prompts": "", "file": file, "form": "parti", "question": "lighting", "listed": ""}
    assert client.post(NEW, {**FORM, **changes}).status_code == 302
    from_file = Campaign.objects.latest("pk")
    assert from_file.prompt_set.prompts.get().category == "Animals"
    assert (from_file.question.slug, from_file.audience) == ("lighting", "all")
    assert client.post(NEW, {**FORM, "question": "lighting-pair"}).status_code == 302
    assert Campaign.objects.latest("pk").is_about_pairs


@pytest.mark.parametrize(
    "changes",
    [
        {"prompts": ""},
        {"file": SimpleUploadedFile("p.csv", b"prompt\na fox\n")},
        {"prompts": "", "file": SimpleUploadedFile("p.csv", b"\xff\xfe\x00")},
        {"prompts": "x" * 3000},
        {"checkpoints": ["nobody"]},
        {"size": "1x1"},
        {"question": "nothing"},
        {"question": "lighting-pair", "checkpoints": ["aurora"]},
        {"labels": "Bad\nGood"},
        {"new_question": ""},
        {"listed": "nobody-here"},
        {"ends_on": "2025-01-01"},
        {"starts_on": "never"},
        {"answers_wanted": 0},
        {"consent_text": ""},
        {"title": " "},
    ],
)
def test_what_makes_no_sense_is_said_beside_its_field(
    changes: dict[str, Any], two: list[Checkpoint], rita: User, alice: User, bob: User, as_user: As
) -> None:
    answer = as_user(rita).post(NEW, {**FORM, **changes})
    assert answer.status_code == 400
    assert answer.context["form"].errors
    assert not Campaign.objects.exists()


def test_a_member_reads_the_text_agrees_answers_and_may_leave(
    two: list[Checkpoint], rita: User, bob: User, mallory: User, as_user: As, make_image: MakeImage
) -> None:
    campaign = opened(two, rita, make_image, listed=["bob"])
    path, client = reverse("ratings:campaign", args=[campaign.slug]), as_user(bob)
    for url in (path, f"{path}agree/", f"{path}leave/"):
        assert as_user(mallory).post(url).status_code in {404, 405}
    assert as_user(mallory).get(path).status_code == 404
    assert as_user(None).get(path).status_code == 302
    assert campaign.title in client.get("/campaigns/").content.decode()
    assert campaign.title not in as_user(mallory).get("/campaigns/").content.decode()
    assert "Studies you can take part in" in client.get("/compare/").content.decode()
    assert "Studies you can take part in" not in as_user(mallory).get("/compare/").content.decode()
    assert "We study sharpness." in client.get(path).content.decode()
    assert not Ask.objects.exists()
    client.post(f"{path}agree/")
    page = client.get(path).content.decode()
    ask = Ask.objects.get()
    assert "How sharp is this picture?" in page
    assert not any(checkpoint.name in page for checkpoint in two)
    picture = client.get(f"{path}{ask.public_id}/picture.webp")
    assert (picture.status_code, picture["Cache-Control"]) == (200, "private, no-store")
    for url in (f"{path}{ask.public_id}/picture.webp", f"/compare/{ask.public_id}/picture.webp"):
        assert as_user(rita).get(url).status_code == 404
    assert client.get(f"{path}{ask.public_id}/left.webp").status_code == 404
    sent = {"token": token_for(ask), "value": "4", "dwell_ms": "900"}
    assert client.post(f"{path}{ask.public_id}/", sent).status_code == 302
    assert (Rating.objects.get().value, Rating.objects.get().question) == (4, campaign.question)
    again = client.post(f"{path}{ask.public_id}/", {**sent, "value": "1"})
    assert again.status_code == 409
    for value, outcome in (("cant_tell", "answered"), ("", "skipped")):
        ask = next_ask(campaign, bob) or Ask()
        sent = {"token": token_for(ask), "value": value, "outcome": "" if value else "skipped"}
        assert client.post(f"{path}{ask.public_id}/", sent).status_code == 302
        ask.refresh_from_db()
        assert ask.outcome == outcome
    assert client.post(f"{path}leave/").status_code == 302
    assert CampaignMember.objects.get().left_at
    assert "I agree" in client.get(path).content.decode()


def test_pairs_are_answered_on_the_page_and_the_next_comes_back(
    two: list[Checkpoint], rita: User, bob: User, as_user: As, make_image: MakeImage
) -> None:
    campaign = opened(two, rita, make_image, question=preference())
    services.agree_to_campaign(campaign=campaign, member=bob)
    path, client = reverse("ratings:campaign", args=[campaign.slug]), as_user(bob)
    first = next_ask(campaign, bob) or Ask()
    for side in ("left", "right"):
        assert client.get(f"{path}{first.public_id}/{side}.webp").status_code == 200
    sent = {"token": token_for(first), "outcome": "left"}
    following = client.post(f"{path}{first.public_id}/", sent, headers={"HX-Request": "true"}).content.decode()
    second = next_ask(campaign, bob) or Ask()
    assert second.public_id in following
    assert Comparison.objects.get().preferred == first.left
    skip = {"token": token_for(second), "outcome": "skip"}
    end = client.post(f"{path}{second.public_id}/", skip, headers={"HX-Request": "true"}).content.decode()
    assert "that is all" in end
    services.end_campaign(campaign=campaign)
    assert "takes no answers now" in client.get(path).content.decode()


def test_the_researchers_page_shows_live_figures_starts_ends_and_leads_to_the_release(
    two: list[Checkpoint], rita: User, bob: User, as_user: As, make_image: MakeImage
) -> None:
    client = as_user(rita)
    client.post(NEW, {**FORM, "listed": ""})
    waiting = Campaign.objects.get()
    detail = reverse("ratings:campaign-detail", args=[waiting.slug])
    assert "Start asking" not in client.get(detail).content.decode()
    client.post(f"{detail}start/")
    waiting.refresh_from_db()
    assert waiting.state == Campaign.State.DRAWING
    CampaignPicture.objects.update(failure="Failed")
    Campaign.objects.update(state=Campaign.State.READY)
    assert "Start asking" in client.get(detail).content.decode()
    client.post(f"{detail}start/")
    waiting.refresh_from_db()
    assert waiting.state == Campaign.State.OPEN
    for question in (None, preference()):
        campaign = opened(two, rita, make_image, **({"question": question} if question else {}))
        detail = reverse("ratings:campaign-detail", args=[campaign.slug])
        answer_all(campaign, bob, lambda ask: "left" if ask.is_pair else 4)
        fragment = client.get(detail, headers={"HX-Request": "true"}).content.decode()
        assert ("<html" not in fragment, "too few to read" in fragment or "Too few" in fragment) == (True, True)
        assert f"?campaign={campaign.slug}" in client.get(detail).content.decode()
        chart = client.get(f"{detail}?figure=svg")
        assert chart.status_code == (404 if campaign.is_about_pairs else 200)  # two votes make no leaderboard
    form = client.get(f"/research/releases/new/?campaign={campaign.slug}").context["form"]
    assert (form.initial["campaign"], "pairs" in form.initial["kinds"]) == (campaign.slug, True)
    for _ in range(2):
        client.post(f"{detail}end/")
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.ENDED
    assert campaign.title in client.get("/research/campaigns/").content.decode()
