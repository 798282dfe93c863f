"""Properties of the order of the queue, whatever it looks like; simulated with the functions that workers call."""

import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generation.queue.ordering import (
    BUCKETS,
    MAX_PASSED_OVER,
    Candidate,
    Cap,
    Line,
    Standing,
    Turn,
    bucket_of,
    charge,
    choose,
    default_cap,
    forecast,
    own_order,
)

# A busy machine is slow, and says nothing about the properties.
slow_machine = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
few = settings(slow_machine, max_examples=10)
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def candidate(number: int, author: int, **fields: object) -> Candidate:
    values = {"key": "k", "checkpoint": 1, "cost": 100, "queued_at": NOW + timedelta(seconds=number)} | fields
    return Candidate(number, author, **values)  # type: ignore[arg-type]


@st.composite
def queues(draw: st.DrawFn) -> list[Candidate]:
    row = st.tuples(
        st.integers(1, 5), st.sampled_from("abc"), st.integers(1, 10_000), st.integers(0, 600), st.integers(-2, 2),
        st.booleans(), st.booleans(),
    )  # fmt: skip
    return [
        Candidate(
            number, author, key, ord(key), cost, NOW - timedelta(seconds=wait), (32, 32), priority, is_alone, is_paid
        )
        for number, (author, key, cost, wait, priority, is_alone, is_paid) in enumerate(
            draw(st.lists(row, min_size=1, max_size=40))
        )
    ]


standings = st.builds(
    Standing,
    clock=st.integers(0, 50_000).map(float),
    finished=st.dictionaries(st.integers(1, 5), st.integers(0, 100_000).map(float)),
    weights=st.dictionaries(st.integers(1, 5), st.sampled_from([0.5, 1.0, 2.0])),
)
caps = st.integers(1, 8)


def served(queue: Iterable[Candidate], standing: Standing, cap: Cap, warm: int | None = None) -> list[list[Candidate]]:
    """The batches of a queue, chosen one at a time, as workers do."""
    waiting, batches = {each.id: each for each in queue}, []
    while waiting:
        batch = choose(waiting.values(), standing=standing, cap=cap, warm=warm)
        standing = charge(standing, batch)
        batches.append(batch)
        for each in batch:
            del waiting[each.id]
    return batches


@slow_machine
@given(queues(), standings, caps, st.sampled_from([None, 97, 98, 99]))
def test_a_batch_has_one_key_fits_its_cap_and_holds_no_image_twice(
    queue: list[Candidate], standing: Standing, cap: int, warm: int | None
) -> None:
    batch = choose(queue, standing=standing, cap=lambda _: cap, warm=warm)
    assert 1 <= len(batch) <= cap
    assert len({each.key for each in batch}) == 1
    assert len({each.id for each in batch}) == len(batch)
    assert set(batch) <= set(queue)


@slow_machine
@given(queues(), standings, caps)
def test_a_batch_is_as_full_as_its_cap_and_the_queue_allow(
    queue: list[Candidate], standing: Standing, cap: int
) -> None:
    batch = choose(queue, standing=standing, cap=lambda _: cap)
    alike = [each for each in queue if each.key == batch[0].key and not each.is_alone]
    assert len(batch) == (1 if batch[0].is_alone else min(cap, len(alike)))


@slow_machine
@given(queues(), standings)
def test_an_image_that_failed_is_drawn_alone(queue: list[Candidate], standing: Standing) -> None:
    for batch in served(queue, standing, lambda _: 8):
        assert len(batch) == 1 or not any(each.is_alone for each in batch)


@slow_machine
@given(queues(), standings)
def test_the_turn_is_of_the_member_with_the_least_time_and_then_of_the_oldest(
    queue: list[Candidate], standing: Standing
) -> None:
    head = choose(queue, standing=standing, cap=lambda _: 1)[0]
    first = {each.author: each for each in sorted(queue, key=own_order, reverse=True)}
    assert head == min(first.values(), key=lambda each: (standing.start_of(each.author), each.queued_at, each.id))


@slow_machine
@given(queues(), standings)
def test_every_image_is_drawn_exactly_once(queue: list[Candidate], standing: Standing) -> None:
    drawn = [each.id for batch in served(queue, standing, lambda _: 3) for each in batch]
    assert sorted(drawn) == sorted(each.id for each in queue)


@slow_machine
@given(queues(), standings)
def test_a_members_own_images_of_one_key_are_drawn_by_priority_and_age(
    queue: list[Candidate], standing: Standing
) -> None:
    drawn = [each for batch in served(queue, standing, lambda _: 2) for each in batch]
    for author, key in {(each.author, each.key) for each in queue}:
        own = [each for each in drawn if (each.author, each.key, each.is_alone) == (author, key, False)]
        assert own == sorted(own, key=own_order)


