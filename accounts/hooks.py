"""What accounts asks of the layers above, by the modules that settings name."""

from collections.abc import Callable, Set
from typing import Any, Protocol, cast

from django.conf import settings
from django.db.models import Q

from accounts.models import User
from lib.hooks import load_modules


class PersonalData(Protocol):
    """A module of PERSONAL_DATA, ``<app>/personal_data.py``.

    ``COVERED`` names every foreign key of its app to User or Image, as ``"moderation.Report.reporter"``;
    ``erase`` deletes leaves, blanks rows that have children, and runs inside the caller's transaction.
    """

    COVERED: Set[str]

    def export(self, user: User) -> dict[str, Any]: ...

    def erase(self, user: User) -> None: ...


FilesOf = Callable[[User], list[tuple[str, Callable[[], bytes]]]]
"""A module may also have ``export_files``: names within the download, each with what reads it when its turn comes."""


def personal_data() -> dict[str, PersonalData]:
    """Each app's part by the name of the app, accounts first, the others as settings list them."""
    modules = load_modules(["accounts.personal_data", *settings.PERSONAL_DATA])
    return {name.partition(".")[0]: cast(PersonalData, module) for name, module in modules.items()}


class Audience(Protocol):
    """A module of AUDIENCE, ``<app>/audience.py``: whose things a member is not shown anywhere."""

    def hidden_authors(self, viewer: User, field: str) -> Q: ...


def hidden_authors(viewer: User, field: str = "author") -> Q:
    """Rows whose `field` is a member that AUDIENCE hides from `viewer`; for `exclude`."""
    hidden = Q()
    for module in load_modules(settings.AUDIENCE).values():
        hidden |= cast(Audience, module).hidden_authors(viewer, field)
    return hidden
