"""Which pictures make a pair worth comparing, and why. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, combinations, islice, zip_longest

COMBINATIONS_PER_PROMPT = 5_000  # a bound on the work where hundreds of pictures share one prompt


class Strategy(StrEnum):
    SEED = "seed"  # the same model and settings, another seed
    MODEL = "model"  # another model, blind
    SETTING = "setting"  # one setting changed, the seed kept
    PROMPT = "prompt"  # the same words and size, made otherwise
    BENCHMARK = "benchmark"  # one prompt and seed of an open benchmark, two models
    CHALLENGE = "challenge"  # two entries of one challenge, different prompts
    CHALLENGE_ACTIVE = "challenge-active"  # the same, drawn by the design that finds the winner of a challenge


FROM_CHALLENGES = frozenset({Strategy.CHALLENGE, Strategy.CHALLENGE_ACTIVE})


@dataclass(frozen=True, slots=True)
class Picture:
    """What pairing needs to know of an image; `settings` holds the rest by name, hashable values."""

    id: int
    prompt: str
    size: tuple[int, int]
    checkpoint: int
    seed: int
    digest: str
    settings: Mapping[str, object]
    is_own: bool = False  # made by the member who is asked
    is_counterpart: bool = False  # made by the site, to be compared with another model only


def strategy_of(a: Picture, b: Picture) -> Strategy | None:
    """What a comparison of two pictures is about; None if they cannot be compared or are the same."""
    if a.id == b.id or (a.prompt, a.size) != (b.prompt, b.size) or (a.digest and a.digest == b.digest):
        return None
    if a.checkpoint != b.checkpoint:
        return Strategy.MODEL
    if a.is_counterpart or b.is_counterpart:
        return None
    changed = sum(a.settings[name] != b.settings[name] for name in a.settings)
    if not changed:
        return Strategy.SEED if a.seed != b.seed else None
    return Strategy.SETTING if changed == 1 and a.seed == b.seed else Strategy.PROMPT


def eligible_pairs(
    pictures: Iterable[Picture], *, excluded: frozenset[tuple[int, int]], limit: int
) -> dict[Strategy, list[tuple[int, int]]]:
    """Up to `limit` pairs of ids (low first) a strategy, leaving out `excluded`, in the order of `pictures`."""
    groups: dict[tuple[str, tuple[int, int]], list[Picture]] = defaultdict(list)
    for picture in pictures:
        groups[picture.prompt, picture.size].append(picture)
    found: dict[Strategy, list[tuple[int, int]]] = {each: [] for each in Strategy if each not in FROM_CHALLENGES}
    for group in groups.values():
        for a, b in islice(combinations(group, 2), COMBINATIONS_PER_PROMPT):
            strategy, pair = strategy_of(a, b), (min(a.id, b.id), max(a.id, b.id))
            if strategy and pair not in excluded and len(found[strategy]) < limit:
                found[strategy].append(pair)
    return found


def entry_pairs(
    entries: Iterable[tuple[int, int, str]], *, excluded: frozenset[tuple[int, int]], limit: int
) -> list[tuple[int, int]]:
    """Up to `limit` pairs of ids (low first) that entered the same challenge, leaving out `excluded`.

    `entries` are (challenge, image, digest). Neighbours of all challenges come first, then those two apart, and so on,
    so that a limit as large as the number of entries leaves none of them without a pair.
    """
    challenges: dict[int, dict[int, str]] = defaultdict(dict)
    for challenge, image, digest in entries:
        challenges[challenge][image] = digest
    listed = [list(images.items()) for images in challenges.values()]
    farthest = max(map(len, listed), default=0) // 2
    rounds = (zip_longest(*(_pairs_apart(images, apart) for images in listed)) for apart in range(1, farthest + 1))
    pairs = (pair for each in chain.from_iterable(rounds) for pair in each if pair and pair not in excluded)
    return list(islice(dict.fromkeys(pairs), limit))


def _pairs_apart(images: list[tuple[int, str]], apart: int) -> Iterator[tuple[int, int]]:
    """Pairs of ids whose places in a circle of all images are `apart`; none beyond half of the circle."""
    for index, (one, digest) in enumerate(images if apart <= len(images) // 2 else ()):
        other, same = images[(index + apart) % len(images)]
        if one != other and not (digest and digest == same):
            yield min(one, other), max(one, other)
