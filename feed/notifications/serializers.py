"""Notifications as JSON."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from feed.notifications.models import NotificationSettings
from feed.notifications.queries import KINDS, Notice


class NoticeSerializer(serializers.Serializer[Notice]):
    id = serializers.IntegerField(source="pk")
    kind = serializers.CharField()
    actor = serializers.CharField()
    text = serializers.CharField()
    url = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    is_read = serializers.SerializerMethodField()

    def get_url(self, notice: Notice) -> str:
        return f"{settings.SITE_URL}{notice.url}" if notice.url else ""

    def get_is_read(self, notice: Notice) -> bool:
        return not notice.is_new


@extend_schema_serializer(many=False)  # the page is the list
class NoticePageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    unread = serializers.IntegerField()
    results = NoticeSerializer(many=True)


class UntilSerializer(serializers.Serializer[Any]):
    until = serializers.IntegerField(required=False, help_text="The id of the newest one that was read; all without it")


class KindSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField([(kind, kind) for kind in KINDS])
    on_site = serializers.BooleanField()
    by_mail = serializers.BooleanField()


class NoticeSettingsSerializer(serializers.Serializer[Any]):
    digest = serializers.ChoiceField(NotificationSettings.Digest.choices)
    kinds = KindSerializer(many=True)
