"""Notifications in words: ids resolved through the reader's own filter, so that nothing hidden is ever named.

What a member turned off is left out where notifications are read (page, badge, API, mail), not where they are
written: turned on again, it is all there.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.cache import cache
from django.db import models
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Notification, NotificationQuerySet, User
from accounts.services import unread_key
from feed.comments.models import Comment
from feed.members.queries import visible_members
from feed.notifications.models import NotificationChoice
from feed.posts.models import Post
from generation.models import Image
from lib.pagination import read_keyset

PAGE_SIZE = 30
MAX_ROUNDS = 5  # pages looked through for one that shows something
MAX_UNREAD = 99  # counted no further: the bell says 99
COUNT_SECONDS = 20  # seconds

# The sentence of each kind; {actor} is who did it.
SENTENCES: dict[str, str | Promise] = {
    "post.liked": _("{actor} liked a picture of yours."),
    "post.remixed": _("{actor} remixed a picture of yours."),
    "post.descended": _("{actor} published a picture based on one of yours."),
    "post.commented": _("{actor} commented on a picture of yours."),
    "comment.answered": _("{actor} answered your comment."),
    "collection.shared": _("{actor} shared a collection with you."),
    "generation.done": _("Your pictures are ready."),
    "image.held": _("A moderator will look at a picture of yours before it can be shown."),
    "moderation.decision": _("A moderator reviewed something you posted."),
    "moderation.appeal": _("Your appeal was answered."),
    "quality.appeal": _("The team answered your appeal about answers that were not counted."),
    "challenge.result": _("A challenge that you entered is decided. See how your picture did."),
    "challenge.theme": _("A theme that you proposed was chosen. It will come up as a challenge."),
}
# How the settings name each kind.
KINDS: dict[str, str | Promise] = {
    "post.liked": _("Somebody likes one of your pictures"),
    "post.remixed": _("Somebody remixes one of your pictures"),
    "post.descended": _("Somebody publishes a picture based on one of yours"),
    "post.commented": _("Somebody comments on one of your pictures"),
    "comment.answered": _("Somebody answers your comment"),
    "collection.shared": _("A collection is shared with you"),
    "generation.done": _("Your pictures are ready"),
    "image.held": _("A moderator checks one of your pictures"),
    "moderation.decision": _("A moderator reviews something you posted"),
    "moderation.appeal": _("Your appeal is answered"),
    "quality.appeal": _("The team answers your appeal about answers that were not counted"),
    "challenge.result": _("A challenge that you entered is decided"),
    "challenge.theme": _("A theme that you proposed is chosen"),
}
# On the site, whatever is chosen.
ALWAYS = frozenset({"image.held", "moderation.decision", "moderation.appeal", "quality.appeal"})
TITLED: dict[str, str | Promise] = {  # of posts with a title, which is {title}
    "post.liked": _("{actor} liked “{title}”."),
    "post.remixed": _("{actor} remixed a picture of yours: “{title}”."),
}
OTHERWISE = _("Something of yours has news.")


@dataclass(frozen=True)
class Notice:
    """One line of the page; `url` is empty where there is nothing to open."""

    pk: int
    text: str
    url: str
    created_at: datetime
    is_new: bool
    kind: str = ""
    actor: str = ""
    title: str = ""
    post_id: int | None = None  # what a thumbnail shows
    image_id: int | None = None


@dataclass(frozen=True)
class NoticePage:
    notices: list[Notice]
    next: str | None
    latest: int  # the newest id that was looked at
    has_new: bool


def wanted_notifications(reader: User) -> NotificationQuerySet:
    """Notifications of the reader but for the kinds they turned off."""
    off = NotificationChoice.objects.filter(member=reader, on_site=False).exclude(kind__in=ALWAYS).values("kind")
    return Notification.objects.filter(recipient=reader).exclude(kind__in=off)


def read_notices(reader: User, *, at: datetime, cursor: str = "", size: int = PAGE_SIZE) -> NoticePage:
    """A page, the newest first; where nearly everything became invisible it may be short, never empty by mistake.

    Raises:
        Refused: 400 for a cursor of another list.
    """
    notices: list[Notice] = []
    latest, following, has_new = 0, cursor, False
    for _round in range(MAX_ROUNDS):
        page = read_keyset(wanted_notifications(reader), by="created_at", cursor=following, size=size)
        notices += notices_of(page.rows, reader, at)
        latest = max([latest, *(row.pk for row in page.rows)])
        has_new = has_new or any(row.read_at is None for row in page.rows)
        following = page.next or ""
        if notices or not following:
            break
    return NoticePage(notices, following or None, latest, has_new)


def count_unread(reader: User, at: datetime) -> int:
    """The unread notifications that the page would show, of the newest 99; cached for seconds.

    A new notification, or one just read, is counted at once (`accounts.services.unread_key`).
    """
    key = unread_key(reader.pk)
    known: int | None = cache.get(key)
    if known is None:
        rows = wanted_notifications(reader).unread().order_by("-created_at", "-pk")[:MAX_UNREAD]
        known = len(notices_of(rows, reader, at))
        cache.set(key, known, COUNT_SECONDS)
    return known


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
    found: dict[int, models.Model] = _shown(manager, reader, at).filter(pk__in=ids).in_bulk()
    return found


def _shown(manager: Any, reader: User, at: datetime) -> Any:
    """Posts pass the filter of every list, comments by their post too; one's own are always there."""
    if not hasattr(manager, "visible_to"):
        return manager.all()
    shown = manager.visible_to(reader, at)
    listed = Post.objects.listed_for(reader, at).order_by().values("pk")
    if manager.model is Post:
        return shown.filter(Q(pk__in=listed) | Q(author=reader))
    if manager.model is Comment:
        return shown.filter(Q(post__in=listed) | Q(post__author=reader))
    return shown


def _notice(row: Notification, target: models.Model, actor: str) -> Notice:
    url = target.get_absolute_url() if hasattr(target, "get_absolute_url") else ""
    notice = Notice(
        row.pk,
        "",
        url,
        row.created_at,
        row.read_at is None,
        row.kind,
        actor,
        title=target.title if isinstance(target, Post) else "",
        post_id=target.pk if isinstance(target, Post) else getattr(target, "post_id", None),
        image_id=target.pk if isinstance(target, Image) else None,
    )
    return replace(notice, text=sentence_of(notice, actor=actor))


def sentence_of(notice: Notice, *, actor: str) -> str:
    """What a notice says; `actor` may be several people."""
    is_titled = notice.title and notice.kind in TITLED
    return str((TITLED if is_titled else SENTENCES).get(notice.kind, OTHERWISE)).format(actor=actor, title=notice.title)