@slow_machine
@given(queues(), standings, caps)
def test_a_forecast_is_the_order_in_which_workers_choose(queue: list[Candidate], standing: Standing, cap: int) -> None:
    turns = forecast(queue, standing=standing, cap=lambda _: cap)
    batches = served(queue, standing, lambda _: cap)
    assert sorted(turns, key=lambda image: turns[image].place) == [each.id for batch in batches for each in batch]
    done = 0
    for batch in batches:
        done += sum(each.cost for each in batch)
        assert {turns[each.id].cost for each in batch} == {done}


def test_places_count_from_one_and_costs_include_the_image_itself() -> None:
    queue = [candidate(1, 1), candidate(2, 2, cost=50)]
    turns = forecast(queue, standing=Standing(), cap=lambda _: 1)
    assert turns == {1: Turn(1, 100), 2: Turn(2, 150)}


# --- Fairness over time


class Site:
    """Members who always have something waiting, and workers that draw for `seconds` of virtual time."""

    def __init__(self, costs: dict[int, int], backlog: dict[int, int], cap: int, keys: int = 1) -> None:
        """Pictures of one cost share one of `keys` keys: equal keys have equal costs, as size and steps are part."""
        self.cap, self.standing, self.number = cap, Standing(), 0
        self.costs = costs
        self.keys = {author: f"{cost}-{author % keys}" for author, cost in costs.items()}
        self.waiting: dict[int, Candidate] = {}
        self.served: Counter[int] = Counter()
        for author, count in backlog.items():
            for _image in range(count):
                self.submit(author)

    def submit(self, author: int) -> Candidate:
        self.number += 1
        each = candidate(self.number, author, key=self.keys[author], cost=self.costs[author])
        self.waiting[each.id] = each
        return each

    def draw(self) -> list[Candidate]:
        batch = choose(self.waiting.values(), standing=self.standing, cap=lambda _: self.cap)
        self.standing = charge(self.standing, batch)
        for each in batch:
            del self.waiting[each.id]
            self.served[each.author] += each.cost
        return batch


def assert_fair(site: Site, cost: int) -> None:
    """Draws until everybody was served `cost`, then compares the shares."""
    members = site.costs
    while min(site.served[author] for author in members) < cost:
        for each in site.draw():
            site.submit(each.author)
    ideal = sum(site.served.values()) / len(members)
    assert all(ideal / 1.5 <= site.served[author] <= ideal * 1.5 for author in members)


@few
@given(st.integers(2, 8), st.sampled_from([1, 4, 8]), st.integers(1, 3), st.randoms(use_true_random=False))
def test_members_get_equal_shares_whatever_their_pictures_cost_and_however_many_they_queue(
    members: int, cap: int, keys: int, rng: random.Random
) -> None:
    costs = {author: rng.choice([20, 60, 200, 600]) for author in range(members)}
    backlog = {author: cap + 7 * (author % 2) for author in costs}
    assert_fair(Site(costs, backlog, cap, keys), 4 * cap * 600)


@pytest.mark.parametrize("cap", [1, 8])
def test_pictures_of_a_tenth_of_a_second_and_of_a_minute_share_the_machine_evenly(cap: int) -> None:
    costs = {0: 1, 1: 1, 2: 10, 3: 100, 4: 600}
    assert_fair(Site(costs, dict.fromkeys(costs, 2 * cap), cap), 3 * cap * 600)


@pytest.mark.parametrize(("members", "cap"), [(5, 1), (50, 1), (50, 8), (500, 8)])
def test_from_5_to_500_members_shares_are_even_though_one_submits_half(members: int, cap: int) -> None:
    costs = {author: (100, 250, 600)[author % 3] for author in range(members)}
    backlog = {author: members if author == 0 else 1 for author in costs}
    assert_fair(Site(costs, backlog, cap), 4 * 600)


