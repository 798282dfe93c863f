"""What people see: posts, the narrow table that ranks them, likes, profiles, and daily challenges."""

from feed.models.challenges import Challenge, ChallengeEntry, ChallengeQuerySet
from feed.models.posts import Post, PostQuerySet
from feed.models.profiles import Profile
from feed.models.ranking import FeedEntry, PostAspect, PostCount, RankFall, RankFallQuerySet, StaleCount
from feed.models.social import Like

__all__ = [
    "Challenge",
    "ChallengeEntry",
    "ChallengeQuerySet",
    "FeedEntry",
    "Like",
    "Post",
    "PostAspect",
    "PostCount",
    "PostQuerySet",
    "Profile",
    "RankFall",
    "RankFallQuerySet",
    "StaleCount",
]
