"""Signing in by a program: the same checks and limits as on the page."""

from allauth.account.adapter import get_adapter
from allauth.account.app_settings import EmailVerificationMethod
from allauth.account.internal.flows.login import derive_login_method
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lib.errors import Refused
from lib.http import client_network
from lib.limits import check_rate

ATTEMPTS_A_MINUTE = 10  # of one network; allauth counts failures by name as well


def authenticate_program(request: HttpRequest, *, login: str, password: str) -> User:
    """The member of that user name (or address) and password, who has no second factor.

    Raises:
        Refused: 400 for a wrong password or an unconfirmed address, 403 for an account with a second factor,
            429 after too many attempts, which count together with those on the page.
    """
    check_rate(key=f"token-address:{client_network(request)}", limit=ATTEMPTS_A_MINUTE, seconds=60)
    user = _check_password(request, login, password)
    if user is None or not user.is_active:
        raise Refused("wrong_login", _("This user name and password do not match."))
    if has_second_factor(user):
        words = _("Your account uses two-factor authentication. Sign in and create the token in your settings.")
        raise Refused("second_factor", words, status=403)
    if _awaits_confirmation(user):
        raise Refused("unconfirmed", _("Confirm your email address first: sign in to the site to get the mail again."))
    return user


def _check_password(request: HttpRequest, login: str, password: str) -> User | None:
    credentials = {derive_login_method(login).value: login, "password": password}
    try:
        found: User | None = get_adapter().authenticate(request, **credentials)
    except ValidationError as error:  # allauth's limit of failures
        raise Refused("too_many", " ".join(error.messages), status=429) from None
    return found


def has_second_factor(user: User) -> bool:
    from allauth.mfa.utils import is_mfa_enabled  # its models need the app registry

    return bool(is_mfa_enabled(user))


def _awaits_confirmation(user: User) -> bool:
    from allauth.account.models import EmailAddress  # its models need the app registry

    if EmailVerificationMethod.MANDATORY.value != settings.ACCOUNT_EMAIL_VERIFICATION:
        return False
    return not EmailAddress.objects.filter(user=user, verified=True).exists()


def proved_who_they_are(request: HttpRequest) -> bool:
    """Whether the member of this session typed their password or code again within the last minutes."""
    return bool(did_recently_reauthenticate(request))
