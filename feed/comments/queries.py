"""The comments below a post as one viewer reads them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from accounts.models import User, Viewer
from feed.comments.models import Comment
from feed.posts.models import Post
from lib.pagination import read_keyset

THREADS_ON_A_PAGE = 20
MAX_COUNTED = 1_000


@dataclass
class CommentNode:
    """A comment with its answers; `comment` is None where it is not shown to the viewer but an answer is."""

    comment: Comment | None
    answers: list["CommentNode"] = field(default_factory=list)


@dataclass(frozen=True)
class Threads:
    rows: list[CommentNode]
    next: str | None


def read_threads(post: Post, viewer: Viewer, *, at: datetime, cursor: str = "", first: str = "") -> Threads:
    """A page of comments below `post`, which the viewer may open: threads newest first, answers oldest first.

    Args:
        first: public id of a comment whose thread stands on top, whatever its age.

    Raises:
        Refused: 400 for a cursor of another list.
    """
    begun = Comment.objects.filter(post=post, thread=None)
    page = read_keyset(begun, by="created_at", cursor=cursor, size=THREADS_ON_A_PAGE)
    roots = [row.pk for row in page.rows]
    wanted = (
        Comment.objects.filter(post=post, public_id=first).values_list("thread_id", "pk").first() if first else None
    )
    if wanted:
        top = wanted[0] or wanted[1]
        roots = [top, *(pk for pk in roots if pk != top)]
    return Threads(_build_threads(roots, viewer, at), page.next)


def _build_threads(roots: list[int], viewer: Viewer, at: datetime) -> list[CommentNode]:
    """The threads of these first comments: a query for who answers whom, one for what the viewer may read."""
    answers = Comment.objects.filter(thread__in=roots).order_by("created_at", "pk").values_list("pk", "parent_id")
    below: dict[int, list[int]] = defaultdict(list)
    for pk, parent_id in answers:
        below[parent_id or 0].append(pk)
    ids = [*roots, *(pk for pks in below.values() for pk in pks)]
    readable = Comment.objects.readable_by(viewer, at).select_related("author").in_bulk(ids)

    def build(pk: int) -> CommentNode | None:
        nodes = [node for answer in below[pk] if (node := build(answer))]
        return CommentNode(readable.get(pk), nodes) if nodes or pk in readable else None

    return [node for root in roots if (node := build(root))]


def count_comments(post: Post, viewer: Viewer, at: datetime) -> int:
    """How many the viewer may read; counted to 1,000."""
    return Comment.objects.filter(post=post).readable_by(viewer, at)[:MAX_COUNTED].count()


def authors_of(nodes: Iterable[CommentNode]) -> list[User]:
    """Everybody who wrote in these threads."""
    found: list[User] = []
    for node in nodes:
        if node.comment is not None:
            found.append(node.comment.author)
        found += authors_of(node.answers)
    return found
