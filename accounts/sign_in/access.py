"""How a viewer came in: by one session of a browser, or by API tokens. Addresses of unpublished pictures hold for it
alone (`generation.media.signing`).
"""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.middleware import get_user as user_of
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User, Viewer


class AccessMiddleware(AuthenticationMiddleware):
    """Django's own, whose users know the session that they came by."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: bind_session(user_of(request), request.session))  # type: ignore[assignment]
        read_user = request.auser

        async def auser() -> Any:
            return bind_session(await read_user(), request.session)

        request.auser = auser


def bind_session(viewer: Any, session: SessionBase) -> Any:
    """The viewer that a session brought."""
    if isinstance(viewer, User):
        viewer.came_by = session
    return viewer


def bind_token(user: User) -> None:
    """Call for a member whose token was checked. Each of their tokens opens what another was given."""
    user.came_by = "token"


def access_key_of(viewer: Viewer | None) -> str:
    """What the addresses of a viewer's pictures are bound to; empty for visitors, and outside of requests."""
    came_by = viewer.came_by if isinstance(viewer, User) else None
    if isinstance(came_by, SessionBase):
        # read when it is needed: signing in, and a new password, give a session another key
        return f"session:{came_by.session_key}" if came_by.session_key else ""
    return came_by or ""
