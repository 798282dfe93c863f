"""Spreading authors over a list, as properties."""

from hypothesis import given
from hypothesis import strategies as st

from feed.lists.diversity import BLOCK, PER_AUTHOR, WINDOW, author_limit, spread

blocks = st.lists(st.integers(1, 25), max_size=BLOCK).map(lambda authors: list(enumerate(authors)))
full_blocks = st.lists(st.integers(1, 40), min_size=BLOCK, max_size=BLOCK).map(lambda authors: list(enumerate(authors)))


@given(blocks)
def test_spreading_loses_nothing_and_adds_nothing(block: list[tuple[int, int]]) -> None:
    slots = spread(block)
    kept = sorted([slot.post_id for slot in slots] + [post for slot in slots for post in slot.collapsed])
    assert kept == [post_id for post_id, _author in block]


@given(full_blocks)
def test_no_window_of_a_full_block_holds_more_of_an_author_than_the_limit(block: list[tuple[int, int]]) -> None:
    shown = [slot.author_id for slot in spread(block)]
    for first in range(len(shown)):
        window = shown[first : first + WINDOW]
        assert max(window.count(author) for author in window) <= author_limit(block)


@given(full_blocks)
def test_collapsed_posts_stand_behind_a_post_of_their_author(block: list[tuple[int, int]]) -> None:
    authors = dict(block)
    assert all(authors[post] == slot.author_id for slot in spread(block) for post in slot.collapsed)


def test_two_in_thirty_is_the_limit_where_enough_authors_share_a_block() -> None:
    block = [(n, n if n % 4 else 0) for n in range(BLOCK)]
    assert author_limit(block) == PER_AUTHOR
    slots = spread(block)
    assert [slot.author_id for slot in slots[:30]].count(0) == 2
    assert sum(len(slot.collapsed) for slot in slots) > 0


def test_a_limit_looks_back_into_the_block_before() -> None:
    block = [(n, n) for n in range(BLOCK)]
    slots = spread(block, before=[5] * 2)
    assert slots[0].post_id == 0
    assert 5 not in [slot.author_id for slot in slots[:28]]


def test_a_short_list_by_one_author_is_shown_whole() -> None:
    assert [slot.post_id for slot in spread([(n, 1) for n in range(24)])] == list(range(24))
