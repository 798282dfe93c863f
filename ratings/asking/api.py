"""Ratings in the API: draw a question about a picture and answer it; draw a pair and judge it."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from accounts.permissions import member_of
from generation.models import Image
from lib.limits import check_rate
from ratings.asking import answers, draws, showing
from ratings.asking.compare_views import PAIRS_A_MINUTE
from ratings.asking.forms import LONGEST_DWELL
from ratings.asking.pools import prompt_of, theme_of
from ratings.asking.tokens import token_for
from ratings.models import Ask, AskOutcome, Comparison, Question, Rating, Surface

ID = OpenApiParameter("id", str, OpenApiParameter.PATH)
NOTHING = OpenApiResponse(description="Nothing is asked now.")


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


class _TokenSerializer(serializers.ModelSerializer[Ask]):
    """An open ask; its token comes back with the answer."""

    id = serializers.CharField(source="public_id", read_only=True)
    token = serializers.SerializerMethodField()

    def get_token(self, ask: Ask) -> str:
        return token_for(ask)


class AskSerializer(_TokenSerializer):
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


class ComparisonSerializer(_TokenSerializer):
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


class DrawSerializer(serializers.Serializer[Any]):
    image = serializers.CharField(max_length=12, help_text="The picture that is being looked at")


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=300)


class DismissSerializer(TokenSerializer):
    is_dismissal = serializers.BooleanField(default=False, help_text="No questions now, rather than not this one")


class _TimedSerializer(TokenSerializer):
    dwell_ms = serializers.IntegerField(min_value=0, max_value=LONGEST_DWELL, required=False, allow_null=True)


class AnswerSerializer(_TimedSerializer):
    value = serializers.IntegerField(min_value=1, max_value=5, allow_null=True, help_text="null: can't tell")


class VerdictSerializer(_TimedSerializer):
    outcome = serializers.ChoiceField([*Comparison.Outcome.choices, (answers.SKIP, "Skip")])


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
        return SideSerializer(ask.left).data if self._may_tell(ask) else None

    @extend_schema_field(SideSerializer(allow_null=True))
    def get_right(self, ask: Ask) -> dict[str, Any] | None:
        return SideSerializer(ask.right).data if self._may_tell(ask) else None

    def _may_tell(self, ask: Ask) -> bool:
        return ask.outcome == AskOutcome.ANSWERED and not ask.is_gold


class QuestionViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Question]):
    """The questions in their present wording."""

    queryset = Question.objects.active().order_by("pk")
    serializer_class = QuestionSerializer
    pagination_class = None


class AskViewSet(viewsets.ViewSet):
    permission_classes = [IsAuthenticated]

    @extend_schema(request=DrawSerializer, responses={201: AskSerializer, 204: NOTHING})
    def create(self, request: Request) -> Response:
        """Draws whether a question is asked about a picture; 204 when none is, which is most of the time."""
        member, data = member_of(request), _valid(DrawSerializer, request)
        image = get_object_or_404(Image.objects.visible_to(member, timezone.now()), public_id=data["image"])
        surface = Surface.RESULT if image.author_id == member.pk else Surface.POST
        ask = draws.draw_ask(surface=surface, image=image, rater=member)
        if ask is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(AskSerializer(ask, context={"request": request}).data, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[ID], request=TokenSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def shown(self, request: Request, pk: str) -> Response:
        """Notes that the question and its picture reached the member's screen."""
        return _mark_shown(request, pk)

    @extend_schema(parameters=[ID], request=AnswerSerializer, responses=RatingSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        """Stores the answer. The same one again changes nothing; another one is refused with 409."""
        data = _valid(AnswerSerializer, request)
        rating = answers.answer_ask(**data, rater=member_of(request), about=[pk])
        return Response(RatingSerializer(rating).data)

    @extend_schema(parameters=[ID], request=DismissSerializer, responses=OutcomeSerializer)
    @action(detail=True, methods=["post"])
    def skip(self, request: Request, pk: str) -> Response:
        """Closes the ask without an answer."""
        data = _valid(DismissSerializer, request)
        close = answers.dismiss_ask if data["is_dismissal"] else answers.skip_ask
        ask = close(token=data["token"], rater=member_of(request), about=[pk])
        return Response(OutcomeSerializer(ask).data)


class ComparisonViewSet(viewsets.ViewSet):
    permission_classes = [IsAuthenticated]

    @extend_schema(request=None, responses={201: ComparisonSerializer, 204: NOTHING})
    def create(self, request: Request) -> Response:
        """The pair to judge next: the one left open, else a new one; 204 when no pair is left."""
        member = member_of(request)
        check_rate(key=f"compare:{member.pk}", limit=PAIRS_A_MINUTE, seconds=60)
        ask = draws.draw_comparison(rater=member)
        if ask is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(ComparisonSerializer(ask, context={"request": request}).data, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[ID], request=TokenSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def shown(self, request: Request, pk: str) -> Response:
        """Notes that both pictures are there to be seen."""
        return _mark_shown(request, pk)

    @extend_schema(parameters=[ID], request=VerdictSerializer, responses=RevealSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        """Stores which side won, as it was seen, and says what the pictures were."""
        ask = answers.answer_comparison(**_valid(VerdictSerializer, request), rater=member_of(request), about=[pk])
        return Response(RevealSerializer(ask).data)


def _mark_shown(request: Request, pk: str) -> Response:
    showing.mark_shown(**_valid(TokenSerializer, request), rater=member_of(request), about=[pk])
    return Response(status=status.HTTP_204_NO_CONTENT)


def _valid(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The validated body; raises ValidationError (400, by field)."""
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
