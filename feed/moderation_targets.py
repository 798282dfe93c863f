"""What moderation knows of posts, comments, collections and names of styles (see MODERATION_TARGETS)."""

from collections.abc import Iterable

from accounts.models import User
from feed.challenges.models import ThemeIdea
from feed.collections.models import Collection
from feed.comments.models import Comment
from feed.members.models import Profile
from feed.posts.models import Post
from feed.styles.models import StyleName
from generation.moderation_targets import ImageTarget
from moderation.targets import MemberTarget as BareMemberTarget
from moderation.targets import TargetAdapter


class MemberTarget(BareMemberTarget):
    """A member with what their profile says."""

    pages = frozenset({"feed:profile"})

    def text(self, target: User) -> str:
        profile = Profile.objects.filter(user=target).first()
        words = [target.username, profile.display_name, profile.bio] if profile is not None else [target.username]
        return "\n".join(filter(None, words))


class PostTarget(TargetAdapter[Post]):
    model = Post
    pages = frozenset({"feed:post-detail"})

    def author(self, target: Post) -> User:
        return target.author

    def text(self, target: Post) -> str:
        alt = target.image.alt_text if target.image.is_alt_written else ""
        return "\n".join(filter(None, [target.title, alt, target.image.generation.prompt]))

    def picture_file(self, target: Post) -> str:
        return ImageTarget().picture_file(target.image)

    def level(self, target: Post) -> int:
        return target.image.content_level

    def is_hidden(self, target: Post) -> bool:
        return target.removed_at is not None or ImageTarget().is_hidden(target.image)

    def pdq(self, target: Post) -> str | None:
        return ImageTarget().pdq(target.image)

    def reach(self, target: Post) -> int:
        return target.count.likes if hasattr(target, "count") else 0

    def related(self, target: Post, limit: int) -> Iterable[Post]:
        """Posts of pictures that were remixed from this one."""
        made = Post.objects.published().filter(image__generation__parent=target.image_id)
        return made.select_related("author", "count", "image__generation").order_by("pk")[:limit]


class CommentTarget(TargetAdapter[Comment]):
    model = Comment
    pages = frozenset({"feed:comment"})

    def author(self, target: Comment) -> User | None:
        return None if target.deleted_at else target.author

    def text(self, target: Comment) -> str:
        return target.text

    def reach(self, target: Comment) -> int:
        return Comment.objects.filter(parent=target).count()


class CollectionTarget(TargetAdapter[Collection]):
    model = Collection
    pages = frozenset({"feed:collection"})

    def author(self, target: Collection) -> User:
        return target.owner

    def text(self, target: Collection) -> str:
        return target.name


class StyleNameTarget(TargetAdapter[StyleName]):
    model = StyleName

    def author(self, target: StyleName) -> User | None:
        return target.suggested_by

    def text(self, target: StyleName) -> str:
        return target.name

    def reach(self, target: StyleName) -> int:
        return target.likes.count()


class ThemeIdeaTarget(TargetAdapter[ThemeIdea]):
    model = ThemeIdea

    def author(self, target: ThemeIdea) -> User | None:
        return target.proposed_by

    def text(self, target: ThemeIdea) -> str:
        return "\n".join(filter(None, [target.theme, target.hint]))

    def reach(self, target: ThemeIdea) -> int:
        return target.votes.count()
