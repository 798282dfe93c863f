"""Questions in the API: draw a question about a picture and answer it; draw a pair and compare it."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from generation.media.openings import has_opened
from generation.models import Image
from lib.http.converters import PUBLIC_ID
from ratings.asking import services
from ratings.asking.aspects.services import draw_aspect_comparison
from ratings.asking.models import Ask, Question, Surface
from ratings.asking.serializers import (
    AnswerSerializer,
    AskSerializer,
    AspectComparisonSerializer,
    ComparisonSerializer,
    DismissSerializer,
    DrawSerializer,
    OutcomeSerializer,
    QuestionSerializer,
    RatingSerializer,
    RevealSerializer,
    TokenSerializer,
    VerdictSerializer,
)

ID = OpenApiParameter("id", str, OpenApiParameter.PATH)
NOTHING = OpenApiResponse(description="There is nothing to ask now.")


class QuestionViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Question]):
    """The active questions in their current wording."""

    token_scope = Scope.READ
    queryset = Question.objects.active().order_by("pk")
    serializer_class = QuestionSerializer
    pagination_class = None


class AskViewSet(viewsets.ViewSet):
    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE
    lookup_value_regex = PUBLIC_ID

    @extend_schema(request=DrawSerializer, responses={201: AskSerializer, 204: NOTHING})
    def create(self, request: Request) -> Response:
        """Draws whether a question is asked about a picture; 204 when none is, which is most of the time.

        Only about a picture that you opened within the last hour: `GET` its post or the image first.
        """
        member, data = member_of(request), _valid(DrawSerializer, request)
        image = get_object_or_404(Image.objects.visible_to(member, timezone.now()), public_id=data["image"])
        surface = Surface.RESULT if image.author_id == member.pk else Surface.POST
        is_open = has_opened(member, image.pk)
        ask = services.draw_ask(surface=surface, image=image, rater=member) if is_open else None
        return drawn(request, ask, AskSerializer)

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
        rating = services.answer_ask(**data, rater=member_of(request), about=[pk])
        return Response(RatingSerializer(rating).data)

    @extend_schema(parameters=[ID], request=DismissSerializer, responses=OutcomeSerializer)
    @action(detail=True, methods=["post"])
    def skip(self, request: Request, pk: str) -> Response:
        """Closes the ask without an answer."""
        data = _valid(DismissSerializer, request)
        close = services.dismiss_ask if data["is_dismissal"] else services.skip_ask
        ask = close(token=data["token"], rater=member_of(request), about=[pk])
        return Response(OutcomeSerializer(ask).data)


class ComparisonViewSet(viewsets.ViewSet):
    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE
    lookup_value_regex = PUBLIC_ID

    @extend_schema(request=None, responses={201: ComparisonSerializer, 204: NOTHING})
    def create(self, request: Request) -> Response:
        """The next pair: the one left open, else a new one; 204 when no pair is left."""
        return drawn(request, services.draw_comparison(rater=member_of(request)), ComparisonSerializer)

    @extend_schema(parameters=[ID], request=TokenSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def shown(self, request: Request, pk: str) -> Response:
        """Notes that both pictures are there to be seen."""
        return _mark_shown(request, pk)

    @extend_schema(parameters=[ID], request=VerdictSerializer, responses=RevealSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        """Stores which side won, as it was seen, and says what the pictures were."""
        return _compared(request, pk, Surface.COMPARE)


class AspectComparisonViewSet(viewsets.ViewSet):
    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE
    lookup_value_regex = PUBLIC_ID

    @extend_schema(request=None, responses={201: AspectComparisonSerializer, 204: NOTHING})
    def create(self, request: Request) -> Response:
        """The next pair to compare by one aspect, such as lighting; 204 when no pair is left."""
        return drawn(request, draw_aspect_comparison(rater=member_of(request)), AspectComparisonSerializer)

    @extend_schema(parameters=[ID], request=TokenSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def shown(self, request: Request, pk: str) -> Response:
        """Notes that both pictures are there to be seen."""
        return _mark_shown(request, pk)

    @extend_schema(parameters=[ID], request=VerdictSerializer, responses=RevealSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        """Stores which side is better in the aspect asked, as it was seen, and says what the pictures were."""
        return _compared(request, pk, Surface.ASPECT)


def drawn(request: Request, ask: Ask | None, serializer: type[serializers.Serializer[Any]]) -> Response:
    """201 with what was drawn, 204 where nothing is left."""
    if ask is None:
        return Response(status=status.HTTP_204_NO_CONTENT)
    return Response(serializer(ask, context={"request": request}).data, status=status.HTTP_201_CREATED)


def _compared(request: Request, pk: str, surface: Surface) -> Response:
    body = _valid(VerdictSerializer, request)
    ask = services.answer_comparison(**body, rater=member_of(request), surface=surface, about=[pk])
    return Response(RevealSerializer(ask).data)


def _mark_shown(request: Request, pk: str) -> Response:
    services.mark_shown(**_valid(TokenSerializer, request), rater=member_of(request), about=[pk])
    return Response(status=status.HTTP_204_NO_CONTENT)


def _valid(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The validated body; raises ValidationError (400, by field)."""
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
