"""What people see: posts, the narrow table that ranks them, likes, profiles, and daily challenges."""

from feed.members.models import Block, Follow, HiddenPost, Mute
from feed.members.profile_models import Profile
from feed.models.challenges import Challenge, ChallengeEntry, ChallengeQuerySet
from feed.models.collections import Collection, CollectionItem, CollectionMember, CollectionQuerySet
from feed.models.comments import Comment, CommentQuerySet
from feed.models.notices import NoticeChoice, NoticeSettings
from feed.models.search import PictureReading, SearchEntry, SearchEntryQuerySet, SearchWord
from feed.models.styles import EmergentStyle, StyledPost, StyleName, StyleNameLike, StyleWeek
from feed.posts.models import Post, PostQuerySet
from feed.posts.social_models import Like, Reproduction
from feed.ranking.models import (
    FeedEntry,
    PostAspect,
    PostCount,
    PostHour,
    RankedList,
    RankedPost,
    RankFall,
    RankFallQuerySet,
    StaleCount,
)
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
    "PostHour",
    "PostQuerySet",
    "PostTag",
    "Profile",
    "RankFall",
    "RankFallQuerySet",
    "RankedList",
    "RankedPost",
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
