"""Who may do what: one decorator for pages and one permission class for the API. To others it is not there."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import Role, User

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def role_required(role: Role) -> Callable[[View[P]], View[P]]:
    """Lets members of a role in; everybody else, visitors included, gets 404."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not (isinstance(request.user, User) and request.user.has_role(role)):
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
