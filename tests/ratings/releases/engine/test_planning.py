"""What a plan counts and leaves out: by the asks it is about, and by the shapes of pictures."""

from pathlib import Path
from typing import Any

import pytest

from generation.models import Image
from ratings.models import Comparison
from ratings.releases import services as releases_services
from ratings.releases.engine.eligibility import ReleaseFilter
from tests.ratings.releases.folders import build, every_row

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("kind", "speaks_of", "agreed_on"),
    [
        ("votes", {"compare", "aspect"}, {"pairs"}),
        ("ratings", {"post", "marks"}, {"ratings"}),
        ("asks", {"compare", "aspect", "post", "marks", "ranking"}, {"pairs", "ratings"}),
        ("rankings", {"ranking"}, set()),
        ("polls", set(), set()),
    ],
)
def test_a_release_counts_the_asks_that_its_rows_speak_of(
    other_answers: None, tmp_path: Path, kind: str, speaks_of: set[str], agreed_on: set[str]
) -> None:
    manifest = build(tmp_path / "out", (kind,)).manifest
    assert set(manifest["response_rate"]) == speaks_of
    assert set(manifest["agreement"]) == agreed_on


def test_pictures_as_large_as_models_make_them_leave(community: Any, tmp_path: Path) -> None:
    Image.objects.update(width=1536, height=1024)
    build(tmp_path / "out", ("pairs",))
    assert {(row["width_0"], row["height_1"]) for row in every_row(tmp_path / "out", "pairs")} == {(1536, 1024)}


def test_pairs_of_two_shapes_stay(community: Any) -> None:
    low = Comparison.objects.values("image_low")
    Image.objects.filter(pk__in=low).update(width=1024, height=1536)
    Image.objects.exclude(pk__in=low).update(width=1536, height=1024)
    preview = releases_services.preview_release(filter=ReleaseFilter(), kinds=("pairs",))
    assert set(preview["dropped"]["pairs"]) == {"aspect_mismatch"}
    assert not preview["rows"]
