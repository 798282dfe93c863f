"""Notifications as the page shows them: those about the same thing are one line, with a picture of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import User
from feed.notifications.queries import Notice, sentence_of
from feed.posts.cards import picture_of
from feed.posts.models import Post
from generation.media.signing import Picture, picture
from generation.models import Image, ImageState

NAMED = 2  # actors that are named; the others are counted


@dataclass
class NoticeGroup:
    """Notices of one kind about one thing, the newest first."""

    notices: list[Notice]
    picture: Picture | None = None
    actors: list[str] = field(default_factory=list)

    @property
    def newest(self) -> Notice:
        return self.notices[0]

    @property
    def is_new(self) -> bool:
        return any(notice.is_new for notice in self.notices)

    @property
    def text(self) -> str:
        return sentence_of(self.newest, actor=_join(self.actors)) if self.actors else self.newest.text

    @property
    def count(self) -> int:
        """How many there are, where the sentence does not say so."""
        return len(self.notices) if not self.actors and len(self.notices) > 1 else 0


def group_notices(notices: Iterable[Notice], reader: User, at: datetime) -> list[NoticeGroup]:
    """Groups a page of notices; two queries for the pictures."""
    groups: dict[tuple[str, str], NoticeGroup] = {}
    for notice in notices:
        key = (notice.kind, str(notice.post_id or notice.url) if notice.actor else "")
        group = groups.setdefault(key, NoticeGroup([]))
        group.notices.append(notice)
        if notice.actor and notice.actor not in group.actors:
            group.actors.append(notice.actor)
    _add_pictures(list(groups.values()), reader, at)
    return list(groups.values())


def _add_pictures(groups: list[NoticeGroup], reader: User, at: datetime) -> None:
    post_ids = {group.newest.post_id for group in groups if group.newest.post_id}
    posts = Post.objects.visible_to(reader, at).with_card(reader, at).in_bulk(post_ids)
    image_ids = {group.newest.image_id for group in groups if group.newest.image_id}
    drawn = Image.objects.filter(pk__in=image_ids, author=reader, state=ImageState.READY, deleted_at=None)
    images = drawn.exclude(prefix="").select_related("generation").in_bulk()
    for group in groups:
        post, image = posts.get(group.newest.post_id or 0), images.get(group.newest.image_id or 0)
        if post is not None and post.image.rendition_widths and not post.is_blurred:
            group.picture = picture_of(post, reader, at, "56px")
        elif image is not None:
            group.picture = picture(image, viewer_may_sign=True, viewer=reader, sizes="56px", at=at)


def _join(names: list[str]) -> str:
    others = len(names) - NAMED
    if others > 1:
        return _("%(names)s and %(n)s others") % {"names": ", ".join(names[:NAMED]), "n": others}
    if len(names) == 1:
        return names[0]
    return _("%(names)s and %(last)s") % {"names": ", ".join(names[:-1]), "last": names[-1]}
