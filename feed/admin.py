"""For staff: looking things up, and writing the themes of the days to come. Moderation has pages of its own."""

from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import ReadOnlyAdmin
from feed.challenges.models import Challenge, ChallengeEntry, ThemeIdea
from feed.challenges.themes.calendar import change_theme
from feed.collections.models import Collection
from feed.comments.models import Comment
from feed.members.models import Profile
from feed.posts.models import Post
from feed.posts.services import alias_tag
from feed.styles.models import StyleName
from feed.tags.models import Tag
from lib.errors import Refused


@admin.register(Post)
class PostAdmin(ReadOnlyAdmin):
    list_display = ["public_id", "title", "author", "published_at", "unpublished_at", "removed_at", "deleted_at"]
    list_select_related = ["author"]
    search_fields = ["public_id", "title", "author__username"]
    ordering = ["-pk"]


@admin.register(Comment)
class CommentAdmin(ReadOnlyAdmin):
    list_display = ["public_id", "author", "post", "created_at", "edited_at", "removed_at", "deleted_at"]
    list_select_related = ["author", "post"]
    search_fields = ["public_id", "author__username"]
    ordering = ["-pk"]


@admin.register(Collection)
class CollectionAdmin(ReadOnlyAdmin):
    list_display = ["public_id", "name", "owner", "visibility", "created_at", "removed_at"]
    list_select_related = ["owner"]
    list_filter = ["visibility"]
    search_fields = ["public_id", "owner__username"]
    ordering = ["-pk"]
    exclude = ["link_key"]  # whoever has it may look


@admin.register(StyleName)
class StyleNameAdmin(ReadOnlyAdmin):
    list_display = ["public_id", "name", "style", "suggested_by", "created_at", "removed_at"]
    list_select_related = ["style", "suggested_by"]
    search_fields = ["public_id", "name", "suggested_by__username"]
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

    def save_model(self, request: HttpRequest, obj: Challenge, form: ModelForm[Challenge], change: bool) -> None:
        """An entry that was made meanwhile keeps the theme as it was."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        values = {name: getattr(obj, name) for name in form.changed_data}
        try:
            change_theme(day=form.initial["day"], at=timezone.now(), **values)
        except Refused as refused:
            messages.error(request, refused.message)


@admin.register(ThemeIdea)
class ThemeIdeaAdmin(admin.ModelAdmin[ThemeIdea]):
    """The bank of themes: staff write them, and take those that members proposed."""

    list_display = ["theme", "hint", "state", "proposed_by", "created_at"]
    list_select_related = ["proposed_by"]
    list_filter = ["state"]
    search_fields = ["theme"]
    readonly_fields = ["proposed_by", "removed_at"]
    ordering = ["-pk"]


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin[Tag]):
    """Staff say which tag stands for which; members invent them."""

    list_display = ["name", "alias_of", "uses"]
    list_select_related = ["alias_of"]
    search_fields = ["name"]
    ordering = ["-uses", "name"]
    autocomplete_fields = ["alias_of"]
    readonly_fields = ["name", "uses"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Tag | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Tag, form: ModelForm[Tag], change: bool) -> None:
        alias_tag(alias=obj, tag=obj.alias_of)