@pytest.mark.parametrize(("members", "cap"), [(5, 1), (50, 1), (50, 8), (500, 1), (500, 8)])
def test_a_newcomer_with_one_picture_is_served_within_one_round(members: int, cap: int) -> None:
    costs = dict.fromkeys(range(members), 100) | {members: 6000}
    site = Site(costs, dict.fromkeys(range(members), 2), cap)
    for _batch in range(members // cap + members // 3):
        for each in site.draw():
            site.submit(each.author)
    mine, before = site.submit(members), Counter[int]()
    while mine.id in site.waiting:
        before.update(each.author for each in site.draw() if each.id != mine.id)
    assert max(before.values(), default=0) <= 1
    assert sum(before.values()) <= members


def test_whoever_comes_back_after_a_pause_has_saved_nothing_up() -> None:
    standing = Standing(clock=1000.0, finished={1: 100.0, 2: 1000.0})
    queue = [candidate(number, 1 + number % 2) for number in range(8)]
    order = [batch[0].author for batch in served(queue, standing, lambda _: 1)]
    assert order == [1, 2] * 4


def test_whoever_was_served_much_waits_for_the_others() -> None:
    standing = Standing(clock=1000.0, finished={1: 1250.0})
    queue = [candidate(0, 1), *(candidate(number, 2) for number in range(1, 6))]
    order = [batch[0].author for batch in served(queue, standing, lambda _: 1)]
    assert order == [2, 2, 2, 1, 2, 2]


def test_a_weight_of_two_gets_twice_as_much() -> None:
    queue = [candidate(number, number % 2) for number in range(60)]
    order = [batch[0].author for batch in served(queue, Standing(weights={1: 2.0}), lambda _: 1)]
    assert Counter(order[:30]) == {1: 20, 0: 10}


def test_drawing_again_what_was_charged_before_is_free() -> None:
    once = charge(Standing(), [candidate(1, 1)])
    assert once.finished == {1: 100.0}
    assert charge(once, [candidate(1, 1, is_paid=True)]).finished == {1: 100.0}


def test_nobody_pays_for_a_batch_of_nothing() -> None:
    standing = Standing(clock=7.0, finished={1: 9.0})
    assert charge(standing, []) == standing


def test_the_clock_follows_the_head_of_a_batch_and_not_who_is_drawn_along() -> None:
    standing = charge(Standing(clock=10.0, finished={1: 30.0, 2: 900.0}), [candidate(1, 1), candidate(2, 2)])
    assert (standing.clock, standing.finished) == (30.0, {1: 130.0, 2: 1000.0})


def test_who_is_drawn_along_are_the_members_served_least() -> None:
    queue = [candidate(0, 1), *(candidate(10 * author, author) for author in (2, 3, 4))]
    standing = Standing(finished={2: 50.0, 3: 20.0, 4: 40.0})
    batch = choose(queue, standing=standing, cap=lambda _: 3)
    assert [each.author for each in batch] == [1, 3, 4]


def test_a_full_batch_is_shared_before_anybody_gets_a_second_place() -> None:
    queue = [candidate(number, 1) for number in range(8)] + [candidate(100 + number, 2) for number in range(3)]
    batch = choose(queue, standing=Standing(), cap=lambda _: 6)
    assert Counter(each.author for each in batch) == {1: 3, 2: 3}


# --- The checkpoint in memory


def test_a_warm_checkpoint_goes_first_where_its_turn_comes_soon() -> None:
    cold, warm = candidate(1, 1, checkpoint=7, key="c"), candidate(2, 2, checkpoint=8, key="w")
    assert choose([cold, warm], standing=Standing(), cap=lambda _: 1, warm=8) == [warm]
    assert choose([cold, warm], standing=Standing(), cap=lambda _: 1, warm=None) == [cold]
    assert choose([cold, warm], standing=Standing(), cap=lambda _: 1, warm=9) == [cold]


@pytest.mark.parametrize(("ahead", "is_passed_over"), [(MAX_PASSED_OVER, True), (MAX_PASSED_OVER + 1, False)])
def test_as_many_members_as_the_limit_says_are_passed_over_for_a_warm_checkpoint(
    ahead: int, is_passed_over: bool
) -> None:
    cold = [candidate(number, number, checkpoint=7, key="c") for number in range(ahead)]
    warm = candidate(99, 99, checkpoint=8, key="w")
    batch = choose([*cold, warm], standing=Standing(), cap=lambda _: 1, warm=8)
    assert batch == ([warm] if is_passed_over else cold[:1])


@slow_machine
@given(queues(), standings)
def test_passing_members_over_changes_nothing_for_the_next_turn(queue: list[Candidate], standing: Standing) -> None:
    """Looking ahead for a warm checkpoint takes nobody out of the line."""
    line = Line(queue, standing, lambda _: 2)
    drawn = []
    while batch := line.next_batch(98):
        drawn += batch
    assert sorted(each.id for each in drawn) == sorted(each.id for each in queue)


# --- Sizes


def test_nothing_waits_nothing_is_chosen() -> None:
    assert choose([], standing=Standing(), cap=lambda _: 8) == []
    assert forecast([], standing=Standing(), cap=lambda _: 8) == {}


def test_a_cap_below_one_still_draws_one() -> None:
    assert len(choose([candidate(1, 1), candidate(2, 1)], standing=Standing(), cap=lambda _: 0)) == 1


@slow_machine
@given(st.integers(1, 8))
def test_a_bucket_holds_the_batch_and_wastes_less_than_half(count: int) -> None:
    assert bucket_of(count) in BUCKETS
    assert count <= bucket_of(count) < 2 * count or count == 1


@pytest.mark.parametrize("count", [0, 9])
def test_a_batch_that_no_bucket_holds_is_an_error_rather_than_unpadded(count: int) -> None:
    with pytest.raises(ValueError):
        bucket_of(count)


@pytest.mark.parametrize(
    ("side", "cap"), [(32, 8), (512, 8), (513, 4), (768, 4), (769, 2), (1024, 2), (1025, 1), (2048, 1)]
)
def test_before_anything_was_measured_small_pictures_go_eight_at_a_time_and_the_largest_alone(
    side: int, cap: int
) -> None:
    assert default_cap(side * side) == cap
