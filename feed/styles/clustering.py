"""What a prompt says about style, groups of it, and how they rise and tire. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

LEAST_GROUP, LEAST_AUTHORS = 5, 3
SAME = 0.2  # cosine distance below which this week's group is last week's style
DOUBT = 5  # posts of average luck that a week of few posts is mixed with
_IN_STYLE = re.compile(r"\b(?:in (?:the )?style of|styled? (?:as|like)|style:|as an?|in)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_][\w'-]{2,}")
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
    """What is said about how, not what: all but the first part between commas, else what follows “in”, “as a”….

    Empty where nothing is.
    """
    _subject, comma, rest = prompt.partition(",")
    if comma and rest.strip():
        return " ".join(rest.split())
    said = _IN_STYLE.split(prompt, maxsplit=1)
    return " ".join(said[1].split()) if len(said) == 2 else ""


@dataclass(frozen=True)
class Group:
    """Rows of the input that belong together, the nearest to the centre first, and their distances from it."""

    rows: list[int]
    centre: Vectors
    apart: list[float]


def groups(vectors: Vectors) -> list[Group]:
    """Clusters of unit vectors (n, d) by HDBSCAN (Campello et al. 2013); what fits nowhere is in none."""
    from sklearn.cluster import HDBSCAN  # seconds to import, in a worker only

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
        apart = 1 - vectors[rows] @ centre
        order = np.argsort(apart, kind="stable")
        found.append(Group([int(row) for row in rows[order]], centre, [float(value) for value in apart[order]]))
    return sorted(found, key=lambda group: -len(group.rows))


def matched(centres: Sequence[Vectors], known: Vectors) -> list[int | None]:
    """For each centre the row of `known` that it continues, the nearest pairs first and each row once; None: new."""
    answer: list[int | None] = [None] * len(centres)
    if not len(known) or not centres:
        return answer
    apart = 1 - np.stack(centres) @ known.T
    for flat in np.argsort(apart, axis=None, kind="stable"):
        row, column = divmod(int(flat), len(known))
        if apart[row, column] > SAME:
            break
        if answer[row] is None and column not in answer:
            answer[row] = column
    return answer


def typical_words(texts: Sequence[tuple[str, int]], most: int = 4) -> str:
    """The words that most authors of (text, author) share, and at least three do: nobody's words alone."""
    used: dict[str, set[int]] = {}
    for text, author in texts:
        for word in set(_WORD.findall(text.lower())) - _COMMON:
            used.setdefault(word, set()).add(author)
    shared = Counter({word: len(authors) for word, authors in used.items() if len(authors) >= LEAST_AUTHORS})
    return ", ".join(word for word, _count in sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:most])


def rise(posts: int, site: int, before: int, site_before: int) -> float:
    """Share of posts over the share before, one post added to each style so that nothing rises from nothing."""
    return ((posts + 1) / (site + 1)) / ((before + 1) / (site_before + 1))


def luck(posts: int, likes: int, site_posts: int, site_likes: int) -> float:
    """Likes per post over the site's that week, drawn towards 1 where posts are few: below 1, people tire of it."""
    if not site_posts or not site_likes:
        return 1.0
    mean = site_likes / site_posts
    return (likes + DOUBT * mean) / (posts + DOUBT) / mean
