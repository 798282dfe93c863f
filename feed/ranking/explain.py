"""“Why is this here?”: the terms of a post's score, and its places in the lists that are worked out beforehand."""

from dataclasses import dataclass

from feed.lists.spec import ASPECT_NAMES, SORT_NAMES, WINDOW_NAMES
from feed.models import Post, RankedPost
from feed.ranking import formulas


@dataclass(frozen=True)
class Score:
    """``hot = votes + age``; `places` are (list in words, what it goes by)."""

    weight: int
    votes: float
    age: float
    places: list[tuple[str, float]]

    @property
    def hot(self) -> float:
        return self.votes + self.age


def score_of(post: Post) -> Score:
    weight = post.count.weight
    rows = RankedPost.objects.filter(post=post).order_by("list").values_list("list", "key")
    places = [(list_name(name), key) for name, key in rows]
    return Score(weight, formulas.vote_term(weight), formulas.age_term(post.published_at), places)


def list_name(name: str) -> str:
    """“Top · Week” for ``"top-week"``."""
    sort, _, part = name.partition("-")
    if sort == "best":
        return str(ASPECT_NAMES[part])
    return f"{SORT_NAMES[sort]} · {WINDOW_NAMES[part]}" if part else str(SORT_NAMES[sort])
