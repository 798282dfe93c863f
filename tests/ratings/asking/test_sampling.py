"""The draws behind every ask: exact probabilities, limits at their edges, floors."""

import math
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratings.asking import sampling
from ratings.asking.sampling import FLOOR, AskDraw, Candidate, Limit, PairDraw, Parameters, PastAsk

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SLUGS = ["lighting", "subject", "background", "colour", "prompt-match", "artefacts", "overall"]
STRATEGIES = {"model": 0.35, "seed": 0.25, "setting": 0.15, "prompt": 0.1, "challenge": 0.15}
POLICY = Parameters(p_ask={"result": 0.05, "post": 0.2}, strategies=STRATEGIES, p_gold=0.03)
DRAWS = 100_000
SEED = 20_260_301


def past(minutes: float, outcome: str = "answered") -> PastAsk:
    return PastAsk(NOW - timedelta(minutes=minutes), outcome, NOW - timedelta(minutes=minutes))


def draw(recent: list[PastAsk], rng: random.Random | None = None, surface: str = "result") -> AskDraw:
    return sampling.draw_ask(
        POLICY, surface=surface, recent=recent, questions=SLUGS, now=NOW, rng=rng or random.Random(1)
    )


def agrees(seen: int, p: float, draws: int = DRAWS) -> bool:
    """Within Monte-Carlo error: 4.5 standard deviations, so that hundreds of comparisons all hold."""
    return abs(seen - draws * p) <= 4.5 * math.sqrt(draws * p * (1 - p))


# Limits


@pytest.mark.parametrize(("minutes", "limit"), [(9.99, Limit.SPACING), (10, Limit.NONE), (11, Limit.NONE)])
def test_ten_minutes_lie_between_two_asks(minutes: float, limit: Limit) -> None:
    assert sampling.limit_of(POLICY, [past(minutes)], NOW) == limit


@pytest.mark.parametrize(("oldest", "limit"), [(24 * 60 - 0.01, Limit.DAY), (24 * 60, Limit.NONE)])
def test_a_fourth_ask_waits_until_the_first_is_a_rolling_day_old(oldest: float, limit: Limit) -> None:
    assert sampling.limit_of(POLICY, [past(20), past(40), past(oldest)], NOW) == limit


@pytest.mark.parametrize(("hours", "limit"), [(23.99, Limit.PAUSE), (24, Limit.NONE)])
def test_two_dismissals_in_a_row_pause_asking_for_a_day(hours: float, limit: Limit) -> None:
    row = [past(hours * 60, "dismissed"), past(hours * 60 + 30, "dismissed")]
    assert sampling.limit_of(POLICY, row, NOW) == limit


def test_the_pause_doubles_with_each_further_dismissal_and_ends_within_a_fortnight() -> None:
    for row, days in [(2, 1), (3, 2), (4, 4), (5, 8), (6, 14), (12, 14)]:
        recent = [past(10 * n, "dismissed") for n in range(row)]
        assert sampling.pause_until(POLICY, recent) == NOW + timedelta(days=days)


def test_an_answer_between_two_dismissals_breaks_the_row_and_an_unseen_ask_does_not() -> None:
    dismissed = [past(60, "dismissed"), past(120, "dismissed")]
    assert sampling.pause_until(POLICY, [dismissed[0], past(90), dismissed[1]]) is None
    assert sampling.pause_until(POLICY, [past(5, "not_rendered"), dismissed[0], past(90, "expired"), dismissed[1]])
    assert sampling.pause_until(POLICY, [past(30, "dismissed")]) is None


@given(
    st.lists(st.tuples(st.floats(0, 4000), st.sampled_from(["answered", "dismissed", "expired"])), max_size=12),
    st.integers(0, 2**32),
)
def test_at_a_limit_the_probability_is_0_and_nobody_is_asked(row: list[tuple[float, str]], seed: int) -> None:
    recent = [past(minutes, outcome) for minutes, outcome in sorted(row)]
    drawn = draw(recent, random.Random(seed))
    assert drawn.limit == sampling.limit_of(POLICY, recent, NOW)
    assert drawn.p_ask == (0 if drawn.limit else 0.05)
    assert not (drawn.is_asked and drawn.limit)


