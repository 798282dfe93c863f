"""Pictures to put in order, and their ranks, as JSON."""

from rest_framework import serializers
from rest_framework.reverse import reverse

from accounts.permissions import member_of
from ratings.asking.models import Ask
from ratings.asking.pools import prompt_of
from ratings.asking.rankings.services import LEAST, MOST, ranks_of
from ratings.asking.serializers import OutcomeSerializer, QuestionSerializer, TimedSerializer, TokenizedSerializer


class RankingSerializer(TokenizedSerializer):
    """Three or four pictures, blind: addresses and nothing else of them."""

    question = QuestionSerializer()
    prompt = serializers.SerializerMethodField(help_text="The words all were made from")
    pictures = serializers.SerializerMethodField(help_text="In the order to show them")

    class Meta:
        model = Ask
        fields = ["id", "token", "question", "prompt", "pictures", "expires_at"]

    def get_prompt(self, ask: Ask) -> str | None:
        return prompt_of(ask, member_of(self.context["request"]), None)

    def get_pictures(self, ask: Ask) -> list[str]:
        request = self.context["request"]
        return [
            reverse("ratings:compare-picture", args=[ask.public_id, str(place)], request=request)
            for place in range(len(ranks_of(ask)))
        ]


class RanksSerializer(TimedSerializer):
    ranks = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MOST),
        min_length=LEAST,
        max_length=MOST,
        help_text="Of each picture in the order shown; 1 is the best",
    )


class RankedSerializer(OutcomeSerializer):
    """What was stored."""

    ranks = serializers.SerializerMethodField()

    def get_ranks(self, ask: Ask) -> list[int | None]:
        return ranks_of(ask)
