"""User names that look alike: each has a key, and no two members have the same one."""

from typing import Any

from django.db import models

from lib.text.confusables import skeleton

MAX_LENGTH = 600  # a character may look like several others


def look_of(name: str) -> str:
    """Equal for two names that look alike in any case: “Paypal”, “paypaI” and “pаypal” with a Cyrillic letter.

    Source: the skeleton of Unicode Technical Standard 39, taken before and after lower-casing, as a capital I looks
    like a small l.
    """
    return skeleton(skeleton(name).casefold())[:MAX_LENGTH]


class LookField(models.CharField[str | None, str | None]):
    """The look of the row's `username`, filled in when the row is added; NULL for whoever shares another's look."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": MAX_LENGTH, "null": True, "editable": False, **kwargs})

    def pre_save(self, instance: models.Model, add: bool) -> str | None:
        if add:
            setattr(instance, self.attname, look_of(instance.username))  # type: ignore[attr-defined]  # of User alone
        value: str | None = getattr(instance, self.attname)
        return value
