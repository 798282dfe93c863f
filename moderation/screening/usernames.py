"""Which user names may be taken; allauth's sign-up form runs these validators (ACCOUNT_USERNAME_VALIDATORS)."""

import unicodedata
from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from accounts.sign_in.names import look_of
from lib.text.regex import compile_linear
from moderation.screening.normalisation import plain, unleeted

MAX_LENGTH = 30
RESERVED = {
    "about", "abuse", "admin", "administrator", "api", "benchmark", "campaign", "counterparts", "editor", "everyone",
    "help", "info", "mail", "me", "mod", "moderation", "moderator", "moderators", "news", "nobody", "null", "official",
    "operator", "owner", "postmaster", "researcher", "root", "salon", "screening", "security", "settings", "staff",
    "support", "system", "team", "undefined", "visitor", "webmaster",
}  # fmt: skip


# Letters, each with its marks, and digits; one full stop, hyphen or underscore between them.
_FORM = compile_linear(r"(?:\pL\pM*|[0-9])+(?:[._-](?:\pL\pM*|[0-9])+)*")
# The scripts in common use today (UAX 31), and those that one language writes together.
_SCRIPTS = [
    "Latin", "Greek", "Cyrillic", "Armenian", "Georgian", "Hebrew", "Arabic", "Thaana", "Devanagari", "Bengali",
    "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Thai", "Lao", "Khmer",
    "Myanmar", "Tibetan", "Ethiopic", "Han Hiragana Katakana", "Han Hangul", "Han Bopomofo",
]  # fmt: skip
_ONE_SCRIPT = compile_linear(
    "|".join(
        "[{}\\p{{M}}ー0-9._-]+".format("".join(f"\\p{{{name}}}" for name in scripts.split())) for scripts in _SCRIPTS
    )
)


def validate_form(name: str) -> None:
    """Refuses what is no name: characters that nobody types, several points in a row, digits of two kinds."""
    if unicodedata.normalize("NFKC", name) != name or not _FORM.fullmatch(name):
        words = _("Use letters and digits, with single full stops, hyphens or underscores between them.")
        raise ValidationError(words, code="form")


def validate_one_script(name: str) -> None:
    """Refuses letters of two scripts, which pass for one another, but for those that Japanese and others mix."""
    if not _ONE_SCRIPT.fullmatch(name):
        raise ValidationError(_("Use letters of one script only."), code="scripts")


def validate_own_look(name: str) -> None:
    """Refuses a name that looks like another member's."""
    from accounts.models import User  # needs the app registry; allauth loads this list while it starts

    if User.objects.filter(look=look_of(name)).exists():
        raise ValidationError(_("This name looks like another member's. Choose another one."), code="look")


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
    validate_form,
    MaxLengthValidator(MAX_LENGTH),
    validate_one_script,
    validate_own_look,
    validate_not_reserved,
    validate_screened,
]
