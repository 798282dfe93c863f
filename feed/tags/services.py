"""Tags have one spelling each, are free to invent and screened like any text; staff alias one to another.

They know posts by their ids alone: the verbs about a post are in `feed.posts.services`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from feed.screened_text import clean_text
from feed.tags.models import PostTag, Tag
from feed.tags.normalisation import MAX_TAG_LENGTH, normalise_tag, normalise_tags
from lib.errors import Refused
from lib.text import count_units, normalise_line
from moderation.screening.services import TextKind

MAX_TAGS = 12  # of a post
MAX_SUGGESTIONS = 8
MAX_CANDIDATES = 40  # tags whose posts are looked at for a suggestion


def clean_tags(texts: Iterable[str], *, author: User, at: datetime) -> list[str]:
    """Tags that may be shown: normalised, few and short enough, and screened. Slow: call outside a transaction.

    Raises:
        Refused: 400 with fields["tags"].
    """
    texts = [line for line in map(normalise_line, texts) if line]
    names = normalise_tags(texts)
    message = ""
    if empty := next((line for line in texts if not normalise_tag(line)), ""):
        message = _("“%(tag)s” is no tag: write a letter, a digit or an emoji.") % {"tag": empty[:MAX_TAG_LENGTH]}
    elif len(names) > MAX_TAGS:
        message = _("Use at most %(most)s tags.") % {"most": MAX_TAGS}
    elif any(count_units(name) > MAX_TAG_LENGTH for name in names):
        message = _("A tag has at most %(longest)s characters.") % {"longest": MAX_TAG_LENGTH}
    if message:
        raise Refused("tags", message, fields={"tags": [message]})
    max_length = MAX_TAGS * (MAX_TAG_LENGTH + 2)
    clean_text(", ".join(names), kind=TextKind.TITLE, field="tags", max_length=max_length, author=author, at=at)
    return names


def set_tags(post_id: int, names: Sequence[str]) -> None:
    """Leaves the post with exactly these clean tags, aliases replaced. Call inside a transaction."""
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(names)], ignore_conflicts=True)
    rows = Tag.objects.filter(name__in=names).values_list("pk", "alias_of")
    wanted = {alias or pk for pk, alias in rows}
    present = PostTag.objects.filter(post=post_id)
    present.exclude(tag__in=wanted).delete()
    PostTag.objects.bulk_create([PostTag(post_id=post_id, tag_id=pk) for pk in sorted(wanted)], ignore_conflicts=True)


def replace_tag(*, alias: Tag, tag: Tag | None) -> list[int]:
    """Makes `alias` stand for `tag` and moves its posts there; None makes it a tag of its own again.

    Call inside a transaction. Returns the ids of the posts whose tags changed.

    Raises:
        Refused: 400 when it would lead back to itself.
    """
    rows = {row.pk: row for row in Tag.objects.select_for_update().filter(pk__in=[alias.pk, tag and tag.pk])}
    target = (rows[tag.pk].alias_of_id or tag.pk) if tag else None
    if target == alias.pk:
        message = _("A tag cannot stand for itself.")
        raise Refused("alias", message, fields={"alias_of": [message]})
    Tag.objects.filter(Q(pk=alias.pk) | (Q(alias_of=alias.pk) if target else Q(pk=None))).update(alias_of=target)
    if not target:
        return []
    posts = list(PostTag.objects.filter(tag=alias).values_list("post_id", flat=True))
    moved = [PostTag(post_id=post_id, tag_id=target) for post_id in posts]
    PostTag.objects.bulk_create(moved, ignore_conflicts=True, batch_size=5_000)
    PostTag.objects.filter(tag=alias).delete()
    return posts


def find_tag(text: str) -> Tag | None:
    """The tag that `text` means, aliases followed; None when nobody ever used it."""
    found = Tag.objects.select_related("alias_of").filter(name=normalise_tag(text)).first()
    return found and (found.alias_of or found)


def suggest_tags(*, beginning: str, posts: QuerySet[Any]) -> list[str]:
    """The most used tags that begin so, by name or alias, and are on one of `posts` (those the viewer may see)."""
    beginning = normalise_tag(beginning)
    if not beginning:
        return []
    return _most_used(Tag.objects.filter(name__startswith=beginning), posts)


def suggest_from_prompt(*, prompt: str, posts: QuerySet[Any]) -> list[str]:
    """Tags on one of `posts` that a prompt names, in one word or two; the most used first."""
    words = normalise_tag(prompt).split()[:200]
    pairs = [" ".join(pair) for pair in pairwise(words)]
    return _most_used(Tag.objects.filter(name__in={*words, *pairs}), posts)


def _most_used(named: QuerySet[Tag], posts: QuerySet[Any]) -> list[str]:
    tags = Tag.objects.filter(Q(pk__in=named.filter(alias_of=None)) | Q(pk__in=named.values("alias_of")))
    candidates = list(tags.order_by("-uses", "name").values_list("pk", flat=True)[:MAX_CANDIDATES])
    on_posts = PostTag.objects.filter(Exists(posts.filter(pk=OuterRef("post"))), tag=OuterRef("pk"))
    used = Tag.objects.filter(pk__in=candidates).filter(Exists(on_posts))
    return list(used.order_by("-uses", "name").values_list("name", flat=True)[:MAX_SUGGESTIONS])


def tags_of(post_id: int) -> list[str]:
    return list(Tag.objects.filter(post_tags__post=post_id).order_by("name").values_list("name", flat=True))


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
