"""The formats a release can hold, in the order they are built."""

from ratings.datasets import asks, aspects, pairs, votes
from ratings.datasets.columns import Format

FORMATS: dict[str, Format] = {module.FORMAT.kind: module.FORMAT for module in (pairs, votes, aspects, asks)}
