"""The formats a release can hold, in the order they are built."""

from ratings.releases.formats import asks, aspects, kto, pairs, rewards, viewer, votes
from ratings.releases.formats.base import Format

_ALL = (pairs.FORMAT, votes.FORMAT, aspects.FORMAT, asks.FORMAT, kto.FORMAT, *rewards.FORMATS, viewer.FORMAT)
FORMATS: dict[str, Format] = {form.kind: form for form in _ALL}
USUAL = tuple(form.kind for form in _ALL if not form.is_optional)