def test_a_surface_without_a_share_is_never_asked_on_and_a_tiny_share_is_raised_to_the_floor() -> None:
    assert draw([], surface="compare").p_ask == 0
    tiny = Parameters(p_ask={"post": 0.001})
    drawn = sampling.draw_ask(tiny, surface="post", recent=[], questions=SLUGS, now=NOW, rng=random.Random(1))
    assert drawn.p_ask == FLOOR


def test_a_pause_comes_before_the_daily_limit_and_that_before_the_spacing() -> None:
    dismissed = [past(n, "dismissed") for n in (1, 2, 3)]
    assert sampling.limit_of(POLICY, dismissed, NOW) == Limit.PAUSE
    assert sampling.limit_of(POLICY, [past(n) for n in (1, 2, 3)], NOW) == Limit.DAY
    assert sampling.limit_of(POLICY, [past(n) for n in (1, 2)], NOW) == Limit.SPACING
    assert sampling.limit_of(POLICY, [], NOW) == Limit.NONE
    assert sampling.limit_of(Parameters(p_ask={}, asks_per_day=0), [], NOW) == Limit.DAY


def test_a_pause_starts_when_the_latest_dismissal_was_closed() -> None:
    first = PastAsk(NOW - timedelta(hours=3), "dismissed", NOW - timedelta(hours=2, minutes=59))
    latest = PastAsk(NOW - timedelta(hours=2), "dismissed", NOW - timedelta(hours=1))
    assert sampling.pause_until(POLICY, [latest, first]) == NOW + timedelta(hours=23)
    assert sampling.pause_until(POLICY, [PastAsk(latest.created_at, "dismissed"), first]) == NOW + timedelta(hours=22)


@given(
    st.integers(1, 4),
    st.floats(0.5, 48),
    st.floats(1, 400),
    st.lists(st.sampled_from(["dismissed", "skipped"]), max_size=9),
)
def test_a_pause_is_the_first_one_doubled_by_each_further_dismissal(
    least: int, hours: float, longest: float, outcomes: list[str]
) -> None:
    policy = Parameters(p_ask={}, dismissals_in_row=least, pause_hours=hours, longest_pause_hours=longest)
    run = outcomes.index("skipped") if "skipped" in outcomes else len(outcomes)
    expected = NOW + timedelta(hours=min(longest, hours * 2 ** (run - least))) if run >= least else None
    assert sampling.pause_until(policy, [past(0, outcome) for outcome in outcomes]) == expected


class Lowest(random.Random):
    """Always the smallest number that a generator may return."""

    def random(self) -> float:
        return 0.0


def test_even_the_lowest_draw_asks_nothing_at_a_probability_of_0() -> None:
    assert not draw([past(1)], Lowest()).is_asked
    assert not draw([], Lowest(), surface="compare").is_asked
    assert draw([], Lowest()).is_asked


# Probabilities


@given(st.dictionaries(st.integers(), st.floats(0.0, 1e6), min_size=1, max_size=60).filter(lambda d: sum(d.values())))
def test_floored_probabilities_add_up_and_none_is_under_the_floor(weights: dict[int, float]) -> None:
    floored = sampling.floored(weights)
    assert floored.keys() == weights.keys()
    assert sum(floored.values()) == pytest.approx(1)
    assert min(floored.values()) >= FLOOR - 1e-12


@given(st.dictionaries(st.integers(), st.floats(1e-3, 1e3), min_size=1, max_size=60))
def test_probabilities_above_the_floor_keep_their_proportions(weights: dict[int, float]) -> None:
    floored = sampling.floored(weights)
    kept = [key for key, p in floored.items() if p > FLOOR]
    rest = 1 - FLOOR * (len(weights) - len(kept))
    total = sum(weights[key] for key in kept)
    assert all(floored[key] == pytest.approx(weights[key] / total * rest) for key in kept)
    assert all(weights[key] / total * rest < FLOOR + 1e-9 for key in weights if key not in kept)


def test_weights_under_the_floor_are_raised_to_exactly_it() -> None:
    assert sampling.floored({"a": 1000, "b": 1, "c": 0}) == pytest.approx({"a": 0.98, "b": FLOOR, "c": FLOOR})
    assert sampling.floored(dict.fromkeys(range(100), 5.0)) == pytest.approx(dict.fromkeys(range(100), FLOOR))


