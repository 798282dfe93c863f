"""The gate: what checkers say, what follows, and that failing means holding."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter, ImageOps
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import User
from lib.content_levels import ContentLevel
from lib.images import hash_picture
from moderation.hashes.services import block_hash, lift_hash
from moderation.models import Screening
from moderation.policy import Reason
from moderation.screening.checkers import Picture
from moderation.screening.observations import Label, Observation, TextKind
from moderation.screening.services import screen_image, screen_text
from moderation.screening.verdicts import EXPLICIT_HOLD, decide_image, decide_text

Verdict = Screening.Verdict


def picture(seed: int = 1, size: int = 128) -> Image.Image:
    """Soft blobs of colour: enough texture for PDQ to recognise."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((size, size), Image.Resampling.BICUBIC)


def jpeg(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=60)
    return Image.open(stream)


def hash_of(image: Image.Image) -> str:
    return hash_picture(image).bits


@pytest.mark.django_db
def test_a_picture_near_a_blocked_one_is_held_even_smaller_mirrored_or_framed(settings: Settings) -> None:
    settings.MODERATION_IMAGE_CHECKERS = ["moderation.screening.checkers.blocklist.check"]
    row = block_hash(pdq=hash_of(picture(1)), note="test")
    copies = [
        picture(1),
        picture(1).resize((96, 96)),
        picture(1).filter(ImageFilter.GaussianBlur(1)),
        picture(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        picture(1).transpose(Image.Transpose.ROTATE_90),
        ImageOps.expand(picture(1), 30, "white"),
        ImageOps.expand(picture(1), (0, 40), "black").transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        ImageOps.expand(ImageOps.expand(picture(1), 12, "black"), 20, "pink"),
        jpeg(ImageOps.expand(picture(1), (25, 5, 60, 30), "#204060")),
    ]
    for copy in copies:
        verdict = screen_image(image=copy)
        assert (verdict.verdict, verdict.reasons) == (Verdict.HOLD, ["near-duplicate"])
    assert screen_image(image=picture(2)).verdict == Verdict.ALLOW
    lift_hash(row=row)
    assert screen_image(image=picture(1)).verdict == Verdict.ALLOW


@pytest.mark.django_db
def test_a_plain_picture_has_no_hash_that_says_anything(settings: Settings) -> None:
    settings.MODERATION_IMAGE_CHECKERS = ["moderation.screening.checkers.blocklist.check"]
    grey = Image.new("RGB", (128, 128), "grey")
    block_hash(pdq=hash_of(grey))
    assert screen_image(image=grey).verdict == Verdict.ALLOW


@pytest.mark.django_db
def test_the_real_checkers_pass_a_harmless_picture_of_any_mode() -> None:
    for mode in ("RGB", "RGBA", "L", "P", "CMYK"):
        verdict = screen_image(image=picture(3).convert(mode))
        assert (verdict.verdict, verdict.level) == (Verdict.ALLOW, ContentLevel.GENERAL), mode
        assert [seen.checker for seen in verdict.observations] == ["nsfw"]


@pytest.mark.parametrize(
    ("red", "verdict", "level"),
    [
        (20, Verdict.ALLOW, ContentLevel.GENERAL),
        (100, Verdict.ALLOW, ContentLevel.SENSITIVE),
        (180, Verdict.ALLOW, ContentLevel.MATURE),
        (250, Verdict.HOLD, ContentLevel.MATURE),
    ],
)
def test_a_nudity_score_sets_the_level_and_a_sure_one_holds(
    red: int, verdict: str, level: int, settings: Settings
) -> None:
    settings.MODERATION_IMAGE_CHECKERS = ["tests.moderation.broken_checker.finds_nudity"]
    seen = screen_image(image=Image.new("RGB", (8, 8), (red, 0, 0)))
    assert (seen.verdict, seen.level) == (verdict, level)
    assert "nudity" not in seen.message, "a member never sees a model's words"


@pytest.mark.django_db
@pytest.mark.parametrize("broken", ["tests.moderation.broken_checker.check", "no.such.module.check"])
def test_a_checker_that_fails_holds(broken: str, settings: Settings, alice: User) -> None:
    settings.MODERATION_TEXT_CHECKERS = [broken]
    settings.MODERATION_IMAGE_CHECKERS = [broken, "moderation.screening.checkers.nsfw.check"]
    for verdict in (screen_text(text="a cat", kind="negative_prompt"), screen_image(image=picture())):
        assert (verdict.verdict, verdict.reasons) == (Verdict.HOLD, ["unchecked"])
        assert "out of order" not in verdict.message


def test_a_hard_rule_wins_over_a_failure_and_a_failure_over_a_doubt() -> None:
    def seen(label: Label) -> Observation:
        return Observation("x", "1", label, 1.0, Reason.HATE)

    kind = TextKind.PROMPT
    assert decide_text([seen(Label.DOUBTFUL), seen(Label.FAILED)], kind, "1").verdict == Verdict.HOLD
    assert decide_text([seen(Label.FAILED), seen(Label.FORBIDDEN)], kind, "1").verdict == Verdict.REJECT


@given(st.lists(st.sampled_from(Label), max_size=4), st.sampled_from(TextKind), st.floats(0, 1))
def test_one_more_observation_never_makes_a_verdict_milder(labels: list[Label], kind: TextKind, score: float) -> None:
    order = [Verdict.ALLOW, Verdict.ASK, Verdict.HOLD, Verdict.REJECT]
    seen = [Observation("x", "1", label, score) for label in labels]
    for shorter in range(len(seen)):
        less, more = decide_text(seen[:shorter], kind, "1"), decide_text(seen[: shorter + 1], kind, "1")
        assert order.index(less.verdict) <= order.index(more.verdict)
        less, more = decide_image(seen[:shorter], "1"), decide_image(seen[: shorter + 1], "1")
        assert order.index(less.verdict) <= order.index(more.verdict)
        assert less.level <= more.level


def test_the_threshold_of_holding_is_inclusive() -> None:
    sure = Observation("nsfw", "1", Label.EXPLICIT, EXPLICIT_HOLD)
    assert decide_image([sure], "1").verdict == Verdict.HOLD


@pytest.mark.django_db
def test_screening_a_prompt_takes_few_queries(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    screen_text(text="a cat", kind="prompt")
    with django_assert_max_num_queries(1):
        screen_text(text="a dog", kind="prompt")


@pytest.mark.django_db
def test_pictures_offer_their_hash_once(settings: Settings) -> None:
    shown = Picture(picture(1))
    assert shown.hashes is shown.hashes
    assert len(shown.hashes) == 8


@pytest.mark.parametrize(
    "text", ["_" * 44 + "ab", "_" * 9_000 + "ab", "a." * 4_000, "(" * 9_000, "n u" * 3_000, "((a:1.1)" * 1_000]
)
@pytest.mark.django_db
def test_no_text_of_a_few_thousand_characters_keeps_the_gate_busy(text: str) -> None:
    """A run of underscores once took minutes; a pattern that is too slow now counts as a failed checker."""
    assert "unchecked" not in screen_text(text=text, kind="comment").reasons
