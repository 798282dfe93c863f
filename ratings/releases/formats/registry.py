"""The formats a release can hold, in the order they are built."""

from ratings.releases.formats import by_aspect, images, kto, pairs, rewards, viewer
from ratings.releases.formats.base import Format
from ratings.releases.formats.ledgers import asks, marks, polls, rankings, ratings, votes

_ALL = (
    pairs.FORMAT,
    votes.FORMAT,
    ratings.FORMAT,
    asks.FORMAT,
    by_aspect.FORMAT,
    votes.ASPECT_FORMAT,
    marks.FORMAT,
    rankings.FORMAT,
    polls.FORMAT,
    images.FORMAT,
    kto.FORMAT,
    *rewards.FORMATS,
    viewer.FORMAT,
)
FORMATS: dict[str, Format] = {form.kind: form for form in _ALL}
USUAL = tuple(form.kind for form in _ALL if not form.is_optional)
