"""The lineage of a post: what it was remixed from and what was remixed from it, as far as a viewer may see."""

from dataclasses import dataclass, field
from datetime import datetime
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from django.db import connection

from accounts.models import Viewer
from feed.posts.cards import Card, card_of
from feed.posts.models import Post, PostQuerySet

LONG = 320  # characters of a prompt, about five lines beside the picture
MAX_DIFF_WORDS = 600  # of a side: difflib is quadratic where everything differs
OLDEST = 20  # generations upwards
DEEPEST, MOST_CHILDREN = 3, 24  # generations downwards, and posts in each of them

_LINE = """
    WITH RECURSIVE line (image_id, depth) AS (
      SELECT made.parent_id, 1 FROM generation_image picture
      JOIN generation_generation made ON made.id = picture.generation_id
      WHERE picture.id = %(image)s AND made.parent_id IS NOT NULL
      UNION ALL
      SELECT made.parent_id, line.depth + 1 FROM line
      JOIN generation_image picture ON picture.id = line.image_id
      JOIN generation_generation made ON made.id = picture.generation_id
      WHERE made.parent_id IS NOT NULL AND line.depth < %(oldest)s
    )
    SELECT image_id FROM line ORDER BY depth
"""


class Part(NamedTuple):
    """Words that stayed, came or went."""

    change: Literal["same", "added", "removed"]
    text: str


@dataclass
class Relative:
    """A post of the lineage, with the edge that leads to it from the one above."""

    card: Card
    kind: str  # how it was remixed, in words; empty for an original
    difference: list[Part] | None  # None where a prompt is hidden, or nothing changed
    is_gap: bool = False  # pictures that are not shown lie between
    is_here: bool = False
    children: list["Relative"] = field(default_factory=list)

    @property
    def is_long(self) -> bool:
        """Whether the difference is shown in part until all of it is asked for."""
        return sum(len(part.text) for part in self.difference or ()) > LONG


@dataclass(frozen=True)
class Lineage:
    """`root` leads down to the post and on to what came from it; `credits` names the authors above, oldest first."""

    root: Relative
    credits: list[str]
    parent: Card | None = None  # what the post was remixed from, if it is shown

    @property
    def is_alone(self) -> bool:
        return self.root.is_here and not self.root.children


def ancestors_of(image_id: int) -> list[int]:
    """Ids of the images it was remixed from, the parent first, 20 generations at most."""
    with connection.cursor() as cursor:
        cursor.execute(_LINE, {"image": image_id, "oldest": OLDEST})
        return [ancestor for (ancestor,) in cursor.fetchall()]


def lineage_of(post: Post, viewer: Viewer, at: datetime) -> Lineage:
    """The lineage of a post that `viewer` may open. Five queries, whatever its size.

    A difference is worked out only from two prompts that the viewer may read, neighbours by birth: nothing of a
    hidden prompt, nor of a picture between that is not shown, can be read from it.
    """
    line = ancestors_of(post.image_id)
    shown = {above.image_id: above for above in _listed(viewer, at).filter(image__in=line)}
    top = Relative(card_of(post, viewer, at), "", None, is_here=True)
    _grow(top, post, viewer, at)
    below, is_gap = post, False
    for image_id in line:
        above = shown.get(image_id)
        if above is None:
            is_gap = True
            continue
        _describe(top, below, above, viewer, is_gap=is_gap)
        top = Relative(card_of(above, viewer, at), "", None, children=[top])
        below, is_gap = above, False
    top.is_gap = is_gap
    authors = dict.fromkeys(shown[image].author.username for image in reversed(line) if image in shown)
    parent = shown.get(line[0]) if line else None
    card = card_of(parent, viewer, at) if parent is not None and not parent.is_blurred else None
    return Lineage(top, [name for name in authors if name != post.author.username], card)


def _grow(root: Relative, post: Post, viewer: Viewer, at: datetime) -> None:
    """Adds the latest published remixes below `root`, generation by generation."""
    parents = {post.image_id: (root, post)}
    for _generation in range(DEEPEST):
        remixes = _listed(viewer, at).filter(image__generation__parent__in=parents)
        born: dict[int, tuple[Relative, Post]] = {}
        for child in remixes.order_by("-published_at", "-pk")[:MOST_CHILDREN]:
            node, above = parents[child.image.generation.parent_id or 0]
            born[child.image_id] = (Relative(card_of(child, viewer, at), "", None), child)
            _describe(born[child.image_id][0], child, above, viewer, is_gap=False)
            node.children.append(born[child.image_id][0])
        if not born:
            return
        parents = born


def _describe(relative: Relative, post: Post, above: Post, viewer: Viewer, *, is_gap: bool) -> None:
    """The edge from `above` to `post`: how it was remixed, and which words changed."""
    relative.is_gap = is_gap
    if is_gap:
        return
    relative.kind = post.image.generation.get_remix_kind_display()
    before, after = _readable(above, viewer), _readable(post, viewer)
    if before is not None and after is not None and before != after:
        relative.difference = diff_prompts(before, after)


def _readable(post: Post, viewer: Viewer) -> str | None:
    return post.image.generation.prompt if post.may_read_prompt(viewer) and not post.is_blurred else None


def _listed(viewer: Viewer, at: datetime) -> PostQuerySet:
    return Post.objects.listed_for(viewer, at).with_card(viewer, at)


def diff_prompts(before: str, after: str) -> list[Part]:
    """The parts of both prompts in reading order; what went stands before what came in its place.

    The "same" and "added" parts together are the words of `after`, "same" and "removed" those of `before`, up to
    the spaces between words and the first 600 words of each.
    """
    old, new = _split(before), _split(after)
    parts: list[Part] = []
    for change, start, end, begin, stop in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if change == "equal":
            parts.append(Part("same", " ".join(new[begin:stop])))
            continue
        if start < end:
            parts.append(Part("removed", " ".join(old[start:end])))
        if begin < stop:
            parts.append(Part("added", " ".join(new[begin:stop])))
    return parts


def _split(prompt: str) -> list[str]:
    """Words with the punctuation that clings to them: “red fox,” is two."""
    return prompt.split()[:MAX_DIFF_WORDS]
