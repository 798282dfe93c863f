"""A member's own things in the API: account, consent, webhooks; tokens have a module of their own."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.generics import RetrieveUpdateAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.models import (
    EXPLAINED,
    ConsentEvent,
    Purpose,
    Role,
    User,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
)
from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from accounts.webhooks import deliveries
from lib.api import checked
from lib.http.converters import PUBLIC_ID
from lib.text.fields import ApiUrl


class MeSerializer(serializers.ModelSerializer[User]):
    id = serializers.CharField(source="public_id", read_only=True)
    roles = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ["id", "username", "email", "is_adult", "max_level", "roles", "date_joined"]
        read_only_fields = ["username", "email", "date_joined"]

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(Role.choices)))
    def get_roles(self, user: User) -> list[str]:
        return [role.value for role in Role if user.has_role(role)]


class MeView(RetrieveUpdateAPIView[User]):
    """Who you are; content level and stated age can be changed."""

    serializer_class = MeSerializer
    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE
    http_method_names = ["get", "patch", "head", "options"]

    def get_object(self) -> User:
        return member_of(self.request)

    def perform_update(self, serializer: serializers.BaseSerializer[User]) -> None:
        user, data = member_of(self.request), serializer.validated_data
        chosen = {name: data.get(name, getattr(user, name)) for name in ("is_adult", "max_level")}
        services.set_viewing(user=user, **chosen)


class ConsentSerializer(serializers.Serializer[Any]):
    purpose = serializers.ChoiceField(Purpose.choices)
    granted = serializers.BooleanField()
    text = serializers.CharField(read_only=True, help_text="What you agree to")


class ConsentViewSet(viewsets.ViewSet):
    """What others may do with your work; refused unless granted."""

    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE

    @extend_schema(responses=ConsentSerializer(many=True))
    def list(self, request: Request) -> Response:
        return Response(_consent(member_of(request)))

    @extend_schema(request=ConsentSerializer, responses={200: ConsentSerializer(many=True)})
    def create(self, request: Request) -> Response:
        """Grants or takes back one purpose."""
        services.record_consent(user=member_of(request), **checked(ConsentSerializer, request))
        return Response(_consent(member_of(request)))


def _consent(user: User) -> list[dict[str, Any]]:
    granted = ConsentEvent.objects.purposes_of(user)
    rows = [{"purpose": each, "granted": each.value in granted, "text": str(EXPLAINED[each])} for each in Purpose]
    return list(ConsentSerializer(rows, many=True).data)


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    id = serializers.CharField(source="public_id", read_only=True)
    url = ApiUrl(max_length=500)
    events = serializers.ListField(child=serializers.ChoiceField(WebhookEvent.choices), allow_empty=False)

    class Meta:
        model = Webhook
        fields = ["id", "url", "events", "secret", "is_active", "created_at"]
        read_only_fields = ["secret", "is_active", "created_at"]


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    target = serializers.CharField(source="target_public_id")

    class Meta:
        model = WebhookDelivery
        fields = [
            "id", "event", "target_type", "target", "created_at", "attempts", "last_status", "delivered_at",
            "failed_at", "not_before",
        ]  # fmt: skip


class ResumedSerializer(serializers.Serializer[Any]):
    sent_again = serializers.IntegerField()


class WebhookViewSet(mixins.ListModelMixin, mixins.CreateModelMixin, viewsets.GenericViewSet[Webhook]):
    """Addresses of yours that we call when something happens; a call carries ids, signed with the secret."""

    serializer_class = WebhookSerializer
    permission_classes = [IsAuthenticated]
    token_scope = Scope.WRITE
    lookup_field = "public_id"
    lookup_value_regex = PUBLIC_ID
    queryset = Webhook.objects.none()

    def get_queryset(self) -> QuerySet[Webhook]:
        return Webhook.objects.filter(user=member_of(self.request))

    def perform_create(self, serializer: serializers.BaseSerializer[Webhook]) -> None:
        serializer.instance = services.register_webhook(user=member_of(self.request), **serializer.validated_data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        services.remove_webhook(user=member_of(request), public_id=public_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=DeliverySerializer(many=True))
    @action(detail=True, filter_backends=[])
    def deliveries(self, request: Request, public_id: str) -> Response:
        """The log of 30 days: what was sent, how often it was tried, and what was answered."""
        page = self.paginate_queryset(self.get_object().deliveries.order_by("-pk")) or []  # type: ignore[arg-type]
        return self.get_paginated_response(DeliverySerializer(page, many=True).data)  # type: ignore[arg-type]

    @extend_schema(request=None, responses=ResumedSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, public_id: str) -> Response:
        """Switches it on again and sends what it missed."""
        return Response({"sent_again": deliveries.resume_webhook(user=member_of(request), public_id=public_id)})
