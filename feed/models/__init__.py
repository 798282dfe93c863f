"""What people see: posts, the narrow table that ranks them, likes, profiles, and daily challenges."""

from feed.models.challenges import Challenge, ChallengeEntry, ChallengeQuerySet
from feed.models.people import Block, Follow, HiddenPost, Mute
from feed.models.posts import Post, PostQuerySet
from feed.models.profiles import Profile
from feed.models.ranking import FeedEntry, PostAspect, PostCount, RankFall, RankFallQuerySet, StaleCount
from feed.models.search import SearchEntry, SearchEntryQuerySet, SearchWord
from feed.models.social import Like
from feed.models.tags import PostTag, Tag

__all__ = [
    "Block",
    "Challenge",
    "ChallengeEntry",
    "ChallengeQuerySet",
    "FeedEntry",
    "Follow",
    "HiddenPost",
    "Like",
    "Mute",
    "Post",
    "PostAspect",
    "PostCount",
    "PostQuerySet",
    "PostTag",
    "Profile",
    "RankFall",
    "RankFallQuerySet",
    "SearchEntry",
    "SearchEntryQuerySet",
    "SearchWord",
    "StaleCount",
    "Tag",
]
