"""Privacy: after consent is withdrawn or data is deleted, nothing of it is in the releases built next."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import PIL.Image
import pyarrow.parquet as pq
import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from accounts.services import delete_account
from generation.media.blanks import blank_images
from generation.models import Image
from ratings.models import Rating, Release
from ratings.releases import building, point_releases
from ratings.releases import services as releases_services
from ratings.releases.engine.identity import Keys
from ratings.releases.engine.splits import normalise_prompt
from ratings.releases.formats.registry import FORMATS
from tests.conftest import MakeMember
from tests.generation.fixtures import MakeImage
from tests.ratings.answers import consent, leave_unanswered, rate, vote
from tests.ratings.releases.community import Pair, poll_with_votes, prompts_of
from tests.ratings.releases.folders import build, every_row, readable_bytes

pytestmark = pytest.mark.django_db
KINDS = tuple(FORMATS)
RESTLESS = ("carol", "dave", "erin")
CHOICES = ("stays", "withdraws", "deletes a picture", "leaves")


@dataclass
class World:
    """Members by name, and each one's pairs. The steady judge everybody's, the restless those of each other alone.

    A pair goes with whoever voted on it: the steady ones' pairs stay, so that there is something to build.
    """

    members: dict[str, User] = field(default_factory=dict)
    pairs: dict[str, list[Pair]] = field(default_factory=dict)


@pytest.fixture
def world(make_member: MakeMember, make_pair: Callable[..., Pair]) -> World:
    found = World()
    for name in ("steady", "patient", *RESTLESS):
        member = found.members[name] = make_member(name)
        consent(member)
        prompts = [prompts_of(split, 1, word=f"{name}s-secret-animal")[0] for split in ("train", "validation")]
        found.pairs[name] = [make_pair(member, prompt) for prompt in prompts]
    for name, member in found.members.items():
        for owner, pairs in found.pairs.items():
            for one, other in pairs:
                if owner != name and (name not in RESTLESS or owner in RESTLESS):
                    vote(member, one, other, one)
                    rate(member, one, 4)
                leave_unanswered(member, other)
    poll_with_votes(dict.fromkeys(found.members.values(), 0))
    return found


@dataclass
class Gone:
    """What must not be found any more."""

    pictures: dict[str, bytes] = field(default_factory=dict)  # {sha256: JPEG}
    words: list[str] = field(default_factory=list)
    members: list[int] = field(default_factory=list)
    ratings: list[int] = field(default_factory=list)


def _happens(world: World, choices: dict[str, str], before: Path) -> Gone:
    """Everybody does what they chose; returns what that takes away."""
    gone, now = Gone(), timezone.now()
    for name, choice in choices.items():
        member = world.members[name]
        images = [image for pair in world.pairs[name] for image in pair] if choice != "stays" else []
        if choice == "deletes a picture":
            images = images[:1]
        elif images:
            gone.words.append(f"{name}s-secret-animal")
            gone.members.append(member.pk)
            gone.ratings += list(Rating.objects.filter(rater=member).values_list("pk", flat=True))
        gone.ratings += list(Rating.objects.filter(image__in=images).values_list("pk", flat=True))
        gone.pictures |= {image.jpeg_sha256: _jpeg(before, image) for image in images}
        if choice == "withdraws":
            consent(member, granted=False)
        elif choice == "deletes a picture":
            blank_images(Image.objects.filter(pk=images[0].pk), at=now)
        elif choice == "leaves":
            delete_account(user=member)
    releases_services.forget_deleted_pictures(at=now)
    return gone


def _jpeg(folder: Path, image: Image) -> bytes:
    sides = [(row[f"image_{side}_sha256"], row[f"jpg_{side}"]) for row in every_row(folder, "pairs") for side in (0, 1)]
    content: bytes = next(content for sha256, content in sides if sha256 == image.jpeg_sha256)
    return content


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choices=st.fixed_dictionaries({name: st.sampled_from(CHOICES) for name in RESTLESS}))
def test_nothing_is_left_of_what_went(
    world: World, tmp_path_factory: pytest.TempPathFactory, choices: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("privacy")
    with transaction.atomic():
        first = build(folder / "before", KINDS)
        gone = _happens(world, choices, folder / "before")
        planned = point_releases.plan_point_release(release=first, destination=folder / "point")
        for release in (building.build_release(release=planned), build(folder / "next", KINDS)):
            # a point release keeps the pseudonyms of the one it follows; the next one has its own
            _look_for(gone, release, named=first if release == planned else release)
        transaction.set_rollback(True)


def _look_for(gone: Gone, release: Release, named: Release) -> None:
    """Looks into every file, and for every pseudonym in its own table."""
    folder = Path(release.destination)
    for name, found in readable_bytes(folder).items():
        for sha256, content in gone.pictures.items():
            assert sha256.encode() not in found, name
            assert content not in found, name
        for words in gone.words:
            assert words.encode() not in found, name
    kinds = {"pairs": "user_id"} | dict.fromkeys(("votes", "ratings", "asks", "polls"), "rater_id")
    for kind, column in kinds.items():
        keys = Keys(django_settings.RELEASE_SECRET, named.public_id, kind)
        ids = {row[column] for row in every_row(folder, kind)}
        for member in gone.members:
            assert not ids & {keys.rater(member, is_author=is_author) for is_author in (True, False)}, kind
    keys = Keys(django_settings.RELEASE_SECRET, named.public_id, "ratings")
    assert not {keys.row(pk) for pk in gone.ratings} & {row["rating_id"] for row in every_row(folder, "ratings")}


def test_no_file_names_anybody_and_ids_are_unrelated(world: World, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        build(tmp_path / folder, KINDS)
    everything = b"".join(
        found.replace(b"s-secret-animal", b"")
        for name, found in readable_bytes(tmp_path / "one").items()
        if name != "LICENSE"
    )
    for member in world.members.values():
        assert member.email.encode() not in everything
        assert member.public_id.encode() not in everything
    tables = (("pairs", "user_id"), ("votes", "rater_id"), ("ratings", "rater_id"), ("asks", "rater_id"))
    ids = [{row[column] for row in every_row(tmp_path / f, kind)} for f in ("one", "two") for kind, column in tables]
    assert sum(len(found) for found in ids) == len(set.union(*ids))
    for path in (tmp_path / "one").rglob("*.jpg"):
        with PIL.Image.open(io.BytesIO(path.read_bytes())) as picture:
            assert not picture.getexif()


def test_nothing_moves_between_splits_while_a_site_grows(
    world: World, make_image: MakeImage, make_pair: Callable[..., Pair], tmp_path: Path
) -> None:
    """Three releases: more prompts, the same bytes made for other words, a deletion of the first of them."""
    steady, patient = world.members["steady"], world.members["patient"]
    stood: dict[str, set[str]] = {}
    original = world.pairs["steady"][0][0]
    for number, folder in enumerate(("one", "two", "three")):
        for split in ("train", "validation", "test"):
            pair = make_pair(steady, prompts_of(split, 3, word="new")[number])
            vote(patient, *pair, pair[number % 2])
        if number == 1:  # the bytes of a picture in train, again for words of validation
            copy = make_image(steady, prompt=prompts_of("validation", 5, word="copy")[4], seed=5)
            other = make_image(steady, generation=copy.generation, seed=6)
            Image.objects.filter(pk=copy.pk).update(jpeg_sha256=original.jpeg_sha256, prefix=original.prefix)
            vote(patient, copy, other, copy)
        if number == 2:
            blank_images(Image.objects.filter(pk=original.pk), at=timezone.now())
            releases_services.forget_deleted_pictures()
        build(tmp_path / folder, KINDS)
        _note(tmp_path / folder, stood)
    assert {len(found) for found in stood.values()} == {1}
    assert len(stood) > 30


def _note(folder: Path, stood: dict[str, set[str]]) -> None:
    """{a prompt or a picture: the splits it stood in}"""
    for path in folder.glob("*/*.parquet"):
        split = path.name.split("-")[0].removesuffix("_unique")
        table = pq.read_table(path)
        for name in table.column_names:
            if name in {"caption", "caption_0", "caption_1"}:
                for words in table[name].to_pylist():
                    stood.setdefault(normalise_prompt(words), set()).add(split)
            elif "sha256" in name:
                for sha256 in table[name].drop_null().to_pylist():
                    stood.setdefault(sha256, set()).add(split)
