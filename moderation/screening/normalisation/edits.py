"""A text and what stages of normalisation made of it, so that every match can be shown in what was written."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Edit(NamedTuple):
    """`text` in place of the characters from `start` to `end`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Reading:
    """A text as one stage left it; `edits` of the text of `source` led to it."""

    text: str
    stage: str = "original"
    source: "Reading | None" = None
    edits: tuple[Edit, ...] = ()

    @property
    def original(self) -> str:
        """The text as it was written."""
        return self.source.original if self.source else self.text

    def edited(self, stage: str, edits: Iterable[Edit]) -> "Reading":
        """This reading with edits (in order, apart from each other); itself without any."""
        kept = tuple(edits)
        if not kept:
            return self
        pieces, place = [], 0
        for edit in kept:
            pieces += [self.text[place : edit.start], edit.text]
            place = edit.end
        return Reading("".join([*pieces, self.text[place:]]), stage, self, kept)

    def stages(self) -> list[str]:
        """The stages that changed something, the first one first."""
        return [*self.source.stages(), self.stage] if self.source else []

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Where the characters from `start` to `end` come from in the original text."""
        if self.source is None:
            return start, end
        return self.source.original_span(self._place_before(start, is_end=False), self._place_before(end, is_end=True))

    def _place_before(self, place: int, *, is_end: bool) -> int:
        shift = 0  # of this text against the one before it
        for edit in self.edits:
            start = edit.start + shift
            end = start + len(edit.text)
            if place < start or (is_end and place == start):
                break
            if place < end or (is_end and place == end):
                if len(edit.text) == edit.end - edit.start:
                    return place - shift
                return edit.end if is_end else edit.start
            shift = end - edit.end
        return place - shift
