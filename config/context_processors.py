"""What every template may know about the site."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts.models import Role, User
from accounts.sign_in.intentions import Intention, see_intention, take_intention
from feed.notifications.queries import count_unread

THEME_COOKIE = "theme"
THEMES = ("light", "dark")


def _roles(request: HttpRequest) -> set[str]:
    """Names of the roles the member holds; templates show links by them, views still check permission."""
    user = request.user
    return {role.value for role in Role if user.has_role(role)} if isinstance(user, User) else set()


def _unread(request: HttpRequest) -> int:
    user = request.user
    if not isinstance(user, User):
        return 0
    return count_unread(user, timezone.now())


def _intention(request: HttpRequest) -> Intention | None:
    """What a member wanted to do before they signed in, once."""
    return take_intention(request) if isinstance(request.user, User) else None


def site(request: HttpRequest) -> dict[str, Any]:
    """Lazy where a query is needed, so that fragments without a header cost none.

    The chosen theme is a cookie read here, not a script, so that the first paint already has it.
    It is `color_theme`, because challenges have a theme too.
    """
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "SITE_NAME": settings.SITE_NAME,
        "SITE_URL": settings.SITE_URL,
        "DEMO": settings.DEMO,
        "CONTACT_EMAIL": settings.CONTACT_EMAIL,
        "color_theme": chosen if chosen in THEMES else "",
        "roles": SimpleLazyObject(lambda: _roles(request)),
        "intended": SimpleLazyObject(lambda: see_intention(request)),
        "intention": SimpleLazyObject(lambda: _intention(request)),
        "unread_notifications": SimpleLazyObject(lambda: _unread(request)),
    }
