"""Writing, editing and deleting comments."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import notify
from feed.comments.models import DEEPEST, Comment
from feed.posts.models import Post
from feed.posts.services import request_recount
from feed.rates import check_member_rate
from feed.screened_text import clean_text
from lib.errors import NotFound, Refused
from lib.text import cut_parts
from moderation.restrictions.services import require_unrestricted
from moderation.screening.services import TextKind

MAX_LENGTH = 2000
MAX_ANSWERS = 100  # in a thread, so that a page is bounded


def post_comment(
    *, post: Post, author: User, text: str, parent: Comment | None = None, at: datetime | None = None
) -> Comment:
    """Writes a comment below a post, or answers one.

    An answer to the deepest level stands beside what it answers.

    Raises:
        Refused: 404 the post or the comment is not shown to the member; 403 restricted; 400 with fields["text"];
            409 the thread is full; 429 too often.
    """
    at = at or timezone.now()
    check_member_rate(author, "comment")
    require_unrestricted(user=author, doing="publish", at=at)
    if not Post.objects.shown_to(author, at).filter(pk=post.pk).exists():
        raise NotFound(_("This post does not exist."))
    if parent is not None and not Comment.objects.readable_by(author, at).filter(pk=parent.pk, post=post).exists():
        raise NotFound(_("The comment you are answering no longer exists."))
    text = _clean(text, author, at)  # slow: before the transaction
    with transaction.atomic():
        comment = Comment.objects.create(
            post=post,
            author=author,
            text=text,
            words=cut_parts([text]),
            created_at=at,
            **_position(parent) if parent else {},
        )
        request_recount([post.pk])
        _notify(comment, parent, at)
    return comment


def _clean(text: str, author: User, at: datetime) -> str:
    kind, longest = TextKind.COMMENT, MAX_LENGTH
    text = clean_text(text, kind=kind, field="text", max_length=longest, author=author, at=at, has_lines=True)
    if not text:
        message = _("Write something first.")
        raise Refused("empty", message, fields={"text": [message]})
    return text


def _position(parent: Comment) -> dict[str, object]:
    """The columns that position an answer in its thread.

    Call inside a transaction: it locks the thread, so that its bound holds.
    """
    thread_id = parent.thread_id or parent.pk
    Comment.objects.select_for_update(no_key=True).get(pk=thread_id)
    if Comment.objects.filter(thread=thread_id).count() >= MAX_ANSWERS:
        raise Refused("full", _("This thread is full. Start a new one."), status=409)
    if parent.depth < DEEPEST:
        return {"thread_id": thread_id, "parent_id": parent.pk, "depth": parent.depth + 1}
    return {"thread_id": thread_id, "parent_id": parent.parent_id, "depth": parent.depth}


def _notify(comment: Comment, parent: Comment | None, at: datetime) -> None:
    """Notifies whoever is answered of the answer, and the post's author of everything else."""
    if parent is not None:
        notify(recipient=parent.author, kind="comment.answered", target=comment, actor=comment.author, at=at)
    if parent is None or parent.author_id != comment.post.author_id:
        notify(recipient=comment.post.author, kind="post.commented", target=comment, actor=comment.author, at=at)


def edit_comment(*, comment: Comment, author: User, text: str, at: datetime | None = None) -> Comment:
    """Changes the text of one's own comment; the same text again is no edit.

    Raises:
        Refused: 404 not the author's, deleted or removed; 403 restricted; 400 with fields["text"]; 429 too
            often.
    """
    at = at or timezone.now()
    check_member_rate(author, "comment")
    require_unrestricted(user=author, doing="publish", at=at)
    own = Comment.objects.published().filter(pk=comment.pk, author=author)
    if not own.exists():
        raise NotFound(_("You have no such comment."))
    text = _clean(text, author, at)
    own.exclude(text=text).update(text=text, words=cut_parts([text]), edited_at=at)
    comment.refresh_from_db()
    return comment


def delete_comment(*, comment: Comment, member: User, at: datetime | None = None) -> None:
    """Blanks a comment for good, one's own or one below a post of one's own; answers stay. Idempotent."""
    at = at or timezone.now()
    with transaction.atomic():
        theirs = Comment.objects.deletable_by(member).filter(pk=comment.pk)
        if theirs.filter(deleted_at=None).update(deleted_at=at, text="", words=""):
            request_recount([comment.post_id])
        elif not theirs.exists():
            raise NotFound(_("You have no such comment to delete."))


def blank_comments(comments: Iterable[int], at: datetime) -> None:
    """Blanks these and lets their posts be counted again. Call inside a transaction."""
    rows = Comment.objects.filter(pk__in=list(comments), deleted_at=None)
    posts = set(rows.values_list("post_id", flat=True))
    rows.update(deleted_at=at, text="", words="")
    request_recount(posts)


def cut_comments() -> int:
    """Cuts the words of comments that have none yet; returns how many. Idempotent."""
    done, last = 0, 0
    pending = Comment.objects.filter(words="", deleted_at=None).order_by("pk").values_list("pk", "text")
    while rows := list(pending.filter(pk__gt=last)[:500]):
        for pk, text in rows:
            if words := cut_parts([text]):
                done += Comment.objects.filter(pk=pk, text=text).update(words=words)
        last = rows[-1][0]
    return done
