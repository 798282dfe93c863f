from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import ConsentEvent, User, Webhook
from accounts.permissions import may_act_on


@admin.register(User)
class MemberAdmin(UserAdmin[User]):
    """Members are never deleted here: only by their owner or by the command, in every app.

    Nor are they banned here: that is a moderator's decision, with reasons. Staff change neither themselves nor their
    betters, and only superusers give roles.
    """

    list_display = ["username", "date_joined", "is_active", "is_staff", "is_simulated"]
    list_filter = ["is_active", "is_staff", "is_simulated", "groups"]
    search_fields = ["username", "email", "public_id"]
    readonly_fields = ["public_id", "is_active", "is_simulated", "deleted_at", "last_login", "date_joined"]
    fieldsets = (
        (None, {"fields": ("username", "password", "public_id")}),
        (_("Account"), {"fields": ("email", "is_adult", "max_level", "is_simulated", "deleted_at")}),
        (_("Permissions"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Whoever changes somebody above, their password or address, could become them."""
        actor = request.user
        is_allowed = isinstance(actor, User) and (actor.is_superuser or may_act_on(actor, obj))
        return is_allowed and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Roles and rights are given by superusers alone."""
        is_superuser = isinstance(request.user, User) and request.user.is_superuser
        rights = [] if is_superuser else ["is_staff", "is_superuser", "groups"]
        return [*map(str, super().get_readonly_fields(request, obj)), *rights]


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """For ledgers and for rows that only services write; every app uses it."""

    show_full_result_count = False  # a ledger may have millions of rows

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ConsentEvent)
class ConsentEventAdmin(ReadOnlyAdmin):
    list_display = ["user", "purpose", "granted", "text_version", "at"]
    list_filter = ["purpose", "granted"]
    list_select_related = ["user"]


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin):
    list_display = ["user", "url", "is_active", "created_at"]
    list_select_related = ["user"]
    exclude = ["secret"]
