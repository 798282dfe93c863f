"""Making and ending API tokens."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from knox.settings import knox_settings

from accounts.models import ApiToken, Role, User
from accounts.tokens.scopes import Scope, usual_scopes
from lib.errors import NotFound, Refused

ROLE_OF = {Scope.RESEARCH: Role.RESEARCHER, Scope.MODERATE: Role.MODERATOR}


def scopes_for(user: User) -> list[Scope]:
    """The scopes that a member may give to a token."""
    return [scope for scope in Scope if scope not in ROLE_OF or user.has_role(ROLE_OF[scope])]


def issue_token(
    *, user: User, name: str, scopes: Iterable[str] | None = None, days: int | None = 365, at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A new API token; its plain text is returned once and stored nowhere.

    Args:
        scopes: values of `Scope`; without them, the usual ones.
        days: until it runs out; None is never.

    Raises:
        Refused: 400 without a scope, or with one that this member may not give; 409 for too many tokens.
    """
    now = at or timezone.now()
    wanted = [scope.value for scope in Scope if scope.value in set(usual_scopes() if scopes is None else scopes)]
    if not wanted or not set(wanted) <= {scope.value for scope in scopes_for(user)}:
        message = _("Choose at least one scope, and only scopes that your roles allow.")
        raise Refused("bad_scopes", message, fields={"scopes": [message]})
    limit: int = knox_settings.TOKEN_LIMIT_PER_USER
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # the count below must hold
        if ApiToken.objects.filter(Q(expiry=None) | Q(expiry__gt=now), user=user).count() >= limit:
            held = ngettext_lazy("You have %d token already.", "You have %d tokens already.", limit) % limit
            raise Refused("too_many_tokens", _("%s Revoke one first.") % held, status=409)
        expiry = None if days is None else timedelta(days=days)
        token, plain = ApiToken.objects.create(user=user, name=name, scopes=wanted, expiry=expiry)  # type: ignore[no-untyped-call]
    return token, plain


def revoke_token(*, user: User, public_id: str) -> None:
    """Ends one token of the member's; raises NotFound for any other."""
    if not ApiToken.objects.filter(user=user, public_id=public_id).delete()[0]:
        raise NotFound(_("There is no such token."))


def end_tokens(*, user: User) -> int:
    """Ends every token of a member; returns how many."""
    return ApiToken.objects.filter(user=user).delete()[0]
