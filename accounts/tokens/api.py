"""API tokens in the API: a token sees and ends itself alone, and can make no other."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiToken, User
from accounts.permissions import member_of
from accounts.sign_in.services import authenticate_program, proved_who_they_are
from accounts.tokens import services
from accounts.tokens.scopes import Scope
from lib.api import checked
from lib.errors import Refused
from lib.http.converters import PUBLIC_ID
from lib.text.fields import ApiLine

LONGEST_DAYS = 3650


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    id = serializers.CharField(source="public_id", read_only=True)
    scopes = serializers.ListField(child=serializers.ChoiceField(Scope.choices), read_only=True)

    class Meta:
        model = ApiToken
        fields = ["id", "name", "scopes", "created", "expiry", "last_used_at"]
        read_only_fields = ["created", "expiry", "last_used_at"]


class NewTokenSerializer(serializers.Serializer[Any]):
    username = ApiLine(required=False, max_length=254, help_text="Not needed by a signed-in browser.")
    password = serializers.CharField(
        required=False, max_length=4096, write_only=True, trim_whitespace=False,
        help_text="Not needed by a browser in which it was typed within the last minutes.",
    )  # fmt: skip
    name = ApiLine(max_length=60, required=False, default="", allow_blank=True, help_text="What the token is for.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(Scope.choices), required=False, max_length=len(Scope),
        help_text="`read`, `write` and `generate` if left out.",
    )  # fmt: skip
    days = serializers.IntegerField(
        required=False, default=365, allow_null=True, min_value=1, max_value=LONGEST_DAYS,
        help_text="Until it expires; null is never.",
    )  # fmt: skip


class MadeTokenSerializer(TokenSerializer):
    token = serializers.CharField(read_only=True, help_text="Shown this once: send it as `Authorization: Token …`.")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]


class TokenViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[ApiToken]):
    """Your tokens. To a program, only the token that it uses: deleting it signs the program out."""

    serializer_class = TokenSerializer
    token_scope: Scope | None = Scope.READ
    lookup_field = "public_id"
    lookup_value_regex = PUBLIC_ID
    queryset = ApiToken.objects.none()

    def get_queryset(self) -> QuerySet[ApiToken]:
        rows = ApiToken.objects.filter(user=member_of(self.request))
        return rows.filter(pk=self.request.auth.pk) if isinstance(self.request.auth, ApiToken) else rows

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny()] if self.action == "create" else [IsAuthenticated()]

    @extend_schema(request=NewTokenSerializer, responses={201: MadeTokenSerializer})
    def create(self, request: Request) -> Response:
        """Makes a token, by user name and password, or for the member who is signed in; never by another token."""
        if isinstance(request.auth, ApiToken):
            raise Refused("not_by_token", _("A token cannot make tokens. Make one in your settings."), status=403)
        data = checked(NewTokenSerializer, request)
        user = _maker(request, data)
        made, plain = services.issue_token(user=user, name=data["name"], scopes=data.get("scopes"), days=data["days"])
        made.token = plain  # type: ignore[attr-defined]
        return Response(MadeTokenSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        """Ends a token."""
        services.revoke_token(user=member_of(request), public_id=self.get_object().public_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _maker(request: Request, data: dict[str, Any]) -> User:
    """Whom the token is for; raises Refused (400, 403, 429)."""
    user, password = request.user, data.get("password", "")
    if not isinstance(user, User):
        return authenticate_program(request._request, login=data.get("username", ""), password=password)
    if not proved_who_they_are(request._request) and not password:
        words = _("Send your password as well, or make the token in your settings.")
        raise Refused("password_needed", words, status=403)
    if password:
        return authenticate_program(request._request, login=user.username, password=password)
    return user
