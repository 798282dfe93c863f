"""How carefully answers were given: reasons to leave some out, found from the answers alone. Pure.

Nothing here deletes or hides anything. `VERSION` names the rules as they are in this file; another threshold is
another version, whose flags stand beside the old ones.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from statistics import median

from ratings.quality.models import RULES_VERSION, Flag

VERSION = RULES_VERSION
WINDOW = timedelta(days=30)  # an answer is judged beside those of the same member within it

HASTY = 0.25  # of the site's median: faster than anybody reads
HURRIED, OWN_HURRIED = 0.5, 0.25  # of the site's median and of the member's own: fast for all, and for this one
LEAST_OWN = 10  # answers before a member's own median says something
LONGEST_ROW = {False: 10, True: 15}  # answers on one place of the screen; of a scale, of a pair
GOLD_FAILURES, GOLD_SHARE = 2, 0.5  # from here on a member's pairs are in doubt, not the checks alone
DAILY_CAP = 300
BEFORE_RESTRICTION = timedelta(days=7)

CANT_TELL = 0


@dataclass(frozen=True, slots=True)
class Given:
    """One answer. `place` is where on the screen: 1…5 of a scale from the left, 0 “can't tell”, or a pair's outcome."""

    ask: int
    at: datetime
    place: int | str
    dwell_ms: int | None
    pair: tuple[int, int] | None = None
    preferred: int | None = None
    repeat_no: int = 0
    spoiled: int | None = None  # of a gold pair: the picture that was shown spoiled

    @property
    def is_pair(self) -> bool:
        return self.pair is not None

    @property
    def gold_failed(self) -> bool | None:
        """Whether the spoiled picture was preferred or found as good; None: no check, or “both bad”."""
        if self.spoiled is None or self.place == "both_bad":
            return None
        return self.preferred in {None, self.spoiled}


@dataclass(frozen=True, slots=True)
class Summary:
    """A member's answers within the window, in numbers."""

    answers: int
    flagged: int
    gold_judged: int
    gold_failed: int
    repeats: int
    contradicted: int
    median_dwell_ms: int | None


def flags_of(
    given: Sequence[Given], *, site_medians: Mapping[bool, float], restricted_at: Sequence[datetime] = ()
) -> dict[int, set[Flag]]:
    """The flags of one member's answers by ask, oldest answer first; answers without a flag are left out.

    `site_medians` are everybody's median milliseconds to an answer: of pairs under True, of scales under False.
    """
    found: dict[int, set[Flag]] = {}
    marked = {
        Flag.TOO_FAST: _too_fast(given, site_medians),
        Flag.STRAIGHT_LINE: _straight_lines(given),
        Flag.FAILED_GOLD: _failed_gold(given),
        Flag.CONTRADICTS: (ask for pair in _contradictions(given) for ask in pair),
        Flag.OVER_CAP: _over_cap(given),
        Flag.LIMITED: _limited(given, restricted_at),
    }
    for flag, asks in marked.items():
        for ask in asks:
            found.setdefault(ask, set()).add(flag)
    return found


def summary_of(given: Sequence[Given], flags: Mapping[int, set[Flag]]) -> Summary:
    checks = [each.gold_failed for each in given if each.gold_failed is not None]
    dwells = [each.dwell_ms for each in given if each.dwell_ms]
    return Summary(
        answers=len(given),
        flagged=len(flags),
        gold_judged=len(checks),
        gold_failed=sum(checks),
        repeats=sum(each.repeat_no > 0 for each in given),
        contradicted=sum(1 for _ in _contradictions(given)),
        median_dwell_ms=round(median(dwells)) if dwells else None,
    )


def _too_fast(given: Sequence[Given], site_medians: Mapping[bool, float]) -> Iterator[int]:
    for is_pair, site in site_medians.items():
        timed = [(each.ask, each.dwell_ms) for each in given if each.is_pair == is_pair and each.dwell_ms]
        own = median(dwell for _, dwell in timed) if len(timed) >= LEAST_OWN else 0.0
        for ask, dwell in timed:
            if dwell < HASTY * site or (dwell < HURRIED * site and dwell < OWN_HURRIED * own):
                yield ask


def _straight_lines(given: Sequence[Given]) -> Iterator[int]:
    """Scales and pairs are each a row of their own; the order of steps and sides is drawn anew every time."""
    for is_pair, longest in LONGEST_ROW.items():
        answers = [each for each in given if each.is_pair == is_pair]
        for _place, run in groupby(answers, key=lambda each: each.place):
            row = [each.ask for each in run]
            if len(row) >= longest:
                yield from row


def _failed_gold(given: Sequence[Given]) -> Iterator[int]:
    checks = [each for each in given if each.gold_failed is not None]
    failed = [each.ask for each in checks if each.gold_failed]
    in_doubt = len(failed) >= GOLD_FAILURES and len(failed) >= GOLD_SHARE * len(checks)
    yield from [each.ask for each in given if each.is_pair] if in_doubt else failed


def _contradictions(given: Sequence[Given]) -> Iterator[tuple[int, int]]:
    """(first, again) of a pair where one picture was preferred once and the other one later."""
    first = {each.pair: each for each in given if each.pair and not each.repeat_no}
    for again in given:
        earlier = first.get(again.pair) if again.pair and again.repeat_no else None
        if earlier and earlier.preferred and again.preferred and earlier.preferred != again.preferred:
            yield earlier.ask, again.ask


def _over_cap(given: Sequence[Given]) -> Iterator[int]:
    times = [each.at for each in given]
    for place, each in enumerate(given):
        if place + 1 - bisect_right(times, each.at - timedelta(days=1)) > DAILY_CAP:
            yield each.ask


def _limited(given: Sequence[Given], restricted_at: Sequence[datetime]) -> Iterator[int]:
    for each in given:
        if any(start - BEFORE_RESTRICTION <= each.at <= start for start in restricted_at):
            yield each.ask