@given(st.dictionaries(st.integers(), st.floats(0.01, 1), min_size=1, max_size=9), st.integers())
def test_a_choice_comes_with_the_probability_of_its_key(probabilities: dict[int, float], seed: int) -> None:
    key, p = sampling.choose(probabilities, random.Random(seed))
    assert probabilities[key] == p


def test_probabilities_above_the_floor_already_are_taken_as_they_are() -> None:
    assert sampling.floored({"a": 0.75, "b": 0.25}) == {"a": 0.75, "b": 0.25}


def test_overall_is_a_fifth_of_the_asks_and_the_others_share_the_rest() -> None:
    probabilities = sampling.question_probabilities(POLICY, SLUGS)
    assert probabilities["overall"] == pytest.approx(0.2)
    assert probabilities["lighting"] == probabilities["artefacts"] == pytest.approx(0.8 / 6)
    assert sampling.question_probabilities(POLICY, ["overall"]) == {"overall": 1}
    assert sampling.question_probabilities(POLICY, ["lighting", "colour"]) == {"lighting": 0.5, "colour": 0.5}


def test_every_question_keeps_the_floor_whatever_the_share_of_overall() -> None:
    never, always = (Parameters(p_ask={}, p_overall=share) for share in (0.0, 1.0))
    assert sampling.question_probabilities(never, ["a", "overall"]) == pytest.approx({"a": 0.99, "overall": FLOOR})
    assert sampling.question_probabilities(always, ["a", "overall"]) == pytest.approx({"a": FLOOR, "overall": 0.99})


RECENT = {
    "first": [],
    "answers": [past(60)],
    "silent": [past(60, "skipped"), past(200, "dismissed")],
    "at a limit": [past(20), past(40), past(60)],
}


@pytest.mark.parametrize("history", RECENT)
def test_recorded_probabilities_of_asks_match_what_happens_in_every_stratum(history: str) -> None:
    rng = random.Random(f"{SEED}{history}")
    for surface, p_ask in POLICY.p_ask.items():
        recent = RECENT[history]
        first = draw(recent, rng, surface)
        assert first.p_ask == (0 if history == "at a limit" else p_ask)
        rows = (draw(recent, rng, surface) for _ in range(DRAWS))
        asked = [row for row in rows if row.is_asked]
        seen = Counter(row.question for row in asked)
        recorded = {row.question: row.p_ask * row.p_question for row in asked}
        assert {row.p_ask for row in asked} <= {first.p_ask}
        assert agrees(len(asked), first.p_ask)
        assert set(seen) == (set(SLUGS) if first.p_ask else set())
        assert all(agrees(seen[slug], p) for slug, p in recorded.items()), (surface, seen, recorded)
        assert all(p >= FLOOR**2 for p in recorded.values())
        assert agrees(sum(row.is_scale_reversed for row in asked), 0.5, len(asked))


# Pairs

POOLS = {
    "seed": [Candidate(1, n, raters=n % 4) for n in range(2, 12)],
    "model": [Candidate(20, 21), Candidate(22, 23, raters=1)],
    "setting": [],
    "prompt": [Candidate(30, n, raters=5) for n in range(31, 35)],
    "repeat": [Candidate(50, 51, raters=1, swap=True), Candidate(52, 53, raters=1, swap=False)],
    "gold": [Candidate(60, n) for n in range(61, 66)],
    "challenge": [Candidate(70, 71), Candidate(72, 73, raters=2)],
}


def test_recorded_propensities_of_pairs_match_what_happens_to_every_pair_and_side() -> None:
    rng = random.Random(SEED)
    seen: Counter[tuple[str, int, int, bool]] = Counter()
    recorded: dict[tuple[str, int, int, bool], float] = {}
    for _ in range(DRAWS):
        drawn = sampling.draw_pair(POLICY, pools=POOLS, rng=rng)
        assert drawn is not None
        key = (drawn.strategy, drawn.candidate.low, drawn.candidate.high, drawn.is_side_swapped)
        seen[key] += 1
        recorded[key] = drawn.p_strategy * drawn.p_pair * drawn.p_side
    assert all(agrees(seen[key], p) for key, p in recorded.items()), [
        (key, seen[key] / DRAWS, p) for key, p in recorded.items() if not agrees(seen[key], p)
    ]
    assert sum(recorded.values()) == pytest.approx(1, abs=0.01)  # a pair never seen would be missing from the sum


