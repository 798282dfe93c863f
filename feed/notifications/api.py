"""Notifications for programs: what the page shows, in the same words, through the same filter."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import member_of
from accounts.services import mark_notifications_read
from accounts.tokens.scopes import Scope
from feed.notifications import digests
from feed.notifications.models import NotificationChoice, NotificationSettings
from feed.notifications.queries import ALWAYS, KINDS, count_unread, read_notices
from feed.notifications.serializers import (
    NoticePageSerializer,
    NoticeSerializer,
    NoticeSettingsSerializer,
    UntilSerializer,
)
from lib.api import checked
from lib.pagination import next_link

CURSOR = OpenApiParameter("cursor", str, description="From `next` of the page before; opaque")


class NotificationViewSet(viewsets.ViewSet):
    """Your notifications, the newest first, and which ones you want."""

    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE

    @extend_schema(parameters=[CURSOR], responses=NoticePageSerializer)
    def list(self, request: Request) -> Response:
        """What became invisible since is left out."""
        at, member = timezone.now(), member_of(request)
        page = read_notices(member, at=at, cursor=request.query_params.get("cursor", ""))
        results = NoticeSerializer(page.notices, many=True).data  # type: ignore[arg-type]  # many=True
        return Response({"next": next_link(request, page.next), "unread": count_unread(member, at), "results": results})

    @extend_schema(request=UntilSerializer, responses={204: None})
    @action(detail=False, methods=["post"])
    def read(self, request: Request) -> Response:
        """Marks notifications as read."""
        mark_notifications_read(recipient=member_of(request), **checked(UntilSerializer, request))
        return Response(status=204)

    @extend_schema(methods=["get"], responses=NoticeSettingsSerializer)
    @extend_schema(methods=["put"], request=NoticeSettingsSerializer, responses=NoticeSettingsSerializer)
    @action(detail=False, methods=["get", "put"], url_path="settings")
    def choose(self, request: Request) -> Response:
        """Which kinds you want, where, and how often by mail; kinds left out stay as they are."""
        member = member_of(request)
        if request.method == "PUT":
            data = checked(NoticeSettingsSerializer, request)
            choices = {row["kind"]: (row["on_site"], row["by_mail"]) for row in data["kinds"]}
            digests.choose_notifications(member=member, digest=data["digest"], choices=choices)
        chosen = {row.kind: row for row in NotificationChoice.objects.filter(member=member)}
        digest = NotificationSettings.objects.filter(member=member).values_list("digest", flat=True).first()
        kinds = [
            {
                "kind": kind,
                "on_site": kind in ALWAYS or kind not in chosen or chosen[kind].on_site,
                "by_mail": kind not in chosen or chosen[kind].by_mail,
            }
            for kind in KINDS
        ]
        return Response({"digest": digest or NotificationSettings.Digest.NEVER, "kinds": kinds})
