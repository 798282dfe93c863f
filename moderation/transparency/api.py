"""The public log of decisions."""

from rest_framework import mixins, serializers, viewsets
from rest_framework.permissions import AllowAny

from accounts.tokens.scopes import Scope
from moderation.cases.models import kind_label
from moderation.decisions.models import Decision


class LogSerializer(serializers.ModelSerializer[Decision]):
    """Redacted: no names, no links, nobody's own words."""

    kind = serializers.SerializerMethodField()

    class Meta:
        model = Decision
        fields = ["decided_at", "kind", "action", "reason", "level", "policy_version"]

    def get_kind(self, decision: Decision) -> str:
        return kind_label(decision.target_type)


class DecisionViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Decision]):
    """The public log of decisions, the newest first."""

    serializer_class = LogSerializer
    permission_classes = [AllowAny]
    token_scope = Scope.READ
    queryset = Decision.objects.logged()
