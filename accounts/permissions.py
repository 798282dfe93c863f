"""Who may do what: one decorator for pages and one permission class for the API. To others it is not there."""

from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from types import SimpleNamespace
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import Role, User, Viewer
from accounts.tokens.scopes import Scope


class Rank(IntEnum):
    """How far up somebody stands: nobody acts on their betters."""

    MEMBER = 0
    MODERATOR = 1
    STAFF = 2
    SUPERUSER = 3


def rank_of(user: User) -> Rank:
    if user.is_superuser:
        return Rank.SUPERUSER
    if user.has_role(Role.STAFF):
        return Rank.STAFF
    return Rank.MODERATOR if user.has_role(Role.MODERATOR) else Rank.MEMBER


def may_act_on(actor: User, subject: User | None) -> bool:
    """Whether a moderator may decide about what `subject` (None: nobody any more) made.

    They decide about neither themselves nor their betters.
    `self_and_betters` says the same to a query.
    """
    return subject is None or (actor.pk != subject.pk and rank_of(actor) >= rank_of(subject))


def may_restrict(actor: User, subject: User) -> bool:
    """Whether `actor` may restrict `subject`, or lift what restricts them: not their equals, superusers apart."""
    is_above = rank_of(actor) > rank_of(subject) or actor.is_superuser
    return actor.pk != subject.pk and is_above


def self_and_betters(actor: User) -> "QuerySet[User]":
    """The members on whom `actor` may not act (`may_act_on`)."""
    rank, betters = rank_of(actor), Q(pk=actor.pk)
    if rank < Rank.SUPERUSER:
        betters |= Q(is_superuser=True)
    above = [role for role, of in ((Role.STAFF, Rank.STAFF), (Role.MODERATOR, Rank.MODERATOR)) if rank < of]
    if above:
        betters |= Q(pk__in=User.groups.through.objects.filter(group__name__in=above).values("user"))
    return User._base_manager.filter(betters)


P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def viewer_of(request: HttpRequest) -> Viewer:
    """The viewer of a page or file that programs fetch too: by the token that the request carries, else by session."""
    if "Authorization" not in request.headers:
        return request.user
    reading = SimpleNamespace(token_scope=Scope.READ)
    parsed = Request(request, authenticators=APIView().get_authenticators(), parser_context={"view": reading})
    try:
        viewer: Viewer = parsed.user
    except APIException:  # no such token, or it may not read
        return AnonymousUser()
    return viewer


def role_required(*roles: Role) -> Callable[[View[P]], View[P]]:
    """Lets members of one of the roles in; everybody else, visitors included, gets 404."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            user = request.user
            if not (isinstance(user, User) and any(user.has_role(role) for role in roles)):
                raise Http404
            return view(request, *args, **kwargs)

        return cast(View[P], guarded)

    return decorate


def member_required(view: View[P]) -> View[P]:
    """`login_required`, typed; the view may take `member_of(request)` for granted."""
    return login_required(view)


def member_of(request: HttpRequest | Request) -> User:
    """The signed-in member; for views behind `member_required` or `IsAuthenticated`."""
    assert isinstance(request.user, User), "this view is for members"
    return request.user


class HasRole(BasePermission):
    """``HasRole.of(Role.MODERATOR)`` is a permission class; whoever lacks the role gets 404."""

    role: Role

    @classmethod
    def of(cls, role: Role) -> type["HasRole"]:
        return type(f"Has{role.name.title()}Role", (cls,), {"role": role})

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not (isinstance(request.user, User) and request.user.has_role(self.role)):
            raise Http404
        return True
