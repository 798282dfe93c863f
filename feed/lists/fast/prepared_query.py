"""Fetches the posts of a page by a query that is compiled once and prepared by PostgreSQL.

`Post.objects.listed_for(…).with_card(…)` defines what is fetched; nothing is repeated here. Building and planning that
query takes several times as long as running it, and it only differs in the viewer, the time and the ids. So it is
compiled once with placeholder values for these, which each request replaces.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db.backends.postgresql.base import CursorMixin
from django.db.models import BigIntegerField, BooleanField, F, Func, Model, Value
from django.db.models.base import ModelState
from psycopg import RawCursor

from accounts.models import User, Viewer, level_for
from feed.posts.models import Post
from feed.ranking.models import PostCount
from generation.models import Checkpoint, Generation, Image, Style
from lib.sql import open_cursor
from lib.text.regex import compile_linear

_PLACEHOLDER = compile_linear("%[s%]")
_ANY_ID, _ANY_IDS = -8_070_605_040_302_010, [-1_020_304_050_607_080]
_ANY_TIME = datetime(1907, 5, 3, 1, 2, 3, 4, tzinfo=UTC)

# What a card and the API show of a post, by model; any other field is loaded on access.
_GENERATION = "image__generation"
_COLUMNS: list[tuple[str, type[Model], list[str]]] = [
    (path, model, names.split())
    for path, model, names in [
        (
            "",
            Post,
            "id public_id image_id author_id title published_at unpublished_at removed_at deleted_at challenge_place",
        ),
        ("author", User, "id public_id username"),
        ("count", PostCount, "post_id likes saves remixes comments weight"),
        (
            "image",
            Image,
            (
                "id public_id generation_id author_id seed state width height rendition_hash rendition_widths"
                " placeholder alt_text is_alt_written content_level is_public is_prompt_hidden"
            ),
        ),
        (
            _GENERATION,
            Generation,
            (
                "id public_id author_id prompt negative_prompt checkpoint_id style_id scheduler steps guidance"
                " width height parent_id remix_kind"
            ),
        ),
        (f"{_GENERATION}__checkpoint", Checkpoint, "id slug name"),
        (f"{_GENERATION}__style", Style, "id slug name"),
    ]
]
_FLAGS = ["liked_by_viewer", "saved_by_viewer", "blurred_for_viewer"]


class EqualsAny(Func):
    """``id = ANY (list)``: one parameter for any number of ids."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY ("
    output_field = BooleanField()


class _BoundCursor(CursorMixin, RawCursor):
    """Sends values apart from the statement, whose text stays the same and is not parsed again for placeholders."""


class Compiled(NamedTuple):
    sql: str  # with $1, $2, …
    values: tuple[Any, ...]  # with placeholder values

    def fill(self, viewer_id: int, at: datetime, ids: list[int]) -> list[Any]:
        known = {_ANY_ID: viewer_id, _ANY_TIME: at}
        return [ids if value == _ANY_IDS else known.get(value, value) for value in self.values]


def fetch_listed(ids: Sequence[int], viewer: Viewer, at: datetime) -> dict[int, Post]:
    """Those of the posts that a list may show to `viewer`, by id, with everything that `with_card` loads."""
    if not ids:
        return {}
    compiled = _compiled(isinstance(viewer, User), level_for(viewer))
    with open_cursor(_BoundCursor) as cursor:
        cursor.execute(compiled.sql, compiled.fill(viewer.pk or 0, at, list(ids)))
        return {row[0]: _post(row) for row in cursor.fetchall()}


@cache
def _compiled(is_member: bool, level: int) -> Compiled:
    viewer: Any = User(pk=_ANY_ID, max_level=level) if is_member else AnonymousUser()
    rows = Post.objects.listed_for(viewer, _ANY_TIME).with_card(viewer, _ANY_TIME)
    ids = Value(_ANY_IDS, output_field=ArrayField(BigIntegerField()))
    paths = [f"{path}__{name}" if path else name for path, _model, names in _COLUMNS for name in names]
    flags = _FLAGS if is_member else []
    sql, values = rows.filter(EqualsAny(F("pk"), ids)).values_list(*paths, *flags).query.sql_with_params()
    numbers = count(1)
    return Compiled(_PLACEHOLDER.sub(lambda found: f"${next(numbers)}" if found[0] == "%s" else "%", sql), values)


def _post(row: tuple[Any, ...]) -> Post:
    """Builds model instances without their constructors, which would take longer than the query."""
    made: dict[str, Any] = {}
    start = 0
    for path, model, names in _COLUMNS:
        values = dict(zip(names, row[start : start + len(names)], strict=True))
        start += len(names)
        made[path] = None if values[names[0]] is None else _instance(model, values)
    post: Post = made[""]
    post.__dict__.update(zip(_FLAGS, row[start:], strict=False))
    relations = post._state.fields_cache
    relations.update(author=made["author"], count=made["count"], image=made["image"])
    made["count"]._state.fields_cache["post"] = post
    made["image"]._state.fields_cache["generation"] = made[_GENERATION]
    made[_GENERATION]._state.fields_cache.update(
        checkpoint=made[f"{_GENERATION}__checkpoint"], style=made[f"{_GENERATION}__style"]
    )
    return post


def _instance(model: type[Model], values: dict[str, Any]) -> Any:
    state = ModelState()
    state.adding, state.db, state.fields_cache = False, "default", {}
    made = model.__new__(model)
    made.__dict__ = values
    made._state = state
    return made
