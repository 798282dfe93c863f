"""What people see: posts, the narrow table that ranks them, likes, profiles, and daily challenges."""

from feed.challenges.models import Challenge, ChallengeEntry, ChallengeQuerySet
from feed.collections.models import Collection, CollectionItem, CollectionMember, CollectionQuerySet
from feed.comments.models import Comment, CommentQuerySet
from feed.members.models import Block, Follow, HiddenPost, Mute
from feed.members.profile_models import Profile
from feed.notifications.models import NoticeChoice, NoticeSettings
from feed.posts.models import Post, PostQuerySet
from feed.posts.social_models import Like, Reproduction
from feed.ranking.models import (
    FeedEntry,
    PostAspect,
    PostCount,
    PostHourlyStats,
    PrecomputedEntry,
    PrecomputedList,
    RankDrop,
    RankDropQuerySet,
    StaleCount,
)
from feed.search.models import PictureReading, SearchEntry, SearchEntryQuerySet, SearchWord
from feed.styles.models import EmergentStyle, StyledPost, StyleName, StyleNameLike, StyleWeek
from feed.tags.models import PostTag, Tag

__all__ = [
    "Block",
    "Challenge",
    "ChallengeEntry",
    "ChallengeQuerySet",
    "Collection",
    "CollectionItem",
    "CollectionMember",
    "CollectionQuerySet",
    "Comment",
    "CommentQuerySet",
    "EmergentStyle",
    "FeedEntry",
    "Follow",
    "HiddenPost",
    "Like",
    "Mute",
    "NoticeChoice",
    "NoticeSettings",
    "PictureReading",
    "Post",
    "PostAspect",
    "PostCount",
    "PostHourlyStats",
    "PostQuerySet",
    "PostTag",
    "PrecomputedEntry",
    "PrecomputedList",
    "Profile",
    "RankDrop",
    "RankDropQuerySet",
    "Reproduction",
    "SearchEntry",
    "SearchEntryQuerySet",
    "SearchWord",
    "StaleCount",
    "StyleName",
    "StyleNameLike",
    "StyleWeek",
    "StyledPost",
    "Tag",
]
