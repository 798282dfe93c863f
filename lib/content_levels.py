"""How much a picture shows: the scale that every app filters by."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ContentLevel(models.IntegerChoices):
    GENERAL = 0, _("General")
    SENSITIVE = 1, _("Sensitive")
    MATURE = 2, _("Mature")
