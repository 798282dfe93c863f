"""Public ids: what URLs, the API and files show instead of primary keys."""

import secrets

from django.db import models


def new_public_id() -> str:
    """A random, URL-safe id of 12 characters (72 bits); never one that a command line takes for an option."""
    while (made := secrets.token_urlsafe(9)).startswith("-"):
        pass
    return made


class PublicIdModel(models.Model):
    public_id = models.CharField(max_length=12, unique=True, default=new_public_id, editable=False)

    class Meta:
        abstract = True
