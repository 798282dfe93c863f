"""Which pictures make a pair, and what comparing them is about."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratings.asking.pairing import Picture, Strategy, eligible_pairs, entry_pairs, strategy_of

SETTINGS = {"steps": "20", "guidance": "3.0", "scheduler": "Euler"}
FOX = Picture(id=1, prompt="a fox", size=(256, 256), checkpoint=1, seed=7, digest="a", settings=SETTINGS)


@pytest.mark.parametrize(
    ("other", "strategy"),
    [
        ({"seed": 8}, Strategy.SEED),
        ({"checkpoint": 2}, Strategy.MODEL),
        ({"checkpoint": 2, "seed": 8, "settings": {**SETTINGS, "steps": "30"}}, Strategy.MODEL),
        ({"settings": {**SETTINGS, "steps": "30"}}, Strategy.SETTING),
        ({"seed": 8, "settings": {**SETTINGS, "steps": "30"}}, Strategy.PROMPT),
        ({"settings": {**SETTINGS, "steps": "30", "guidance": "5.0"}}, Strategy.PROMPT),
        ({"prompt": "a red fox", "seed": 8}, None),
        ({"size": (256, 512), "seed": 8}, None),
        ({"digest": "a", "checkpoint": 2}, None),  # byte for byte the same picture
        ({}, None),  # nothing differs
    ],
)
def test_what_differs_names_the_strategy(other: dict[str, object], strategy: Strategy | None) -> None:
    picture = replace(FOX, **{"id": 2, "digest": "b", **other})  # type: ignore[arg-type]
    assert strategy_of(FOX, picture) == strategy == strategy_of(picture, FOX)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 9)), max_size=40), st.integers(1, 30))
def test_pairs_are_low_id_first_once_within_the_limit_and_never_excluded_ones(
    rows: list[tuple[int, int, int]], limit: int
) -> None:
    pictures = [
        replace(FOX, id=n, prompt=f"prompt {prompt}", checkpoint=checkpoint, seed=seed, digest=str(n))
        for n, (prompt, checkpoint, seed) in enumerate(rows)
    ][::-1]
    excluded = frozenset({(0, 1), (1, 2)})
    found = eligible_pairs(pictures, excluded=excluded, limit=limit)
    pairs = [pair for pool in found.values() for pair in pool]
    assert all(low < high for low, high in pairs)
    assert len(pairs) == len(set(pairs))
    assert excluded.isdisjoint(pairs)
    assert max(map(len, found.values())) <= limit
    by_id = {picture.id: picture for picture in pictures}
    assert all(
        strategy_of(by_id[low], by_id[high]) == strategy for strategy, pool in found.items() for low, high in pool
    )


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 30)), max_size=60, unique=True), st.integers(1, 40))
def test_entries_meet_those_of_their_own_challenge_and_a_limit_leaves_none_out(
    rows: list[tuple[int, int]], limit: int
) -> None:
    entries = [(challenge, 100 * challenge + n, "") for challenge, n in rows]
    pairs = entry_pairs(entries, excluded=frozenset({(101, 102)}), limit=limit)
    assert len(pairs) == len(set(pairs)) <= limit
    assert all(low < high and low // 100 == high // 100 for low, high in pairs)
    assert (101, 102) not in pairs
    if limit >= len(entries):
        paired = {image for pair in pairs for image in pair}
        for challenge in {1, 2, 3}:
            mine = {image for each, image, _ in entries if each == challenge}
            assert len(mine) < 3 or mine <= paired


def test_a_small_challenge_does_not_displace_the_neighbours_of_a_large_one() -> None:
    """The small one's more distant pairs used to come before the last neighbours of the large one."""
    entries = [(1, 100 + n, "") for n in range(1, 15)] + [(2, 200 + n, "") for n in range(8)]
    pairs = entry_pairs(entries, excluded=frozenset({(101, 102)}), limit=len(entries))
    assert {image for pair in pairs for image in pair} == {image for _challenge, image, _digest in entries}


def test_the_same_picture_entered_twice_is_no_pair() -> None:
    assert entry_pairs([(1, 5, "a"), (1, 6, "a"), (1, 7, "b")], excluded=frozenset(), limit=9) == [(6, 7), (5, 7)]
