"""Tokens for programs: make one with a password or a signed-in browser, list them, take them back."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import authenticate
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from knox.settings import knox_settings
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.errors import Refused
from accounts.limits import check_rate
from accounts.models import ApiToken, User

ATTEMPTS_A_MINUTE = 10


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = ApiToken
        fields = ["id", "name", "created", "expiry"]
        read_only_fields = ["created", "expiry"]


class NewTokenSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(required=False, help_text="Not needed by a signed-in browser.")
    password = serializers.CharField(required=False, write_only=True)
    name = serializers.CharField(max_length=60, required=False, default="", help_text="What the token is for.")


class MadeTokenSerializer(TokenSerializer):
    token = serializers.CharField(read_only=True, help_text="Shown this once: send it as `Authorization: Token …`.")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]


class TokenViewSet(mixins.ListModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[ApiToken]):
    """One's own tokens. Deleting the one that is used signs the program out."""

    serializer_class = TokenSerializer
    lookup_field = "public_id"
    queryset = ApiToken.objects.none()

    def get_queryset(self) -> QuerySet[ApiToken]:
        user = self.request.user
        return ApiToken.objects.filter(user=user) if isinstance(user, User) else ApiToken.objects.none()

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny()] if self.action == "create" else [IsAuthenticated()]

    @extend_schema(request=NewTokenSerializer, responses={201: MadeTokenSerializer})
    def create(self, request: Request) -> Response:
        """Makes a token, by user name and password, or for the member who is signed in."""
        body = NewTokenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = request.user if isinstance(request.user, User) else _by_password(request, body.validated_data)
        limit = knox_settings.TOKEN_LIMIT_PER_USER
        if ApiToken.objects.filter(user=user, expiry__gt=timezone.now()).count() >= limit:
            raise Refused("too_many_tokens", _("You have as many tokens as are allowed; delete one first."), status=409)
        made, token = ApiToken.objects.create(  # type: ignore[no-untyped-call]
            user=user, name=body.validated_data["name"], expiry=timedelta(days=365)
        )
        made.token = token
        return Response(MadeTokenSerializer(made).data, status=status.HTTP_201_CREATED)


def _by_password(request: Request, data: dict[str, Any]) -> User:
    """The member of that name and password; raises Refused (400, 403, and 429 for whoever guesses)."""
    name = data.get("username", "")
    address = request.META.get("REMOTE_ADDR", "")
    check_rate(key=f"token-address:{address}", limit=ATTEMPTS_A_MINUTE, seconds=60)
    check_rate(key=f"token-name:{name.lower()}", limit=ATTEMPTS_A_MINUTE, seconds=60)
    user = authenticate(request._request, username=name, password=data.get("password", ""))
    if not isinstance(user, User):
        raise Refused("wrong_login", _("That user name and password do not fit together."), status=400)
    if _has_second_factor(user):
        words = _("Your account asks for a second factor; make the token in your settings, signed in.")
        raise Refused("second_factor", words, status=403)
    return user


def _has_second_factor(user: User) -> bool:
    from allauth.mfa.utils import is_mfa_enabled

    return bool(is_mfa_enabled(user))
