"""What a new password ends."""

from accounts.models import User
from accounts.tokens.services import end_tokens


class EndTokens:
    """Ends a member's API tokens with the password, however it is changed.

    One of AUTH_PASSWORD_VALIDATORS: Django calls `password_changed` after each change, whether it comes from the
    member, from a reset, from the admin or from ``manage.py changepassword``; not when a hash is only made stronger.
    Sessions end as well, as Django binds them to the password.
    """

    def validate(self, password: str, user: User | None = None) -> None: ...

    def get_help_text(self) -> str:
        return ""

    def password_changed(self, password: str, user: User | None = None) -> None:
        if user is not None and user.pk is not None:
            end_tokens(user=user)
