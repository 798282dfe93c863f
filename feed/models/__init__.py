"""What people see: posts, the narrow table that ranks them, likes, profiles, and daily challenges."""

from feed.challenges.models import Challenge, ChallengeEntry, ChallengeQuerySet, ThemeIdea, ThemeIdeaVote
from feed.collections.models import Collection, CollectionItem, CollectionMember, CollectionQuerySet
from feed.comments.models import Comment, CommentQuerySet
from feed.members.models import Block, Follow, HiddenPost, Mute, Profile
from feed.notifications.models import NotificationChoice, NotificationSettings
from feed.polls.models import Poll, PollOption, PollVote
from feed.posts.models import Like, Post, PostQuerySet, PostWords, RecountRequest, Reproduction
from feed.ranking.models import (
    FeedEntry,
    PostAspect,
    PostCount,
    PostHourlyStats,
    PrecomputedEntry,
    PrecomputedList,
    RankDrop,
    RankDropQuerySet,
)
from feed.search.models import ImageEmbedding, SearchEntry, SearchEntryQuerySet, SearchWord
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
    "ImageEmbedding",
    "Like",
    "Mute",
    "NotificationChoice",
    "NotificationSettings",
    "Poll",
    "PollOption",
    "PollVote",
    "Post",
    "PostAspect",
    "PostCount",
    "PostHourlyStats",
    "PostQuerySet",
    "PostTag",
    "PostWords",
    "PrecomputedEntry",
    "PrecomputedList",
    "Profile",
    "RankDrop",
    "RankDropQuerySet",
    "RecountRequest",
    "Reproduction",
    "SearchEntry",
    "SearchEntryQuerySet",
    "SearchWord",
    "StyleName",
    "StyleNameLike",
    "StyleWeek",
    "StyledPost",
    "Tag",
    "ThemeIdea",
    "ThemeIdeaVote",
]