def test_a_pair_shown_again_has_its_sides_swapped_with_certainty() -> None:
    again = {"seed": [], "model": POOLS["model"], "repeat": POOLS["repeat"]}
    policy = Parameters(p_ask={}, strategies=STRATEGIES, p_repeat=0.9)
    rng = random.Random(SEED)
    repeats = [
        d for _ in range(200) if (d := sampling.draw_pair(policy, pools=again, rng=rng)) and d.strategy == "repeat"
    ]
    assert repeats
    assert all(d.is_side_swapped == d.candidate.swap and d.p_side == 1 for d in repeats)


def test_hidden_checks_are_two_and_three_in_a_hundred_and_never_the_only_thing_left() -> None:
    probabilities = sampling.strategy_probabilities(POLICY, ["seed", "repeat", "gold"])
    assert probabilities == pytest.approx({"seed": 0.95, "repeat": 0.02, "gold": 0.03})
    assert sampling.strategy_probabilities(POLICY, ["seed", "gold"]) == pytest.approx({"seed": 0.97, "gold": 0.03})
    assert sampling.strategy_probabilities(POLICY, ["repeat", "gold"]) == {}
    assert sampling.draw_pair(POLICY, pools={"repeat": POOLS["repeat"]}, rng=random.Random(1)) is None


@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 6)), min_size=1, max_size=80, unique_by=lambda c: c[0]),
    st.integers(0, 2**32),
)
def test_every_eligible_pair_keeps_at_least_its_share_of_the_uniform_tenth(
    rows: list[tuple[int, int]], seed: int
) -> None:
    pool = [Candidate(0, high, raters) for high, raters in rows]
    probabilities = sampling.pair_probabilities(POLICY, pool)
    assert sum(probabilities) == pytest.approx(1)
    assert min(probabilities) >= 0.1 / len(pool) - 1e-12
    drawn = sampling.draw_pair(POLICY, pools={"seed": pool}, rng=random.Random(seed))
    assert isinstance(drawn, PairDraw)
    assert drawn.p_strategy * drawn.p_pair * drawn.p_side > 0


def test_pair_probabilities_are_the_weights_mixed_with_a_uniform_share() -> None:
    policy = Parameters(p_ask={}, uniform_share=0.2, overlap_share=1.0, overlap_weight=3)
    pool = [Candidate(1, 2), Candidate(3, 4, raters=2), Candidate(5, 6, raters=3), Candidate(7, 8)]
    expected = [0.8 * 1 / 5 + 0.05, 0.8 * 3 / 5 + 0.05, 0.05, 0.8 * 1 / 5 + 0.05]
    assert sampling.pair_probabilities(policy, pool) == pytest.approx(expected)
    done = [Candidate(1, n, raters=9) for n in (2, 3, 4, 5)]
    assert sampling.pair_probabilities(policy, done) == pytest.approx([0.25] * 4)


def test_overlap_and_the_damaged_side_are_drawn_independently_for_a_pair() -> None:
    pairs = [Candidate(low, low + 1) for low in range(20_000)]
    none, every = (Parameters(p_ask={}, overlap_share=share) for share in (0.0, 1.0))
    assert not any(sampling.is_overlap(none, pair) for pair in pairs)
    assert all(sampling.is_overlap(every, pair) for pair in pairs)
    overlapping = [pair for pair in pairs if sampling.is_overlap(POLICY, pair)]
    assert agrees(sum(map(sampling.is_high_spoiled, overlapping)), 0.5, len(overlapping))
    assert agrees(sum(map(sampling.is_high_spoiled, pairs)), 0.5, len(pairs))
    assert sampling.is_overlap(POLICY, Candidate(1, 2)) == sampling.is_overlap(POLICY, Candidate(1, 2, 5, swap=True))


