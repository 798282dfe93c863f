"""What switching on a second factor ends. allauth offers nothing but its signal for this."""

from typing import Any

from allauth.mfa.signals import authenticator_added
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import services
from accounts.models import User
from accounts.tokens.services import end_tokens


@receiver(authenticator_added)
def end_what_had_one_factor(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Sessions elsewhere and API tokens were opened by the password alone: they end."""
    services.end_access(user=user, keep=request.session)
    end_tokens(user=user)
