"""Recalling settings from a file: on the Create page, by dropping or choosing it, and in the API."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import member_of, member_required
from accounts.tokens.scopes import Scope
from generation.forms import CreateForm, fresh_key
from generation.models import Checkpoint
from generation.recall.services import recall_settings
from generation.workspace.context import workspace
from lib.errors import Refused
from lib.limits import check_rate

FILES_A_MINUTE = 60


@member_required
@require_POST
def recall(request: HttpRequest) -> HttpResponse:
    """The Create form with the settings of a file, and the list of what was not taken."""
    member, at = member_of(request), timezone.now()
    file = request.FILES.get("file")
    context: dict[str, object] = {}
    status = 200
    try:
        check_rate(key=f"recall:{member.pk}", limit=FILES_A_MINUTE, seconds=60)
        if file is None:
            raise Refused("no_file", _("Choose a picture first."))
        recalled = recall_settings(member=member, file=file, at=at)
        initial = recalled.initial
        context = {"recalled": recalled}
    except Refused as refused:
        initial, status = {}, 422 if refused.status == 400 else refused.status
        context = {"recall_error": refused.message}
    offered = list(Checkpoint.objects.enabled().order_by("pk"))
    form = CreateForm(initial={**initial, "idempotency_key": fresh_key()}, checkpoints=offered)
    return render(request, "generation/create.html", workspace(form, member, at) | context, status=status)


class RecallRequestSerializer(serializers.Serializer[object]):
    file = serializers.FileField(help_text="A PNG, WebP, JPEG or AVIF")


class RecalledSerializer(serializers.Serializer[object]):
    program = serializers.CharField()
    settings = serializers.DictField(help_text="As the Create form takes them")
    missing = serializers.ListField(child=serializers.CharField(), help_text="What was not taken, in sentences")


class RecallView(APIView):
    """Settings in a picture that Salon, AUTOMATIC1111, Forge, ComfyUI or InvokeAI made."""

    token_scope = Scope.GENERATE
    permission_classes = [IsAuthenticated]

    @extend_schema(request={"multipart/form-data": RecallRequestSerializer}, responses=RecalledSerializer)
    def post(self, request: Request) -> Response:
        """Says what a picture was made with, as far as it can be drawn here; nothing is stored."""
        member = member_of(request)
        check_rate(key=f"recall:{member.pk}", limit=FILES_A_MINUTE, seconds=60)
        asked = RecallRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        recalled = recall_settings(member=member, file=asked.validated_data["file"], at=timezone.now())
        return Response({"program": recalled.program, "settings": recalled.initial, "missing": recalled.missing})
