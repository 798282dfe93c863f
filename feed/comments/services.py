"""Saying something below a post: every write of it, and the threads as one viewer reads them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Viewer
from accounts.services import notify
from feed.comments.models import DEEPEST, Comment
from feed.posts.models import Post
from feed.posts.recounts import request_recount
from feed.screened_text import clean_words
from lib.errors import NotFound, Refused
from lib.pagination import read_keyset
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import TextKind

LONGEST = 2000
THREADS = 20  # on a page
MOST_ANSWERS = 100  # in a thread, so that a page is bounded
MOST_COUNTED = 1_000


def post_comment(
    *, post: Post, author: User, text: str, parent: Comment | None = None, at: datetime | None = None
) -> Comment:
    """Says something below a post, or answers what was said there.

    An answer to the deepest level stands beside what it answers.

    Raises:
        Refused: 404 the post or the comment is not shown to the member; 403 restricted; 400 with fields["text"];
            409 the thread is full.
    """
    at = at or timezone.now()
    require_unrestricted(user=author, doing="publish", at=at)
    if not Post.objects.shown_to(author, at).filter(pk=post.pk).exists():
        raise NotFound(_("There is no such post."))
    if parent is not None and not Comment.objects.readable_by(author, at).filter(pk=parent.pk, post=post).exists():
        raise NotFound(_("The comment that you answer is not there any more."))
    text = _clean(text, author, at)  # slow: before the transaction
    with transaction.atomic():
        comment = Comment.objects.create(
            post=post, author=author, text=text, created_at=at, **_place(parent) if parent else {}
        )
        request_recount([post.pk])
        _tell(comment, parent, at)
    return comment


def _clean(text: str, author: User, at: datetime) -> str:
    text = clean_words(text, kind=TextKind.COMMENT, field="text", longest=LONGEST, author=author, at=at)
    if not text:
        message = _("Write something first.")
        raise Refused("empty", message, fields={"text": [message]})
    return text


def _place(parent: Comment) -> dict[str, object]:
    """Where an answer hangs. Call inside a transaction: it locks the thread, so that its bound holds."""
    thread_id = parent.thread_id or parent.pk
    Comment.objects.select_for_update(no_key=True).get(pk=thread_id)
    if Comment.objects.filter(thread=thread_id).count() >= MOST_ANSWERS:
        raise Refused("full", _("This thread is full. Begin a new one below the post."), status=409)
    if parent.depth < DEEPEST:
        return {"thread_id": thread_id, "parent_id": parent.pk, "depth": parent.depth + 1}
    return {"thread_id": thread_id, "parent_id": parent.parent_id, "depth": parent.depth}


def _tell(comment: Comment, parent: Comment | None, at: datetime) -> None:
    """Who is answered is told of the answer, and the post's author of everything else."""
    if parent is not None:
        notify(recipient=parent.author, kind="comment.answered", target=comment, actor=comment.author, at=at)
    if parent is None or parent.author_id != comment.post.author_id:
        notify(recipient=comment.post.author, kind="post.commented", target=comment, actor=comment.author, at=at)


def edit_comment(*, comment: Comment, author: User, text: str, at: datetime | None = None) -> Comment:
    """Changes one's own words; the same words again change nothing, and so does the mark of an edit.

    Raises:
        Refused: 404 not the author's, deleted or removed; 403 restricted; 400 with fields["text"].
    """
    at = at or timezone.now()
    require_unrestricted(user=author, doing="publish", at=at)
    own = Comment.objects.said().filter(pk=comment.pk, author=author)
    if not own.exists():
        raise NotFound(_("There is no such comment of yours."))
    text = _clean(text, author, at)
    own.exclude(text=text).update(text=text, edited_at=at)
    comment.refresh_from_db()
    return comment


def delete_comment(*, comment: Comment, member: User, at: datetime | None = None) -> None:
    """Blanks a comment for good, one's own or one below a post of one's own; answers stay. Twice is once."""
    at = at or timezone.now()
    with transaction.atomic():
        theirs = Comment.objects.deletable_by(member).filter(pk=comment.pk)
        if theirs.filter(deleted_at=None).update(deleted_at=at, text=""):
            request_recount([comment.post_id])
        elif not theirs.exists():
            raise NotFound(_("There is no such comment that you may delete."))


def bury_comments(comments: Iterable[int], at: datetime) -> None:
    """Blanks these and lets their posts be counted again. Call inside a transaction."""
    rows = Comment.objects.filter(pk__in=list(comments), deleted_at=None)
    posts = set(rows.values_list("post_id", flat=True))
    rows.update(deleted_at=at, text="")
    request_recount(posts)


@dataclass
class Said:
    """A comment with its answers; `comment` is None where it is not shown to the viewer but an answer is."""

    comment: Comment | None
    answers: list["Said"] = field(default_factory=list)


@dataclass(frozen=True)
class Threads:
    rows: list[Said]
    next: str | None


def read_threads(post: Post, viewer: Viewer, *, at: datetime, cursor: str = "", first: str = "") -> Threads:
    """A page of what is said below `post`, which the viewer may open: threads newest first, answers oldest first.

    Args:
        first: public id of a comment whose thread stands on top, whatever its age.

    Raises:
        Refused: 400 for a cursor of another list.
    """
    begun = Comment.objects.filter(post=post, thread=None)
    page = read_keyset(begun, by="created_at", cursor=cursor, size=THREADS)
    roots = [row.pk for row in page.rows]
    wanted = (
        Comment.objects.filter(post=post, public_id=first).values_list("thread_id", "pk").first() if first else None
    )
    if wanted:
        top = wanted[0] or wanted[1]
        roots = [top, *(pk for pk in roots if pk != top)]
    return Threads(_grown(roots, viewer, at), page.next)


def _grown(roots: list[int], viewer: Viewer, at: datetime) -> list[Said]:
    """The threads of these first comments: a query for who answers whom, one for what the viewer may read."""
    answers = Comment.objects.filter(thread__in=roots).order_by("created_at", "pk").values_list("pk", "parent_id")
    below: dict[int, list[int]] = defaultdict(list)
    for pk, parent_id in answers:
        below[parent_id or 0].append(pk)
    ids = [*roots, *(pk for pks in below.values() for pk in pks)]
    readable = Comment.objects.readable_by(viewer, at).select_related("author").in_bulk(ids)

    def grow(pk: int) -> Said | None:
        grown = [said for answer in below[pk] if (said := grow(answer))]
        return Said(readable.get(pk), grown) if grown or pk in readable else None

    return [said for root in roots if (said := grow(root))]


def count_comments(post: Post, viewer: Viewer, at: datetime) -> int:
    """How many the viewer may read; counted to 1,000."""
    return Comment.objects.filter(post=post).readable_by(viewer, at)[:MOST_COUNTED].count()
