"""Challenges as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from feed.challenges.models import Challenge
from lib.days import day_bounds
from lib.text.fields import ApiLine


class ChallengeSerializer(serializers.ModelSerializer[Challenge]):
    """Takes the time of the request as `at` in its context."""

    is_open = serializers.SerializerMethodField()
    opens_at = serializers.SerializerMethodField()
    closes_at = serializers.SerializerMethodField()

    class Meta:
        model = Challenge
        fields = ["day", "theme", "hint", "is_open", "opens_at", "closes_at"]

    def get_is_open(self, challenge: Challenge) -> bool:
        return challenge.is_open(self.context["at"])

    @extend_schema_field(serializers.DateTimeField)
    def get_opens_at(self, challenge: Challenge) -> Any:
        return day_bounds(challenge.day)[0]

    @extend_schema_field(serializers.DateTimeField)
    def get_closes_at(self, challenge: Challenge) -> Any:
        return day_bounds(challenge.day)[1]


class EnterSerializer(serializers.Serializer[Any]):
    post = ApiLine(help_text="Public id of a post of yours whose picture was made on the day")
