"""Two tables of phrases: disguises that must be seen through, and innocents that must pass.

`python -m tests.moderation.screening.rates` prints both rates by group.
"""

import pytest

from tests.moderation.screening.rates import EVASIONS, INNOCENTS, Rates, measure

pytestmark = pytest.mark.django_db


def _report(rates: Rates) -> str:
    return "\n".join(f"{group}: {text!r}" for group, text in rates.wrong)


def test_at_most_one_innocent_phrase_in_a_hundred_is_stopped() -> None:
    rates = measure(INNOCENTS)
    assert rates.tried >= 300
    assert rates.share <= 0.01, _report(rates)


def test_at_least_95_of_100_disguises_are_seen_through() -> None:
    rates = measure(EVASIONS)
    assert rates.tried >= 300
    assert rates.share <= 0.05, _report(rates)
