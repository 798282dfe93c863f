"""Checkers that do not return, fail, talk nonsense or are missing hold; they never publish and never block for long."""

import threading

import pytest
from django.core.checks import run_checks
from pytest_django.fixtures import Settings

from moderation.models import Screening
from moderation.screening.observations import Label, Observation, TextKind
from moderation.screening.running import FAILURES, PAUSE, Breaker
from moderation.screening.services import MAX_TEXT, screen_text

Verdict = Screening.Verdict
HERE = "tests.moderation.screening.test_running"
release = threading.Event()
asked: list[str] = []


def never_returns(text: str, kind: TextKind) -> list[Observation]:
    release.wait()
    return []


def talks_nonsense(text: str, kind: TextKind) -> object:
    return {"verdict": "fine"}


def scores_nothing(text: str, kind: TextKind) -> list[Observation]:
    return [Observation("x", "1", Label.LEVEL, float("nan"))]


def scores_words(text: str, kind: TextKind) -> list[Observation]:
    return [Observation("x", "1", Label.LEVEL, "high")]  # type: ignore[arg-type]


def fails_at_first(text: str, kind: TextKind) -> list[Observation]:
    asked.append(text)
    if len(asked) <= FAILURES:
        raise ConnectionError("away")
    return []


@pytest.mark.parametrize("checker", ["never_returns", "talks_nonsense", "scores_nothing", "scores_words", "missing"])
def test_what_a_broken_checker_looked_at_is_held(checker: str, settings: Settings) -> None:
    settings.MODERATION_TEXT_CHECKERS = [f"{HERE}.{checker}"]
    settings.MODERATION_CHECKER_SECONDS = 0.1
    verdict = screen_text(text="a cat", kind="prompt")
    assert (verdict.verdict, verdict.reasons[:1]) == (Verdict.HOLD, [verdict.observations[0].reason])
    assert "check" in verdict.message
    release.set()


def test_without_checkers_everything_is_held_and_the_site_says_so(settings: Settings) -> None:
    settings.MODERATION_TEXT_CHECKERS = []
    assert screen_text(text="a cat", kind="prompt").verdict == Verdict.HOLD
    settings.MODERATION_IMAGE_CHECKERS = ["no.such.checker"]
    assert {problem.id for problem in run_checks()} >= {"moderation.E001", "moderation.E002"}


def test_a_text_that_is_too_long_to_read_is_held() -> None:
    assert screen_text(text="a" * (MAX_TEXT + 1), kind="comment").verdict == Verdict.HOLD


def test_a_checker_that_keeps_failing_is_left_alone_for_a_while_and_everything_is_held(settings: Settings) -> None:
    asked.clear()
    settings.MODERATION_TEXT_CHECKERS = [f"{HERE}.fails_at_first"]
    for number in range(FAILURES + 3):
        assert screen_text(text=f"cat {number}", kind="prompt").verdict == Verdict.HOLD
    assert len(asked) == FAILURES


def test_after_the_pause_one_text_tries_whether_the_checker_is_well_again() -> None:
    breaker = Breaker()
    for _ in range(FAILURES):
        assert breaker.is_closed(now=0.0)
        breaker.note(is_well=False, now=0.0)
    assert not breaker.is_closed(now=PAUSE - 1)
    assert breaker.is_closed(now=PAUSE)
    assert not breaker.is_closed(now=PAUSE), "only one tries"
    breaker.note(is_well=True, now=PAUSE)
    assert breaker.is_closed(now=PAUSE)
