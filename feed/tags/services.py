"""Tags: one spelling each, free to invent, screened like any words; staff make one tag an alias of another."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Viewer
from feed.posts.models import Post
from feed.posts.visibility import refresh_visibility
from feed.screened_text import clean_words
from feed.tags.models import PostTag, Tag
from feed.tags.normalisation import LONGEST_TAG, normal_tag, normal_tags
from lib.errors import NotFound, Refused
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import TextKind

MOST_TAGS = 12
SUGGESTED = 8
LOOKED_AT = 40  # candidates per suggestion whose posts are looked at


def clean_tags(texts: Iterable[str], *, author: User, at: datetime) -> list[str]:
    """Tags that may be shown: normal, few and short enough, and screened. Slow: call outside a transaction.

    Raises:
        Refused: 400 with fields["tags"].
    """
    names = normal_tags(texts)
    message = ""
    if len(names) > MOST_TAGS:
        message = _("Use at most %(most)s tags.") % {"most": MOST_TAGS}
    elif any(len(name) > LONGEST_TAG for name in names):
        message = _("A tag has at most %(longest)s characters.") % {"longest": LONGEST_TAG}
    if message:
        raise Refused("tags", message, fields={"tags": [message]})
    longest = MOST_TAGS * (LONGEST_TAG + 2)
    clean_words(", ".join(names), kind=TextKind.TITLE, field="tags", longest=longest, author=author, at=at)
    return names


def set_tags(post: Post, names: Sequence[str], at: datetime) -> None:
    """Leaves the post with exactly these clean tags, aliases replaced. Call inside a transaction."""
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(names)], ignore_conflicts=True)
    rows = Tag.objects.filter(name__in=names).values_list("pk", "alias_of")
    wanted = {alias or pk for pk, alias in rows}
    present = PostTag.objects.filter(post=post)
    present.exclude(tag__in=wanted).delete()
    PostTag.objects.bulk_create([PostTag(post=post, tag_id=pk) for pk in sorted(wanted)], ignore_conflicts=True)
    refresh_visibility([post.pk], at)  # search reads tags


def tag_post(*, post: Post, author: User, tags: Iterable[str], at: datetime | None = None) -> None:
    """Changes the tags of the author's own post; the same again changes nothing.

    Raises:
        Refused: 404 not theirs; 403 restricted; 400 with fields["tags"] for too many, too long or refused words.
    """
    at = at or timezone.now()
    require_unrestricted(user=author, doing="publish", at=at)
    names = clean_tags(tags, author=author, at=at)
    with transaction.atomic():
        own = Post.objects.select_for_update(no_key=True).filter(pk=post.pk, author=author, deleted_at=None).first()
        if own is None:
            raise NotFound(_("There is no such post among yours."))
        set_tags(own, names, at)


def alias_tag(*, alias: Tag, tag: Tag | None, at: datetime | None = None) -> None:
    """From now on `tag` is meant where `alias` is written, also on the posts that have it; None ends that.

    Raises:
        Refused: 400 when it would lead back to itself.
    """
    at = at or timezone.now()
    with transaction.atomic():
        rows = {row.pk: row for row in Tag.objects.select_for_update().filter(pk__in=[alias.pk, tag and tag.pk])}
        target = rows[tag.pk].alias_of_id or tag.pk if tag else None
        if target == alias.pk:
            message = _("A tag cannot stand for itself.")
            raise Refused("alias", message, fields={"alias_of": [message]})
        Tag.objects.filter(Q(pk=alias.pk) | (Q(alias_of=alias.pk) if target else Q(pk=None))).update(alias_of=target)
        if target:
            posts = list(PostTag.objects.filter(tag=alias).values_list("post_id", flat=True))
            moved = [PostTag(post_id=post_id, tag_id=target) for post_id in posts]
            PostTag.objects.bulk_create(moved, ignore_conflicts=True, batch_size=5_000)
            PostTag.objects.filter(tag=alias).delete()
            refresh_visibility(posts, at)


def tag_named(text: str) -> Tag | None:
    """The tag that `text` means, an alias followed; None when nobody ever used it."""
    found = Tag.objects.select_related("alias_of").filter(name=normal_tag(text)).first()
    return found and (found.alias_of or found)


def suggest_tags(*, beginning: str, viewer: Viewer, at: datetime) -> list[str]:
    """The most used tags that begin so, by name or alias, and hang on something that the viewer may see."""
    beginning = normal_tag(beginning)
    if not beginning:
        return []
    like = Tag.objects.filter(name__startswith=beginning)
    canonical = Tag.objects.filter(Q(pk__in=like.filter(alias_of=None)) | Q(pk__in=like.values("alias_of")))
    return _shown(canonical, viewer, at)


def suggest_from_prompt(*, prompt: str, viewer: Viewer, at: datetime) -> list[str]:
    """Tags that others use and a prompt names, in one word or two."""
    words = normal_tag(prompt).split()[:200]
    pairs = [" ".join(pair) for pair in pairwise(words)]
    named = Tag.objects.filter(name__in={*words, *pairs})
    return _shown(
        Tag.objects.filter(Q(pk__in=named.filter(alias_of=None)) | Q(pk__in=named.values("alias_of"))), viewer, at
    )


def _shown(tags: QuerySet[Tag], viewer: Viewer, at: datetime) -> list[str]:
    likely = list(tags.order_by("-uses", "name").values_list("pk", flat=True)[:LOOKED_AT])
    listed = Post.objects.listed_for(viewer, at).filter(pk=OuterRef("post"))
    used = Tag.objects.filter(pk__in=likely).filter(Exists(PostTag.objects.filter(Exists(listed), tag=OuterRef("pk"))))
    return list(used.order_by("-uses", "name").values_list("name", flat=True)[:SUGGESTED])


def tags_of(post: Post) -> list[str]:
    return list(Tag.objects.filter(post_tags__post=post).order_by("name").values_list("name", flat=True))


def count_tags() -> int:
    """Counts the uses of every tag again and writes those that changed; returns how many did."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE feed_tag SET uses = truth.uses FROM (
              SELECT tag.id, count(tagging.id) AS uses FROM feed_tag tag
              LEFT JOIN feed_posttag tagging ON tagging.tag_id = tag.id GROUP BY tag.id) truth
            WHERE truth.id = feed_tag.id AND truth.uses <> feed_tag.uses
            """
        )
        changed: int = cursor.rowcount
    return changed
