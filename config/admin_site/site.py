"""Django's admin behind the site's own sign-in: its own asks for no second factor and knows no limits."""

from allauth.account.decorators import secure_admin_login
from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models import User
from accounts.sign_in.services import has_second_factor


class StaffSite(admin.AdminSite):
    """Staff sign in, and change their password, where everybody does."""

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not _needs_second_factor(request)

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Shows no form of its own, whoever asks: it would check passwords without limits."""
        response: HttpResponse = secure_admin_login(self._go_on)(request)
        return response

    def _go_on(self, request: HttpRequest) -> HttpResponse:
        if self.has_permission(request):
            return HttpResponseRedirect(get_next_redirect_url(request) or reverse("admin:index"))
        if _needs_second_factor(request):
            return redirect("mfa_index")
        raise PermissionDenied

    def password_change(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:  # type: ignore[override]  # a redirect
        return redirect("account_change_password")


def _needs_second_factor(request: HttpRequest) -> bool:
    return settings.STAFF_NEED_SECOND_FACTOR and not (
        isinstance(request.user, User) and has_second_factor(request.user)
    )
