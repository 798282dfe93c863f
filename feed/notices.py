"""Notifications in words: ids resolved through the reader's own filter, so that nothing hidden is ever named."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Notification, User
from feed.models import Post
from feed.profiles import visible_members

# What each kind says; {actor} is who did it.
SENTENCES: dict[str, str | Promise] = {
    "post.liked": _("{actor} likes a picture of yours."),
    "post.remixed": _("{actor} remixed a picture of yours."),
    "post.descended": _("{actor} published a picture that goes back to one of yours."),
    "post.commented": _("{actor} said something below a picture of yours."),
    "comment.answered": _("{actor} answered what you said."),
    "collection.shared": _("{actor} shares a collection with you."),
    "generation.done": _("Your pictures are ready."),
    "image.held": _("A picture of yours is held until a moderator has looked at it."),
    "moderation.decision": _("Moderators decided about something of yours."),
    "moderation.appeal": _("Your appeal was answered."),
}
TITLED: dict[str, str | Promise] = {  # of posts with a title, which is {title}
    "post.liked": _("{actor} likes “{title}”."),
    "post.remixed": _("{actor} remixed a picture of yours: “{title}”."),
}
OTHERWISE = _("There is news about something of yours.")


@dataclass(frozen=True)
class Notice:
    """One line of the page; `url` is empty where there is nothing to open."""

    pk: int
    text: str
    url: str
    created_at: datetime
    is_new: bool


def notices_of(rows: Iterable[Notification], reader: User, at: datetime) -> list[Notice]:
    """What `rows` say to their reader now; what became invisible since is left out. A query per kind of target."""
    rows = list(rows)
    targets = _targets(rows, reader, at)
    actors = {row.actor_id for row in rows if row.actor_id}
    names = dict(visible_members(reader, at).filter(pk__in=actors).values_list("pk", "username"))
    return [
        _notice(row, targets[row.target_type][row.target_id], names.get(row.actor_id or 0, ""))
        for row in rows
        if row.target_id in targets[row.target_type] and (row.actor_id is None or row.actor_id in names)
    ]


def _targets(rows: list[Notification], reader: User, at: datetime) -> dict[str, dict[int, models.Model]]:
    ids: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        ids[row.target_type].add(row.target_id)
    return {name: _visible(name, wanted, reader, at) for name, wanted in ids.items()}


def _visible(name: str, ids: set[int], reader: User, at: datetime) -> dict[int, models.Model]:
    """Targets that know who may see them are asked; the others (a decision) were addressed to this reader alone."""
    try:
        manager: Any = apps.get_model(name)._default_manager
    except LookupError:  # a kind of thing that an earlier version had
        return {}
    is_target = hasattr(manager.model, "moderation_author")
    shown = manager.visible_to(reader, at) if is_target else manager
    shown = shown.wanted_by(reader, at) if manager.model is Post else shown
    found: dict[int, models.Model] = shown.filter(pk__in=ids).in_bulk()
    return found


def _notice(row: Notification, target: models.Model, actor: str) -> Notice:
    title = target.title if isinstance(target, Post) else ""
    sentence = (TITLED if title and row.kind in TITLED else SENTENCES).get(row.kind, OTHERWISE)
    url = target.get_absolute_url() if hasattr(target, "get_absolute_url") else ""
    text = str(sentence).format(actor=actor, title=title)
    return Notice(row.pk, text, url, row.created_at, row.read_at is None)
