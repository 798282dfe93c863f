"""A member's public face."""

from django.conf import settings
from django.db import models

from generation.models import Image


class Profile(models.Model):
    """A member's public face; its words are screened like any text."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE)
    display_name = models.CharField(max_length=60, blank=True)
    bio = models.TextField(max_length=500, blank=True)
    avatar = models.ForeignKey(Image, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
