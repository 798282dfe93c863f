"""Challenges as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from feed.challenges.models import Challenge, ChallengeEntry, Closing, Stage, ThemeIdea
from feed.challenges.themes.ideas import LONGEST_HINT, LONGEST_THEME
from lib.days import day_bounds
from lib.text.fields import ApiLine


class ChallengeSerializer(serializers.ModelSerializer[Challenge]):
    """Takes the time of the request as `at` in its context."""

    is_open = serializers.SerializerMethodField()
    opens_at = serializers.SerializerMethodField()
    closes_at = serializers.SerializerMethodField()
    stage = serializers.SerializerMethodField()
    voting_ends_at = serializers.DateTimeField(help_text="At the latest; sooner where the winner is clear")
    checkpoint = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True, allow_null=True)
    style = serializers.SlugRelatedField[Any](  # type: ignore[assignment]
        slug_field="slug", read_only=True, allow_null=True
    )

    class Meta:
        model = Challenge
        fields = [
            "day", "theme", "hint", "is_open", "opens_at", "closes_at", "stage", "voting_ends_at", "checkpoint",
            "style", "aspect", "is_remix",
        ]  # fmt: skip

    def get_is_open(self, challenge: Challenge) -> bool:
        return challenge.is_open(self.context["at"])

    @extend_schema_field(serializers.DateTimeField)
    def get_opens_at(self, challenge: Challenge) -> Any:
        return day_bounds(challenge.day)[0]

    @extend_schema_field(serializers.DateTimeField)
    def get_closes_at(self, challenge: Challenge) -> Any:
        return day_bounds(challenge.day)[1]

    @extend_schema_field(serializers.ChoiceField(Stage.choices))
    def get_stage(self, challenge: Challenge) -> str:
        return str(challenge.stage(self.context["at"]))


class ChallengeScoreSerializer(serializers.ModelSerializer[ChallengeEntry]):
    """One line of the score sheet; `strength` is the number that decided, log-odds with a 95 % interval."""

    post = serializers.CharField(source="post.public_id")
    author = serializers.CharField(source="member.username")

    class Meta:
        model = ChallengeEntry
        fields = [
            "place", "post", "author", "strength", "strength_low", "strength_high", "wins", "losses", "ties",
            "is_resting",
        ]  # fmt: skip


class ChallengeResultSerializer(serializers.Serializer[Any]):
    closing = serializers.ChoiceField(Closing.choices, source="challenge.closing")
    closed_at = serializers.DateTimeField(source="challenge.closed_at")
    judges = serializers.IntegerField(source="challenge.judge_count")
    votes = serializers.IntegerField(source="challenge.vote_count")
    agreement = serializers.FloatField(
        source="challenge.agreement", allow_null=True, help_text="Share of votes for the entry that came out stronger"
    )
    scores = ChallengeScoreSerializer(many=True)


class LeaderSerializer(serializers.Serializer[Any]):
    author = serializers.CharField(source="username")
    points = serializers.IntegerField()
    wins = serializers.IntegerField()
    podiums = serializers.IntegerField()


class EnterSerializer(serializers.Serializer[Any]):
    post = ApiLine(help_text="Public id of a post of yours whose picture was made on the day")


class IdeaSerializer(serializers.ModelSerializer[ThemeIdea]):
    id = serializers.CharField(source="public_id", read_only=True)
    votes = serializers.IntegerField(source="vote_count", read_only=True, default=1)

    class Meta:
        model = ThemeIdea
        fields = ["id", "theme", "hint", "votes", "created_at"]


class ProposeSerializer(serializers.Serializer[Any]):
    theme = ApiLine(max_length=LONGEST_THEME)
    hint = ApiLine(max_length=LONGEST_HINT, required=False, default="", allow_blank=True)
