"""Which user names may be taken; allauth's sign-up form runs these validators (ACCOUNT_USERNAME_VALIDATORS)."""

from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from lib.regex import compile_linear
from moderation.screening.normalisation import plain, unleeted

MAX_LENGTH = 30
_ALLOWED = compile_linear(r"[\pL\pN_.-]+")
RESERVED = {
    "about", "abuse", "admin", "administrator", "api", "benchmark", "counterparts", "editor", "everyone", "help",
    "info", "mail", "me", "mod", "moderation", "moderator", "moderators", "news", "nobody", "null", "official",
    "operator", "owner", "postmaster", "researcher", "root", "salon", "screening", "security", "settings", "staff",
    "support", "system", "team", "undefined", "visitor", "webmaster",
}  # fmt: skip


def validate_characters(name: str) -> None:
    if not _ALLOWED.fullmatch(name):
        raise ValidationError(_("Use letters, digits, full stops, hyphens and underscores."), code="characters")


def validate_not_reserved(name: str) -> None:
    """Refuses names that sound like the site speaking, in any disguise, and those of deleted accounts."""
    sounds_like = unleeted(plain(name)).strip("._- 0123456789")
    if sounds_like in RESERVED or sounds_like.startswith("deleted"):
        raise ValidationError(_("This name is reserved. Choose another one."), code="reserved")


def validate_screened(name: str) -> None:
    """Refuses names that insult; a name that cannot be checked is refused as well."""
    from moderation.screening.services import (
        screen_text,  # needs the app registry; allauth loads this list while it starts
    )

    spread = " ".join(dict.fromkeys([name, name.replace("_", " ").replace(".", " ").replace("-", " ")]))
    verdict = screen_text(text=spread, kind="name")
    if not verdict.is_allowed:
        raise ValidationError(verdict.message, code="screened")


username_validators: list[Callable[[str], None]] = [
    validate_characters,
    MaxLengthValidator(MAX_LENGTH),
    validate_not_reserved,
    validate_screened,
]
