"""allauth's forms where they would tell a stranger that an e-mail address is registered."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import SignupForm as AllauthSignupForm
from django.utils.translation import gettext_lazy as _


class SignupForm(AllauthSignupForm):  # type: ignore[misc]  # allauth has no types
    """Signing up with an address that is registered goes on as with any other.

    The new account waits for a confirmation that only the owner of the address could give, and that is refused while
    the address is confirmed for another account. So neither the answer, nor the time it takes, nor whether the name
    can be used afterwards tells anything.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = _("At least 8 characters, and not one that many people use.")

    def validate_unique_email(self, value: str) -> str:
        return str(get_adapter().validate_unique_email(value))
