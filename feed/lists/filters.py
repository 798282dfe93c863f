"""What a reader narrows a list to: a checkpoint, a style, a shape. Each is a parameter of the list's address."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

from django.core.cache import cache
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generation.models import Checkpoint, Style
from lib.content_levels import ContentLevel
from lib.errors import Refused

OPTIONS_KEY, OPTIONS_SECONDS = "feed:filter-options", 60
SHAPES = {
    "portrait": gettext_lazy("Portrait"),
    "landscape": gettext_lazy("Landscape"),
    "square": gettext_lazy("Square"),
}
LEVELS = {level.name.lower(): level for level in ContentLevel}
_SHAPE_SQL = {
    "portrait": "image.width < image.height",
    "landscape": "image.width > image.height",
    "square": "image.width = image.height",
}
_MADE_SO = (
    "EXISTS (SELECT FROM feed_post post JOIN generation_image image ON image.id = post.image_id"
    " JOIN generation_generation made ON made.id = image.generation_id WHERE post.id = best.post_id AND {})"
)


class Condition(NamedTuple):
    """SQL about a row ``best`` with a ``post_id`` and an ``author_id``, and its values."""

    sql: str
    values: list[int]


class FilterOptions(NamedTuple):
    """What there is to choose from: (slug, name)."""

    checkpoints: list[tuple[str, str]]
    styles: list[tuple[str, str]]


@dataclass(frozen=True)
class Filters:
    checkpoint: str = ""
    style: str = ""
    shape: str = ""
    level: str = ""  # the name of the highest level, where the reader's own is higher

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "Filters":
        """Reads the parameters of an address.

        Raises:
            Refused: 400 for a value that is not offered.
        """
        chosen = cls(**{field.name: query.get(field.name, "") for field in fields(cls)})
        if not chosen:
            return chosen
        options = filter_options()
        offered: dict[str, Container[str]] = {
            "checkpoint": dict(options.checkpoints),
            "style": dict(options.styles),
            "shape": SHAPES,
            "level": LEVELS,
        }
        for name, value in chosen.parameters().items():
            if value not in offered[name]:
                words = _("There is nothing called “%(value)s” to filter by.") % {"value": value[:60]}
                raise Refused("unknown_filter", words)
        return chosen

    def parameters(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value}

    def __bool__(self) -> bool:
        return bool(self.parameters())

    def conditions(self) -> list[Condition]:
        """For `feed.lists.queries`; the level is part of the list itself."""
        parts, values = [], []
        if self.checkpoint:
            parts.append("made.checkpoint_id = %s")
            values.append(Checkpoint.objects.values_list("pk", flat=True).get(slug=self.checkpoint))
        if self.style:
            parts.append("made.style_id = %s")
            values.append(Style.objects.values_list("pk", flat=True).get(slug=self.style))
        if self.shape:
            parts.append(_SHAPE_SQL[self.shape])
        return [Condition(_MADE_SO.format(" AND ".join(parts)), values)] if parts else []

    def names(self) -> list[tuple[str, str]]:
        """(parameter, what the reader chose), in words."""
        options = filter_options()
        words = {**dict(options.checkpoints), **dict(options.styles), **SHAPES}
        words |= {name: level.label for name, level in LEVELS.items()}
        return [(name, str(words.get(value, value))) for name, value in self.parameters().items()]


NOTHING = Filters()


def filter_options() -> FilterOptions:
    """Kept for a minute, as every page of a list shows them."""
    found = cache.get(OPTIONS_KEY)
    if found is None:
        checkpoints = list(Checkpoint.objects.order_by("name").values_list("slug", "name")[:200])
        found = (checkpoints, list(Style.objects.order_by("name").values_list("slug", "name")[:200]))
        cache.set(OPTIONS_KEY, found, OPTIONS_SECONDS)
    return FilterOptions(*found)
