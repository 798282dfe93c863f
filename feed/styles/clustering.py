"""Groups prompts by what they say about style, and rates how groups grow and are liked. Pure functions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.text.regex import compile_linear

Vectors = NDArray[np.float32]

LEAST_GROUP, LEAST_AUTHORS = 5, 3
SAME_STYLE = 0.2  # cosine distance below which this week's group continues last week's style
PRIOR_POSTS = 5  # posts with an average like rate that are added to a week
_IN_STYLE = compile_linear(
    r"(?:^|[^\pL\pN_])(?:in (?:the )?style of|styled? (?:as|like)|style:|as an?|in)(?:[^\pL\pN_]|$)", ignore_case=True
)
_WORD = compile_linear(r"\pL[\pL\pN_'-]{2,}")
_COMMON = frozenset(
    [
        "the",
        "and",
        "with",
        "for",
        "very",
        "from",
        "into",
        "over",
        "style",
        "highly",
        "detailed",
        "best",
        "quality",
        "masterpiece",
    ]
)


def style_words(prompt: str) -> str:
    """The part of a prompt that describes the style: what follows the first comma, else what follows “in”, “as a”….

    Empty if there is none.
    """
    _subject, comma, rest = prompt.partition(",")
    if comma and rest.strip():
        return " ".join(rest.split())
    parts = _IN_STYLE.split(prompt, maxsplit=1)
    return " ".join(parts[1].split()) if len(parts) == 2 else ""


@dataclass(frozen=True)
class Group:
    """Rows of the input that form a cluster, the nearest to the centre first, and their distances from it."""

    rows: list[int]
    centre: Vectors
    distances: list[float]


def find_groups(vectors: Vectors) -> list[Group]:
    """Clusters of unit vectors (n, d) by HDBSCAN (Campello et al. 2013); outliers are in none."""
    from sklearn.cluster import HDBSCAN  # takes seconds to import; only a worker needs it

    if len(vectors) < 2 * LEAST_GROUP:
        return []
    least = max(LEAST_GROUP, len(vectors) // 200)
    labels = HDBSCAN(min_cluster_size=least, min_samples=3, cluster_selection_method="leaf", copy=True).fit_predict(
        vectors
    )
    found = []
    for label in sorted(set(labels) - {-1}):
        rows = np.flatnonzero(labels == label)
        centre = vectors[rows].mean(axis=0)
        centre /= np.linalg.norm(centre)
        distances = 1 - vectors[rows] @ centre
        order = np.argsort(distances, kind="stable")
        found.append(Group([int(row) for row in rows[order]], centre, [float(value) for value in distances[order]]))
    return sorted(found, key=lambda group: -len(group.rows))


def match_centres(centres: Sequence[Vectors], known: Vectors) -> list[int | None]:
    """For each centre, the row of `known` that it continues, nearest pairs first, each row once; None if new."""
    answer: list[int | None] = [None] * len(centres)
    if not len(known) or not centres:
        return answer
    distances = 1 - np.stack(centres) @ known.T
    for flat in np.argsort(distances, axis=None, kind="stable"):
        row, column = divmod(int(flat), len(known))
        if distances[row, column] > SAME_STYLE:
            break
        if answer[row] is None and column not in answer:
            answer[row] = column
    return answer


def typical_words(texts: Sequence[tuple[str, int]], most: int = 4) -> str:
    """The words that most authors of (text, author) share; at least three authors must use a word."""
    used: dict[str, set[int]] = {}
    for text, author in texts:
        for word in set(_WORD.findall(text.lower())) - _COMMON:
            used.setdefault(word, set()).add(author)
    shared = Counter({word: len(authors) for word, authors in used.items() if len(authors) >= LEAST_AUTHORS})
    return ", ".join(word for word, _count in sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:most])


def growth_ratio(posts: int, site: int, before: int, site_before: int) -> float:
    """A style's share of posts over its share before, with one post added to each so that nothing grows from zero."""
    return ((posts + 1) / (site + 1)) / ((before + 1) / (site_before + 1))


def relative_like_rate(posts: int, likes: int, site_posts: int, site_likes: int) -> float:
    """Likes per post over the site's in that week, shrunk towards 1 if there are few posts. Below 1: liked less."""
    if not site_posts or not site_likes:
        return 1.0
    mean = site_likes / site_posts
    return (likes + PRIOR_POSTS * mean) / (posts + PRIOR_POSTS) / mean
