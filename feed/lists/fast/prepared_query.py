"""The posts of a page, fast: the filter and the card's columns compiled once, then answered by a prepared statement.

`Post.objects.listed_for(…).with_card(…)` says what is fetched; nothing is said twice here. Working that query out
costs Django and PostgreSQL several times what answering it does, and it is the same for every reader but for who
they are, when it is, and which ids: so it is compiled with marks in those places, and the marks are filled in.
"""

import re
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

_MARK_ID, _MARK_IDS = -8_070_605_040_302_010, [-1_020_304_050_607_080]
_MARK_AT = datetime(1907, 5, 3, 1, 2, 3, 4, tzinfo=UTC)

# What a card and the API tell of a post, by model; any other field is read from the database when it is asked for.
_MADE = "image__generation"
_COLUMNS: list[tuple[str, type[Model], list[str]]] = [
    (path, model, names.split())
    for path, model, names in [
        ("", Post, "id public_id image_id author_id title published_at unpublished_at removed_at deleted_at"),
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
            _MADE,
            Generation,
            (
                "id public_id author_id prompt negative_prompt checkpoint_id style_id scheduler steps guidance"
                " width height parent_id remix_kind"
            ),
        ),
        (f"{_MADE}__checkpoint", Checkpoint, "id slug name"),
        (f"{_MADE}__style", Style, "id slug name"),
    ]
]
_FLAGS = ["liked_by_viewer", "saved_by_viewer", "blurred_for_viewer"]


class EqualsAny(Func):
    """``id = ANY (list)``: one value, however many ids there are."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY ("
    output_field = BooleanField()


class _BoundCursor(CursorMixin, RawCursor):
    """Sends values beside the text, which stays the same statement and is not read again for where they go."""


class Compiled(NamedTuple):
    sql: str  # with $1, $2, …
    values: tuple[Any, ...]  # with marks

    def filled(self, viewer_id: int, at: datetime, ids: list[int]) -> list[Any]:
        fill = {_MARK_ID: viewer_id, _MARK_AT: at}
        return [ids if value == _MARK_IDS else fill.get(value, value) for value in self.values]


def fetch_listed(ids: Sequence[int], viewer: Viewer, at: datetime) -> dict[int, Post]:
    """Those of the posts that a list may show `viewer`, by id, with all that `with_card` brings."""
    if not ids:
        return {}
    compiled = _compiled(isinstance(viewer, User), level_for(viewer))
    with open_cursor(_BoundCursor) as cursor:
        cursor.execute(compiled.sql, compiled.filled(viewer.pk or 0, at, list(ids)))
        return {row[0]: _post(row) for row in cursor.fetchall()}


@cache
def _compiled(is_member: bool, level: int) -> Compiled:
    viewer: Any = User(pk=_MARK_ID, max_level=level) if is_member else AnonymousUser()
    rows = Post.objects.listed_for(viewer, _MARK_AT).with_card(viewer, _MARK_AT)
    marked = Value(_MARK_IDS, output_field=ArrayField(BigIntegerField()))
    paths = [f"{path}__{name}" if path else name for path, _model, names in _COLUMNS for name in names]
    flags = _FLAGS if is_member else []
    sql, values = rows.filter(EqualsAny(F("pk"), marked)).values_list(*paths, *flags).query.sql_with_params()
    numbers = count(1)
    return Compiled(re.sub("%[s%]", lambda mark: f"${next(numbers)}" if mark[0] == "%s" else "%", sql), values)


def _post(row: tuple[Any, ...]) -> Post:
    """Model instances without their constructors, which would cost more than the query did."""
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
    made["image"]._state.fields_cache["generation"] = made[_MADE]
    made[_MADE]._state.fields_cache.update(checkpoint=made[f"{_MADE}__checkpoint"], style=made[f"{_MADE}__style"])
    return post


def _instance(model: type[Model], values: dict[str, Any]) -> Any:
    state = ModelState()
    state.adding, state.db, state.fields_cache = False, "default", {}
    made = model.__new__(model)
    made.__dict__ = values
    made._state = state
    return made
