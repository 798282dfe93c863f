"""Avatars of several members at once, as a viewer may see them."""

from collections.abc import Iterable
from datetime import datetime

from accounts.models import User, Viewer
from feed.members.models import Profile
from feed.posts.cards import picture_of
from feed.posts.models import Post


def add_avatars(members: Iterable[User], viewer: Viewer, at: datetime) -> None:
    """Sets `avatar_src`, the address of a small picture, on those whose avatar the viewer may see. One query."""
    by_id: dict[int, list[User]] = {}
    for member in members:
        by_id.setdefault(member.pk, []).append(member)
    if not by_id:
        return
    chosen = Profile.objects.filter(user__in=by_id).exclude(avatar=None).values("avatar")
    posts = Post.objects.listed_for(viewer, at).filter(image__in=chosen, author__in=by_id)
    for post in posts.select_related("author", "image__generation"):
        smallest = picture_of(post, viewer, at).srcset.partition(" ")[0]
        for member in by_id[post.author_id]:
            member.__dict__["avatar_src"] = smallest
