"""Which picture or pair of a campaign a member is asked about next, with the probability of the choice. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """A picture (`low` and `high` are the same id) or a pair, and how many answers it still lacks."""

    low: int
    high: int
    lacking: int  # answers wanted, less those given and those that members are about to give; 0 at least


def subject_probabilities(subjects: Sequence[Subject], uniform_share: float) -> list[float]:
    """The more answers are lacking the likelier, mixed with a uniform share, so that none has probability 0."""
    total, even = sum(subject.lacking for subject in subjects), 1 / len(subjects)
    if not total:
        return [even] * len(subjects)
    return [(1 - uniform_share) * subject.lacking / total + uniform_share * even for subject in subjects]


def draw_subject(
    subjects: Sequence[Subject], *, uniform_share: float, rng: random.Random
) -> tuple[Subject, float] | None:
    """A subject and the probability it had; None where there is none."""
    if not subjects:
        return None
    chances = subject_probabilities(subjects, uniform_share)
    index = rng.choices(range(len(subjects)), chances)[0]
    return subjects[index], chances[index]
