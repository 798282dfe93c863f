"""What an API token may be used for: each view declares its scope, and one function says what a request needs."""

from django.db import models
from django.utils.translation import gettext_lazy as _

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class Scope(models.TextChoices):
    """One right of a token. A token never has more rights than its member, whatever its scopes are."""

    READ = "read", _("Read what I can see")
    WRITE = "write", _("Publish, like, comment, answer questions, change my settings")
    GENERATE = "generate", _("Generate pictures")
    RESEARCH = "research", _("Build dataset releases (research team)")
    MODERATE = "moderate", _("Decide cases (moderators)")


WHOLE = {Scope.RESEARCH, Scope.MODERATE}  # a view of these needs them for reading as well


def every_scope() -> list[str]:
    return [str(scope) for scope in Scope]


def usual_scopes() -> list[str]:
    """What a token may do unless its maker says otherwise."""
    return [Scope.READ.value, Scope.WRITE.value, Scope.GENERATE.value]


def needed_scope(view: object, method: str) -> Scope | None:
    """The scope that a token needs for a request to `view`; None where the view declares none, so that none suffices.

    A view declares ``token_scope``: what its unsafe methods need. Safe ones need READ, except in views of `WHOLE`.
    """
    declared: Scope | None = getattr(view, "token_scope", None)
    if declared is None or declared in WHOLE:
        return declared
    return Scope.READ if method.upper() in SAFE_METHODS else declared
