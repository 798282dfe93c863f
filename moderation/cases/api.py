"""Reports, and for moderators the cases."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Role
from accounts.permissions import HasRole, member_of
from accounts.tokens.scopes import Scope
from lib.api import checked
from lib.content_levels import ContentLevel
from lib.errors import NotFound
from lib.http.converters import PUBLIC_ID
from lib.text.fields import ApiLine, ApiText
from moderation.cases import services as case_services
from moderation.cases.models import Case, Report
from moderation.decisions import batches, reversal
from moderation.decisions import services as decision_services
from moderation.decisions.models import INTERNAL, Decision
from moderation.evidence.services import latest_evidence
from moderation.restrictions.models import Duration, Restriction
from moderation.targets import visible_target

NOTHING = OpenApiResponse(description="No open case.")


class ReportSerializer(serializers.Serializer[Any]):
    target_type = ApiLine(max_length=64, help_text="`feed.post`, `generation.image` or `accounts.user`")
    target = ApiLine(max_length=12, help_text="The public id of what is reported")
    reason = serializers.ChoiceField(Report.Reason.choices)
    note = ApiText(max_length=2000, required=False, default="", allow_blank=True)


class ReportViewSet(viewsets.ViewSet):
    """Reports to the moderators. Reporting what you cannot see is a 404."""

    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE

    @extend_schema(request=ReportSerializer, responses={201: ReportSerializer})
    def create(self, request: Request) -> Response:
        data, reporter = checked(ReportSerializer, request), member_of(request)
        target = visible_target(data["target_type"], data["target"], reporter, timezone.now())
        case_services.report_target(target=target, reporter=reporter, reason=data["reason"], note=data["note"])
        return Response(ReportSerializer(data).data, status=status.HTTP_201_CREATED)


class CaseSerializer(serializers.ModelSerializer[Case]):
    id = serializers.CharField(source="public_id", read_only=True)
    author = serializers.CharField(source="author.username", default=None, read_only=True, allow_null=True)
    text = serializers.SerializerMethodField(help_text="As it was when it was last reported or held")

    class Meta:
        model = Case
        fields = ["id", "target_type", "author", "state", "severity", "reach", "origin", "is_escalated", "opened_at",
                  "due_at", "claimed_until", "text"]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.CharField())
    def get_text(self, case: Case) -> str:
        evidence = latest_evidence(case)
        return evidence.text if evidence is not None else ""


class DecideSerializer(serializers.Serializer[Any]):
    action = serializers.ChoiceField(Decision.Action.choices, help_text="`lift` is not about a case and is refused")
    reason = ApiLine(max_length=64, required=False, default="", allow_blank=True)
    note = ApiText(max_length=2000, required=False, default="", allow_blank=True)
    level = serializers.ChoiceField(ContentLevel.choices, required=False, allow_null=True, default=None)
    restriction = serializers.ChoiceField(
        Restriction.Kind.choices, required=False, default=Restriction.Kind.NO_GENERATING
    )
    also = serializers.ListField(
        child=ApiLine(max_length=12),
        required=False,
        default=list,
        max_length=batches.MOST,
        help_text="Ids of other open cases that get the same decision; those that somebody else holds are passed over",
    )
    duration = serializers.ChoiceField(Duration.choices, required=False, default=Duration.THREE_DAYS)


class DecidedSerializer(serializers.ModelSerializer[Decision]):
    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Decision
        fields = ["id", "action", "reason", "level", "note", "decided_at"]


class CaseViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet[Case]):
    """For moderators; everybody else gets 404."""

    serializer_class = CaseSerializer
    permission_classes = [HasRole.of(Role.MODERATOR)]
    token_scope = Scope.MODERATE
    lookup_field = "public_id"
    lookup_value_regex = PUBLIC_ID
    queryset = Case.objects.none()

    def get_queryset(self) -> QuerySet[Case]:
        return Case.objects.open_to(member_of(self.request)).select_related("author")

    def list(self, request: Request) -> Response:
        """The thirty most pressing open cases."""
        waiting = Case.objects.claimable(member_of(request), timezone.now()).select_related("author")
        page = waiting.pressing(timezone.now())[:30]
        return Response({"next": None, "results": CaseSerializer(page, many=True).data})

    @extend_schema(request=None, responses={200: CaseSerializer, 204: NOTHING})
    @action(detail=False, methods=["post"])
    def next(self, request: Request) -> Response:
        """Takes the most pressing case, or gives back the one you hold."""
        case = case_services.claim_case(moderator=member_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT) if case is None else Response(CaseSerializer(case).data)

    @extend_schema(request=None, responses=CaseSerializer)
    @action(detail=True, methods=["post"])
    def claim(self, request: Request, public_id: str) -> Response:
        case = case_services.claim_case(moderator=member_of(request), case=self.get_object())
        return Response(CaseSerializer(case).data)

    @extend_schema(request=DecideSerializer, responses={201: DecidedSerializer})
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, public_id: str) -> Response:
        """Decides a case that you hold."""
        chosen, moderator = checked(DecideSerializer, request), member_of(request)
        others = Case.objects.claimable(moderator, timezone.now()).filter(public_id__in=chosen.pop("also"))
        case = self.get_object()
        made = decision_services.decide_case(case=case, moderator=moderator, **chosen)
        if made.action not in INTERNAL:
            batches.decide_cases(cases=list(others.exclude(pk=case.pk)), moderator=moderator, **chosen)
        return Response(DecidedSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=CaseSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, public_id: str) -> Response:
        """Takes the last decision about a case back, within 24 hours; you hold the case again."""
        last = self.get_object().decisions.order_by("-pk").first()
        if last is None:
            raise NotFound(_("Nothing has been decided about this case."))
        return Response(CaseSerializer(reversal.undo_decision(decision=last, moderator=member_of(request))).data)
