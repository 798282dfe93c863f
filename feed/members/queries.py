"""Members as others see them."""

from datetime import datetime
from typing import Literal

from django.db.models import Q, QuerySet

from accounts.models import Role, User, Viewer
from feed.members.models import Block, Follow, Profile
from moderation.models import Restriction


def blocked_authors(viewer: User, field: str = "author") -> Q:
    """Rows whose `field` is somebody whom `viewer` blocked, or who blocked `viewer`."""
    by, behind = Block.objects.blocked_by(viewer.pk), Block.objects.blocking(viewer.pk)
    return Q(**{f"{field}__in": by}) | Q(**{f"{field}__in": behind})


def visible_members(viewer: Viewer, at: datetime) -> QuerySet[User]:
    """Members with a public face: neither deleted nor banned, and no block between. Moderators see the banned too."""
    members: QuerySet[User] = User.objects.visible_to(viewer, at)
    if isinstance(viewer, User) and viewer.has_role(Role.MODERATOR):
        return members
    banned = Restriction.objects.banned(at)
    members = members.exclude(pk__in=banned.values("user_id"))
    return members.exclude(blocked_authors(viewer, "pk")) if isinstance(viewer, User) else members


FollowSide = Literal["followed", "member"]


def follows_of(member: User, viewer: Viewer, at: datetime, *, side: FollowSide) -> QuerySet[Follow]:
    """Rows whose `side` is whom `member` follows ("followed") or who follows them ("member"), visible ones alone."""
    mine = {"member" if side == "followed" else "followed": member}
    return Follow.objects.filter(**mine, **{f"{side}__in": visible_members(viewer, at).values("pk")})


def profile_of(member: User) -> Profile:
    """The member's profile; an unsaved blank one if they never wrote any."""
    return Profile.objects.filter(user=member).select_related("avatar").first() or Profile(user=member)
