"""To look things up. Rules are edited on their own page, which retires instead of overwriting; ledgers not at all."""

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin
from moderation.decisions.models import Decision
from moderation.hashes.models import BlockedHash
from moderation.screening.models import Rule, Screening


@admin.register(Rule)
class RuleAdmin(ReadOnlyAdmin):
    list_display = ["slug", "effect", "category", "level", "created_at", "retired_at"]
    list_filter = ["effect", "category"]


@admin.register(BlockedHash)
class BlockedHashAdmin(ReadOnlyAdmin):
    list_display = ["pk", "source", "note", "created_at", "lifted_at"]
    list_filter = ["source"]


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ["public_id", "target_type", "action", "reason", "actor_pseudonym", "decided_at"]
    list_filter = ["action", "reason"]


@admin.register(Screening)
class ScreeningAdmin(ReadOnlyAdmin):
    list_display = ["pk", "target_type", "verdict", "level", "reasons", "created_at"]
    list_filter = ["verdict"]
