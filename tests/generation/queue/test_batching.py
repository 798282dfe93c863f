"""Properties of choosing a batch, whatever the queue looks like."""

import math
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generation.queue.batching import BUCKETS, bucket_of, choose, default_cap
from generation.queue.ordering import MAX_PASSED_OVER, Candidate, credit_of

# A busy machine is slow, and says nothing about the properties.
slow_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@st.composite
def queues(draw: st.DrawFn) -> list[Candidate]:
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(1, 5),
                st.sampled_from(["a", "b", "c"]),
                st.integers(1, 10_000),
                st.integers(0, 600),
                st.booleans(),
            ),
            min_size=1,
            max_size=40,
        )
    )
    return [
        Candidate(number, author, key, ord(key), cost, NOW - timedelta(seconds=wait), has_failed)
        for number, (author, key, cost, wait, has_failed) in enumerate(rows)
    ]


served = st.dictionaries(st.integers(1, 5), st.integers(0, 100_000))


@slow_machine
@given(queues(), served, st.integers(1, 8), st.one_of(st.none(), st.sampled_from([97, 98, 99])))
def test_a_batch_has_one_key_fits_its_cap_and_holds_no_image_twice(
    queue: list[Candidate], served: dict[int, int], cap: int, warm: int | None
) -> None:
    batch = choose(queue, served=served, cap=lambda _: cap, now=NOW, warm=warm)
    assert 1 <= len(batch) <= cap
    assert len({each.key for each in batch}) == 1
    assert len({each.id for each in batch}) == len(batch)
    assert set(batch) <= set(queue)


@slow_machine
@given(queues(), served)
def test_an_image_that_failed_once_runs_alone(queue: list[Candidate], served: dict[int, int]) -> None:
    batch = choose(queue, served=served, cap=lambda _: 8, now=NOW)
    assert len(batch) == 1 or not any(each.has_failed for each in batch)


@slow_machine
@given(queues(), served, st.integers(1, 8))
def test_a_batch_is_shared_among_members_before_anyone_gets_more(
    queue: list[Candidate], served: dict[int, int], cap: int
) -> None:
    batch = choose(queue, served=served, cap=lambda _: cap, now=NOW)
    if batch[0].has_failed:
        return
    fitting = Counter(each.author for each in queue if each.key == batch[0].key and not each.has_failed)
    share = math.ceil(cap / len(fitting))
    taken = Counter(each.author for each in batch)
    if any(count > share for count in taken.values()):
        assert all(taken[author] >= min(share, fitting[author]) for author in fitting)


@slow_machine
@given(queues(), st.integers(1, 8))
def test_every_image_is_drawn_within_as_many_batches_as_there_are_images(queue: list[Candidate], cap: int) -> None:
    waiting, spent, now = list(queue), Counter[int](), NOW
    for _round in range(len(queue)):
        batch = choose(waiting, served=spent, cap=lambda _: cap, now=now)
        spent.update({each.author: 0 for each in batch})
        for each in batch:
            spent[each.author] += each.cost
        waiting = [each for each in waiting if each not in batch]
        now += timedelta(seconds=5)
    assert not waiting


@slow_machine
@given(st.integers(2, 5), st.integers(2, 12))
def test_members_with_equal_jobs_are_served_alike_however_many_one_queues(members: int, rounds: int) -> None:
    waiting = [
        Candidate(author * 1000 + n, author, str(author), 1, 100, NOW, False)
        for author in range(members)
        for n in range(100 if author == 0 else rounds)
    ]
    spent: Counter[int] = Counter()
    for _round in range(rounds):
        for each in choose(waiting, served=spent, cap=lambda _: 1, now=NOW):
            spent[each.author] += each.cost
            waiting.remove(each)
    assert max(spent[author] for author in range(members)) - min(spent[author] for author in range(members)) <= 100


def test_the_one_who_waited_long_goes_before_the_one_served_little() -> None:
    waiting = Candidate(1, 1, "a", 1, 100, NOW - timedelta(minutes=10))
    fresh = Candidate(2, 2, "b", 1, 100, NOW)
    assert choose([fresh, waiting], served={1: 1000}, cap=lambda _: 1, now=NOW) == [waiting]


def test_a_warm_checkpoint_is_preferred_until_the_first_has_waited_too_long() -> None:
    cold = Candidate(1, 1, "a", 7, 100, NOW - timedelta(seconds=10))
    warm = Candidate(2, 2, "b", 8, 100, NOW - timedelta(seconds=5))
    assert choose([cold, warm], served={}, cap=lambda _: 1, now=NOW, warm=8) == [warm]
    later = NOW + timedelta(seconds=30)
    assert choose([cold, warm], served={}, cap=lambda _: 1, now=later, warm=8) == [cold]


def test_nothing_waits_nothing_is_chosen() -> None:
    assert choose([], served={}, cap=lambda _: 8, now=NOW) == []


@slow_machine
@given(st.integers(1, 8))
def test_a_bucket_holds_the_batch_and_wastes_less_than_half(count: int) -> None:
    assert bucket_of(count) in BUCKETS
    assert count <= bucket_of(count) < 2 * count or count == 1


@pytest.mark.parametrize("count", [0, 9])
def test_a_batch_that_no_bucket_holds_is_an_error_rather_than_unpadded(count: int) -> None:
    with pytest.raises(ValueError):
        bucket_of(count)


def test_an_empty_queue_has_no_credit() -> None:
    assert credit_of([], served={1: 100}, now=NOW) == {}


@pytest.mark.parametrize(("ahead", "is_passed_over"), [(MAX_PASSED_OVER, True), (MAX_PASSED_OVER + 1, False)])
def test_as_many_members_as_the_limit_says_are_passed_over_for_a_warm_checkpoint(
    ahead: int, is_passed_over: bool
) -> None:
    cold = [Candidate(n, n, "cold", 7, 100, NOW - timedelta(seconds=10 - n)) for n in range(ahead)]
    warm = Candidate(99, 99, "warm", 8, 100, NOW)
    batch = choose([*cold, warm], served={}, cap=lambda _: 1, now=NOW, warm=8)
    assert batch == ([warm] if is_passed_over else cold[:1])


def test_small_pictures_go_eight_at_a_time_and_large_ones_alone() -> None:
    small, large = 64 * 64 * 20 * 2, 1024 * 1024 * 30 * 2
    assert (default_cap(small), default_cap(large)) == (8, 1)
