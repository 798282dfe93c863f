"""An app whose effect fails."""

from django.db import models

from moderation.models import Decision


def apply(*, decision: Decision, target: models.Model) -> None:
    raise RuntimeError("this app is broken")
