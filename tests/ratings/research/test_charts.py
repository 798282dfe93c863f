"""Charts on the Research pages and as files, and leaderboards of parts of the votes."""

import html
import io
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import numpy as np
import PIL.Image
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from feed.models import Post
from generation.models import Checkpoint, Image
from ratings.models import Comparison, DrawCount, Policy
from ratings.research.figures import MOST_CHARACTERS
from tests.conftest import As
from tests.ratings.answers import leave_unanswered, rate
from tests.ratings.conftest import Publish
from tests.ratings.research.votes import compared, read


def test_a_leaderboard_of_a_category_and_of_a_week_is_that_of_its_votes_alone(
    alice: User, publish: Publish, crowd: list[User]
) -> None:
    compared(alice, publish, crowd)
    early = datetime(2026, 3, 4, 12, tzinfo=UTC)
    Comparison.objects.update(created_at=early)
    late = Comparison.objects.filter(image_low__in=Post.objects.filter(post_tags__tag__name="foxes").values("image"))
    late.update(created_at=early + timedelta(days=7))
    body = read(at=early + timedelta(days=20)).body
    (foxes,), (first, second) = body["boards_by_category"], body["boards_by_week"]
    assert (foxes["category"], first["week"], second["week"]) == ("foxes", "2026-03-02", "2026-03-09")
    assert [row["votes"] for board in (foxes, first, second) for row in board["rows"]] == [18] * 6
    assert foxes["rows"] == second["rows"], "both pictures have the tag, and a vote counts once"
    late.delete()
    assert read(90, at=early + timedelta(days=20)).body["leaderboard"]["rows"] == first["rows"]


def test_charts_come_as_files_that_stand_alone(
    alice: User, rita: User, publish: Publish, crowd: list[User], as_user: As
) -> None:
    compared(alice, publish, crowd)
    for rater in crowd:
        rate(rater, publish(alice), 4)
    Checkpoint.objects.filter(slug="zeta").update(slug="z" * 40)
    path, client = reverse("ratings:research-models"), as_user(rita)
    for name in ("", "category", "by-week-toy"):
        drawn = client.get(path, {"figure": "svg", "of": name})
        assert (drawn.status_code, drawn["Content-Type"]) == (200, "image/svg+xml")
        assert drawn["Content-Disposition"].endswith('.svg"')
        root = ET.fromstring(drawn.content)  # noqa: S314 - our own
        words = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
        assert any("odds against the average" in word.lower() for word in words), "its title"
        assert any(word.startswith("testserver, ") and word.endswith(" UTC") for word in words), "where it comes from"
        assert all(len(word) <= MOST_CHARACTERS for word in words)
        picture = PIL.Image.open(io.BytesIO(client.get(path, {"figure": "png", "of": name}).content))
        assert picture.size == (2 * int(root.get("width", 0)), 2 * int(root.get("height", 0)))
        assert len(picture.getcolors(100_000) or []) > 20, "something is drawn"
    page = client.get(reverse("ratings:research-aspects"), {"surface": "post", "question": "lighting"}).content.decode()
    (address, *_more) = re.findall(r'href="([^"]*figure=png[^"]*of=by-week-lighting[^"]*)"', page)
    weekly = client.get(reverse("ratings:research-aspects") + html.unescape(address))
    assert weekly["Content-Type"] == "image/png"
    assert client.get(path, {"figure": "svg", "of": "nothing"}).status_code == 404
    assert as_user(alice).get(path, {"figure": "svg"}).status_code == 404


def test_every_page_shows_its_part_with_charts_that_can_be_read_aloud(
    alice: User, bob: User, rita: User, publish: Publish, crowd: list[User], as_user: As
) -> None:
    compared(alice, publish, crowd)
    image = publish(alice)
    for rater in crowd:
        rate(rater, image, 4)
    leave_unanswered(bob, image)
    DrawCount.objects.count_draw(Policy.objects.current(), timezone.localdate(), "post", "new/first", 0.0, "day")
    client = as_user(rita)
    expected = {
        reverse("ratings:research"): ['role="img"', "<title>", "lighting", "aria-current"],
        reverse("ratings:research-aspects"): ['role="img"', "lighting", "By week", "Sensitivity"],
        reverse("ratings:research-aspects") + "?by=checkpoint&question=lighting": ["toy", "by model"],
        reverse("ratings:research-models"): ['role="img"', "toy against zeta", "Prompts"],
        reverse("ratings:research-comparison", args=["zeta", "toy"]): [
            "× preferred, 95 %",
            "36 votes by 6 people on 6 prompts",
        ],
        reverse("ratings:research-responses"): ["new", "at the limit"],
    }
    for path, parts in expected.items():
        html = client.get(path).content.decode()
        assert [part for part in parts if part not in html] == [], path
        assert " style=" not in html
    assert client.get(reverse("ratings:research-comparison", args=["toy", "nobody"])).status_code == 404


def test_a_lead_that_looks_explain_is_gone_at_equal_looks(
    alice: User, rita: User, publish: Publish, crowd: list[User], as_user: As
) -> None:
    compared(alice, publish, crowd)
    rng = np.random.default_rng(5)
    for image in Image.objects.select_related("generation__checkpoint").order_by("pk"):
        is_zeta = image.generation.checkpoint.slug == "zeta"
        Image.objects.filter(pk=image.pk).update(sharpness=0.1 + 0.2 * is_zeta + 0.01 * rng.random())
    body = read().body
    whole = {row["model"]: row["odds"] for row in body["leaderboard"]["rows"]}
    equal = {row["model"]: row for row in body["controlled"]["rows"]}
    assert whole["zeta"] > 1.3
    low, high = equal["zeta"]["low"], equal["zeta"]["high"]
    assert high is None or high - low > whole["zeta"], "looks and model always go together here"
    assert [row["feature"] for row in body["controlled"]["effects"]] == ["sharpness", "saturation", "lightness"]
    assert body["controlled"]["votes"] == 36
    page = as_user(rita).get(reverse("ratings:research-models")).content.decode()
    assert "a picture that is sharper" in page
    Image.objects.update(sharpness=0.5, saturation=0.5, lightness=0.5)
    effects = read(30).body["controlled"]["effects"]
    assert [row["high"] for row in effects] == [None] * 3, "pictures that all look alike say nothing of looks"
    Image.objects.update(sharpness=None)
    assert read(90).body["controlled"]["rows"] == [], "votes on pictures that were not measured are left out"
