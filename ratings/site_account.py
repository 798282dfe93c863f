"""Accounts by which the site itself asks for pictures; nobody can sign in to them."""

from django.contrib.auth.hashers import make_password
from django.utils.translation import gettext as _

from accounts.models import User
from lib.errors import Refused


def site_account(name: str) -> User:
    """The account called `name`, made on first use: simulated, so that nothing of it is taken for a person's.

    Raises Refused (409) where a member bears the name.
    """
    account: User = User.objects.get_or_create(
        username=name, defaults={"is_simulated": True, "password": make_password(None)}
    )[0]
    if not account.is_simulated:
        message = _("“%(name)s” is a real member here; the site needs that name for an account of its own.")
        raise Refused("name_taken", message % {"name": name}, status=409)
    return account
