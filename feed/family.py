"""Where a post came from and what came from it, as far as a viewer may see."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Viewer
from feed.cards import picture_of
from feed.models import Post, PostQuerySet
from generation.files import Picture
from generation.models import Generation

MOST_CHILDREN = 24


@dataclass(frozen=True)
class Relative:
    post: Post
    picture: Picture
    kind: str  # how the remix was made, in words


def parent_of(post: Post, viewer: Viewer, at: datetime) -> Relative | None:
    """The published picture this one was remixed from."""
    made = post.image.generation
    if made.parent_id is None:
        return None
    parent = _listed(viewer, at).filter(image=made.parent_id).first()
    return _relative(parent, made, viewer, at) if parent else None


def children_of(post: Post, viewer: Viewer, at: datetime) -> list[Relative]:
    """The latest published remixes of this picture."""
    remixes = _listed(viewer, at).filter(image__generation__parent=post.image_id)
    newest = remixes.order_by("-published_at", "-pk")[:MOST_CHILDREN]
    return [_relative(child, child.image.generation, viewer, at) for child in newest]


def _listed(viewer: Viewer, at: datetime) -> PostQuerySet:
    return Post.objects.listed_for(viewer, at).with_card(viewer)


def _relative(post: Post, made: Generation, viewer: Viewer, at: datetime) -> Relative:
    return Relative(post, picture_of(post, viewer, at), made.get_remix_kind_display())