def test_about_a_tenth_of_pairs_is_served_until_three_people_have_answered_and_no_longer() -> None:
    pairs = [Candidate(low, low + 1) for low in range(20_000)]
    overlapping = [pair for pair in pairs if sampling.is_overlap(POLICY, pair)]
    assert agrees(len(overlapping), 0.1, len(pairs))
    pair, other = overlapping[0], next(p for p in pairs if not sampling.is_overlap(POLICY, p))
    fresh = Candidate(10**6, 10**6 + 1)
    for raters, is_favoured in [(0, False), (1, True), (2, True), (3, False)]:
        pool = [fresh, Candidate(pair.low, pair.high, raters), Candidate(other.low, other.high, 1)]
        probabilities = sampling.pair_probabilities(POLICY, pool)
        assert (probabilities[1] > probabilities[0]) == is_favoured
        assert probabilities[2] == pytest.approx(0.1 / 3)


def test_a_gold_pair_has_one_spoiled_side_the_same_for_everybody_and_either_as_often() -> None:
    policy = Parameters(p_ask={}, strategies=STRATEGIES, p_gold=0.5)
    pools = {"seed": [Candidate(1, 2)], "gold": [Candidate(3, n) for n in range(4, 204)]}
    rng = random.Random(SEED)
    drawn = [d for _ in range(2000) if (d := sampling.draw_pair(policy, pools=pools, rng=rng))]
    assert {d.is_high_spoiled for d in drawn if d.strategy != "gold"} == {None}
    gold = [d for d in drawn if d.strategy == "gold"]
    assert agrees(len(gold), 0.5, len(drawn))
    spoiled = {d.candidate: d.is_high_spoiled for d in gold}
    assert all(d.is_high_spoiled == spoiled[d.candidate] for d in gold)
    assert agrees(sum(map(bool, spoiled.values())), 0.5, len(spoiled))


# Policies and strata


def test_a_policy_with_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="no parameter chance"):
        Parameters.from_json({"p_ask": {}, "chance": 1})


def test_a_policy_without_numbers_has_the_documented_ones() -> None:
    policy = Parameters(p_ask={})
    assert (policy.asks_per_day, policy.minutes_between, policy.dismissals_in_row) == (3, 10, 2)
    assert (policy.pause_hours, policy.longest_pause_hours, policy.expires_minutes) == (24, 14 * 24, 60)
    assert (policy.p_overall, policy.p_repeat, policy.p_gold, policy.uniform_share) == (0.2, 0.02, 0, 0.1)
    assert (policy.overlap_share, policy.overlap_raters, policy.overlap_weight, policy.pool_size) == (0.1, 3, 20, 200)


EDGES: list[tuple[str, Any, Any]] = [
    ("p_ask", {"post": 1.0}, {"post": 1.01}),
    ("p_ask", {"post": 0.0}, {"post": -0.01}),
    ("p_overall", 1.0, 1.01),
    ("p_overall", 0.0, -0.01),
    ("uniform_share", 1.0, 1.01),
    ("uniform_share", 0.01, 0.0),
    ("overlap_share", 0.0, -0.01),
    ("overlap_share", 1.0, 1.01),
    ("p_repeat", 0.0, -0.01),
    ("p_repeat", 0.99, 1.0),
    ("p_gold", 0.97, 0.98),  # beside p_repeat of 0.02
    ("p_gold", 0.0, -0.01),
    ("strategies", {"seed": 0.01}, {"seed": 0.0}),
    ("asks_per_day", 0, -1),
    ("dismissals_in_row", 1, 0),
    ("pool_size", 1, 0),
    ("expires_minutes", 0.5, 0),
]


@pytest.mark.parametrize(("name", "accepted", "refused"), EDGES)
def test_each_number_of_a_policy_is_accepted_up_to_its_edge(name: str, accepted: Any, refused: Any) -> None:
    Parameters.from_json({"p_ask": {}, name: accepted})
    with pytest.raises(ValueError, match="must"):
        Parameters.from_json({"p_ask": {}, name: refused})


@pytest.mark.parametrize(
    ("days", "recent", "stratum"),
    [
        (6.9, [], "new/first"),
        (7, [], "regular/first"),
        (30, [past(5, "open"), past(60)], "regular/answers"),
        (30, [past(60, "skipped"), past(120)], "regular/silent"),
        (30, [past(60, "expired")], "regular/silent"),
    ],
)
def test_a_stratum_is_how_long_somebody_is_here_and_what_became_of_the_last_ask(
    days: float, recent: list[PastAsk], stratum: str
) -> None:
    assert sampling.stratum_of(NOW - timedelta(days=days), recent, NOW) == stratum
