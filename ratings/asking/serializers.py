"""Asks and answers as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from accounts.permissions import member_of
from lib.text.fields import ApiLine
from ratings.asking.forms import LONGEST_DWELL
from ratings.asking.models import Ask, AskOutcome, Comparison, Question, Rating
from ratings.asking.pools import prompt_of, theme_of
from ratings.asking.services import SKIP
from ratings.asking.tokens import token_for


class OptionSerializer(serializers.Serializer[Any]):
    value = serializers.IntegerField(min_value=1, max_value=5)
    label = serializers.CharField()  # type: ignore[assignment]  # of the option, not of the field


class QuestionSerializer(serializers.ModelSerializer[Question]):
    """In the language of the request, where there is a wording in it."""

    text = serializers.CharField(source="wording.text")
    labels = serializers.ListField(child=serializers.CharField(), source="wording.labels", help_text="Worst to best")

    class Meta:
        model = Question
        fields = ["slug", "version", "form", "text", "labels"]


class TokenizedSerializer(serializers.ModelSerializer[Ask]):
    """An open ask; its token comes back with the answer."""

    id = serializers.CharField(source="public_id", read_only=True)
    token = serializers.SerializerMethodField()

    def get_token(self, ask: Ask) -> str:
        return token_for(ask)


class AskSerializer(TokenizedSerializer):
    question = QuestionSerializer()
    image = serializers.CharField(source="image.public_id")
    options = serializers.SerializerMethodField()

    class Meta:
        model = Ask
        fields = ["id", "token", "surface", "image", "question", "options", "expires_at"]

    @extend_schema_field(OptionSerializer(many=True))
    def get_options(self, ask: Ask) -> list[dict[str, Any]]:
        """In the order to show them; 5 is always the best."""
        return [{"value": value, "label": label} for value, label in ask.options]


class ComparisonSerializer(TokenizedSerializer):
    """A pair, blind: addresses and nothing else of its pictures."""

    question = QuestionSerializer()
    prompt = serializers.SerializerMethodField(help_text="The words both were made from")
    theme = serializers.SerializerMethodField(help_text="Instead of a prompt: the challenge that both entered")
    left = serializers.SerializerMethodField()
    right = serializers.SerializerMethodField()

    class Meta:
        model = Ask
        fields = ["id", "token", "question", "prompt", "theme", "left", "right", "expires_at"]

    def get_prompt(self, ask: Ask) -> str | None:
        return prompt_of(ask, member_of(self.context["request"]), theme_of(ask))

    def get_theme(self, ask: Ask) -> str | None:
        return theme_of(ask)

    def get_left(self, ask: Ask) -> str:
        return self._address(ask, "left")

    def get_right(self, ask: Ask) -> str:
        return self._address(ask, "right")

    def _address(self, ask: Ask, side: str) -> str:
        return reverse("ratings:compare-picture", args=[ask.public_id, side], request=self.context["request"])


class AspectComparisonSerializer(ComparisonSerializer):
    """A pair to compare by one aspect; blind, like every pair."""

    aspect = serializers.CharField(source="question.aspect", help_text="lighting, subject, background, colour …")

    class Meta(ComparisonSerializer.Meta):
        fields = [*ComparisonSerializer.Meta.fields, "aspect"]


class DrawSerializer(serializers.Serializer[Any]):
    image = ApiLine(max_length=12, help_text="The picture that is being looked at")


class TokenSerializer(serializers.Serializer[Any]):
    token = ApiLine(max_length=300)


class DismissSerializer(TokenSerializer):
    is_dismissal = serializers.BooleanField(default=False, help_text="No questions now, rather than not this one")


class TimedSerializer(TokenSerializer):
    dwell_ms = serializers.IntegerField(min_value=0, max_value=LONGEST_DWELL, required=False, allow_null=True)


class AnswerSerializer(TimedSerializer):
    value = serializers.IntegerField(min_value=1, max_value=5, allow_null=True, help_text="null: can't tell")


class VerdictSerializer(TimedSerializer):
    outcome = serializers.ChoiceField([*Comparison.Outcome.choices, (SKIP, "Skip")])


class OutcomeSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="public_id")
    outcome = serializers.ChoiceField(AskOutcome.choices)


class RatingSerializer(serializers.ModelSerializer[Rating]):
    id = serializers.CharField(source="ask.public_id")
    question = serializers.CharField(source="question.slug")

    class Meta:
        model = Rating
        fields = ["id", "question", "value", "created_at"]


class SideSerializer(serializers.Serializer[Any]):
    image = serializers.CharField(source="public_id")
    checkpoint = serializers.CharField(source="generation.checkpoint.slug")
    seed = serializers.IntegerField()


class RevealSerializer(OutcomeSerializer):
    """What the pictures were; null for a pair that was skipped, and for one that was a check."""

    was_check = serializers.BooleanField(source="is_gold", help_text="One side was spoiled on purpose")
    left = serializers.SerializerMethodField()
    right = serializers.SerializerMethodField()

    @extend_schema_field(SideSerializer(allow_null=True))
    def get_left(self, ask: Ask) -> dict[str, Any] | None:
        return SideSerializer(ask.left).data if self._is_revealed(ask) else None

    @extend_schema_field(SideSerializer(allow_null=True))
    def get_right(self, ask: Ask) -> dict[str, Any] | None:
        return SideSerializer(ask.right).data if self._is_revealed(ask) else None

    def _is_revealed(self, ask: Ask) -> bool:
        return ask.outcome == AskOutcome.ANSWERED and not ask.is_gold
