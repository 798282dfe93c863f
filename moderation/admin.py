from django.contrib import admin
from django.http import HttpRequest

from moderation.models import BlockedHash, Decision, Rule, Screening


class LookOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rules are edited on their own page, which retires instead of overwriting; ledgers not at all."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Rule)
class RuleAdmin(LookOnly):
    list_display = ["slug", "effect", "category", "level", "created_at", "retired_at"]
    list_filter = ["effect", "category"]


@admin.register(BlockedHash)
class BlockedHashAdmin(LookOnly):
    list_display = ["pk", "source", "note", "created_at", "lifted_at"]
    list_filter = ["source"]


@admin.register(Decision)
class DecisionAdmin(LookOnly):
    list_display = ["public_id", "target_type", "action", "reason", "actor_pseudonym", "decided_at"]
    list_filter = ["action", "reason"]


@admin.register(Screening)
class ScreeningAdmin(LookOnly):
    list_display = ["pk", "target_type", "verdict", "level", "reasons", "created_at"]
    list_filter = ["verdict"]
