"""Pictures to mark, and their marks, as JSON."""

from typing import Any

from rest_framework import serializers
from rest_framework.reverse import reverse

from accounts.permissions import member_of
from lib.text.fields import ApiLine, ApiNumber
from ratings.asking.marks.services import LONGEST_WORD, MOST_MARKS, places_of
from ratings.asking.models import Ask
from ratings.asking.pools import prompt_of
from ratings.asking.serializers import OutcomeSerializer, QuestionSerializer, TimedSerializer, TokenizedSerializer


class MarkingSerializer(TokenizedSerializer):
    """A picture to mark: an address and nothing else of it."""

    question = QuestionSerializer()
    aspect = serializers.CharField(source="question.aspect", help_text="artefacts or prompt-match")
    prompt = serializers.SerializerMethodField(help_text="The words it was made from")
    picture = serializers.SerializerMethodField()

    class Meta:
        model = Ask
        fields = ["id", "token", "question", "aspect", "prompt", "picture", "expires_at"]

    def get_prompt(self, ask: Ask) -> str | None:
        return prompt_of(ask, member_of(self.context["request"]), None)

    def get_picture(self, ask: Ask) -> str:
        return reverse("ratings:compare-picture", args=[ask.public_id, "picture"], request=self.context["request"])


class MarkSerializer(serializers.Serializer[Any]):
    x = ApiNumber(min_value=0, max_value=1, help_text="Share of the width, from the left")
    y = ApiNumber(min_value=0, max_value=1, help_text="Share of the height, from the top")
    word = ApiLine(max_length=LONGEST_WORD, required=False, allow_blank=True, default="", help_text="What is wrong")


class MarksSerializer(TimedSerializer):
    marks = serializers.ListField(
        child=MarkSerializer(), max_length=MOST_MARKS, allow_empty=True, help_text="Empty: nothing is wrong"
    )


class MarkedSerializer(OutcomeSerializer):
    """What was stored."""

    marks = serializers.SerializerMethodField()

    def get_marks(self, ask: Ask) -> list[dict[str, Any]]:
        return [{"x": place.x, "y": place.y, "word": place.word} for place in places_of(ask)]
