"""Explains a post's rank: the terms of its score, and the precomputed lists it is in."""

from dataclasses import dataclass

from feed.posts.models import Post
from feed.ranking import formulas
from feed.ranking.models import PrecomputedEntry
from feed.ranking.orders import list_label


@dataclass(frozen=True)
class Score:
    """``hot = votes + age``; `places` are pairs of a list's label and the key it sorts the post by."""

    weight: int
    votes: float
    age: float
    places: list[tuple[str, float]]

    @property
    def hot(self) -> float:
        return self.votes + self.age


def score_of(post: Post) -> Score:
    weight = post.count.weight
    entries = PrecomputedEntry.objects.filter(post=post).order_by("list").values_list("list", "key")
    places = [(list_label(name), key) for name, key in entries]
    return Score(weight, formulas.vote_term(weight), formulas.age_term(post.published_at), places)
