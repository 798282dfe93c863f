"""For staff: looking things up, and writing the themes of the days to come. Moderation has pages of its own."""

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin import ReadOnlyAdmin
from feed.models import Challenge, ChallengeEntry, Post, Profile


@admin.register(Post)
class PostAdmin(ReadOnlyAdmin):
    list_display = ["public_id", "title", "author", "published_at", "unpublished_at", "removed_at", "deleted_at"]
    list_select_related = ["author"]
    search_fields = ["public_id", "title", "author__username"]
    ordering = ["-pk"]


@admin.register(Profile)
class ProfileAdmin(ReadOnlyAdmin):
    list_display = ["user", "display_name"]
    list_select_related = ["user"]
    search_fields = ["user__username", "display_name"]


@admin.register(ChallengeEntry)
class ChallengeEntryAdmin(ReadOnlyAdmin):
    list_display = ["challenge", "post", "member", "created_at"]
    list_select_related = ["challenge", "post", "member"]
    list_filter = ["challenge__day"]


@admin.register(Challenge)
class ChallengeAdmin(admin.ModelAdmin[Challenge]):
    """Themes can be written ahead, and changed until somebody entered."""

    list_display = ["day", "theme", "hint"]
    search_fields = ["theme"]
    date_hierarchy = "day"
    ordering = ["-day"]

    def has_change_permission(self, request: HttpRequest, obj: Challenge | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or not obj.entries.exists())
