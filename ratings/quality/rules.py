"""The rules behind quality flags: reasons to leave an answer out, found from the answers alone. Pure.

Nothing here deletes or hides anything. `VERSION` names these rules; a changed threshold is a new version, whose flags
are stored beside the old ones.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from statistics import median

from ratings.quality.models import RULES_VERSION, Flag

VERSION = RULES_VERSION
WINDOW = timedelta(days=30)  # an answer is evaluated together with those of the same member within it

TOO_FAST = 0.25  # of the site's median: faster than anybody reads
FAST, FAST_FOR_MEMBER = 0.5, 0.25  # of the site's median, and of the member's own: flagged if below both
LEAST_OWN = 10  # answers before a member's own median is used
LONGEST_RUN = {False: 10, True: 15}  # answers at one screen position, before all are flagged; scale, pair
GOLD_FAILURES, GOLD_SHARE = 2, 0.5  # from here on all pairs of a member are flagged, not only the failed checks
CONTRADICTIONS, CONTRADICTED_SHARE = 4, 0.5  # from here on all pairs of a member are flagged; chance makes a half
DAILY_CAP = 300
BEFORE_RESTRICTION = timedelta(days=7)

CANT_TELL = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `place` is its screen position: 1…5 of a scale from the left, 0 “can't tell”, or a pair's outcome.

    `dwell_ms` is how long the question was visible, by the browser, but never longer than the server's clock allows.
    """

    ask: int
    at: datetime
    place: int | str
    dwell_ms: int | None
    pair: tuple[int, int] | None = None
    preferred: int | None = None
    repeat_no: int = 0
    spoiled: int | None = None  # of a gold pair: the picture that was shown spoiled
    is_by_aspect: bool = False  # two pictures compared by one aspect; `pair` is empty: it repeats and contradicts none
    is_other: bool = False  # places in a picture, or pictures in order: neither a scale nor a pair

    @property
    def is_pair(self) -> bool | None:
        """Whether two pictures were compared, or a scale was answered; None: neither."""
        return None if self.is_other else self.pair is not None or self.is_by_aspect

    @property
    def gold_failed(self) -> bool | None:
        """Whether the spoiled picture was preferred or called equal; None: no check, or “both bad”."""
        if self.spoiled is None or self.place == "both_bad":
            return None
        return self.preferred in {None, self.spoiled}


@dataclass(frozen=True, slots=True)
class Summary:
    """A member's answers within the window, in numbers."""

    answers: int
    flagged: int
    gold_checks: int
    gold_failed: int
    repeats: int
    contradicted: int
    median_dwell_ms: int | None


def flags_of(
    answers: Sequence[Answer], *, site_medians: Mapping[bool, float], restricted_at: Sequence[datetime] = ()
) -> dict[int, set[Flag]]:
    """The flags of one member's answers, by ask; answers are ordered oldest first, and those without a flag left out.

    `site_medians` are everybody's median milliseconds to an answer: of pairs under True, of scales under False.
    """
    found: dict[int, set[Flag]] = {}
    marked = {
        Flag.TOO_FAST: _too_fast(answers, site_medians),
        Flag.STRAIGHT_LINE: _straight_lines(answers),
        Flag.FAILED_GOLD: _failed_gold(answers),
        Flag.CONTRADICTS: _unreliable_pairs(answers),
        Flag.OVER_CAP: _over_cap(answers),
        Flag.LIMITED: _limited(answers, restricted_at),
    }
    for flag, asks in marked.items():
        for ask in asks:
            found.setdefault(ask, set()).add(flag)
    return found


def summary_of(answers: Sequence[Answer], flags: Mapping[int, set[Flag]]) -> Summary:
    checks = [each.gold_failed for each in answers if each.gold_failed is not None]
    dwells = [each.dwell_ms for each in answers if each.dwell_ms]
    return Summary(
        answers=len(answers),
        flagged=len(flags),
        gold_checks=len(checks),
        gold_failed=sum(checks),
        repeats=sum(each.repeat_no > 0 for each in answers),
        contradicted=_contradicted(answers)[0],
        median_dwell_ms=round(median(dwells)) if dwells else None,
    )


def _too_fast(answers: Sequence[Answer], site_medians: Mapping[bool, float]) -> Iterator[int]:
    for is_pair, site in site_medians.items():
        timed = [(each.ask, each.dwell_ms) for each in answers if each.is_pair == is_pair and each.dwell_ms]
        own = median(dwell for _, dwell in timed) if len(timed) >= LEAST_OWN else 0.0
        for ask, dwell in timed:
            if dwell < TOO_FAST * site or (dwell < FAST * site and dwell < FAST_FOR_MEMBER * own):
                yield ask


def _straight_lines(answers: Sequence[Answer]) -> Iterator[int]:
    """Scales and pairs are runs of their own; the order of steps and sides is drawn for every ask."""
    for is_pair, longest in LONGEST_RUN.items():
        of_kind = [each for each in answers if each.is_pair == is_pair]
        for _place, run in groupby(of_kind, key=lambda each: each.place):
            asks = [each.ask for each in run]
            if len(asks) >= longest:
                yield from asks


def _failed_gold(answers: Sequence[Answer]) -> Iterator[int]:
    checks = [each for each in answers if each.gold_failed is not None]
    failed = [each.ask for each in checks if each.gold_failed]
    is_unreliable = len(failed) >= GOLD_FAILURES and len(failed) >= GOLD_SHARE * len(checks)
    yield from [each.ask for each in answers if each.is_pair] if is_unreliable else failed


def _unreliable_pairs(answers: Sequence[Answer]) -> Iterator[int]:
    """All pairs of a member who contradicts themselves as often as chance would, and no pair of anybody else.

    To leave out the contradicted pairs alone would select on the outcome: those that remain would agree too well.
    """
    contradicted, repeated = _contradicted(answers)
    if contradicted >= CONTRADICTIONS and contradicted >= CONTRADICTED_SHARE * repeated:
        yield from [each.ask for each in answers if each.is_pair]


def _contradicted(answers: Sequence[Answer]) -> tuple[int, int]:
    """(repeats that preferred the other picture, repeats that preferred a picture both times)."""
    first = {each.pair: each for each in answers if each.pair and not each.repeat_no}
    again = [(first.get(each.pair), each) for each in answers if each.pair and each.repeat_no]
    decided = [(one.preferred, two.preferred) for one, two in again if one and one.preferred and two.preferred]
    return sum(one != two for one, two in decided), len(decided)


def _over_cap(answers: Sequence[Answer]) -> Iterator[int]:
    times = [each.at for each in answers]
    for index, each in enumerate(answers):
        if index + 1 - bisect_right(times, each.at - timedelta(days=1)) > DAILY_CAP:
            yield each.ask


def _limited(answers: Sequence[Answer], restricted_at: Sequence[datetime]) -> Iterator[int]:
    for each in answers:
        if any(start - BEFORE_RESTRICTION <= each.at <= start for start in restricted_at):
            yield each.ask
