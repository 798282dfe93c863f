"""Hooks that settings name: how a lower rung reaches a higher one without importing it."""

from collections.abc import Callable, Iterable, Set
from importlib import import_module
from typing import Any, Protocol, cast

from django.conf import settings
from django.db.models import Q
from django.utils.module_loading import import_string

from accounts.models import User


class PersonalData(Protocol):
    """A module ``<app>/personal.py``.

    ``COVERED`` names every foreign key of its app to User or Image, as ``"moderation.Report.reporter"``;
    ``erase`` deletes leaves, blanks rows that have children, and runs inside the caller's transaction.
    """

    COVERED: Set[str]

    def export(self, user: User) -> dict[str, Any]: ...

    def erase(self, user: User) -> None: ...


FilesOf = Callable[[User], list[tuple[str, Callable[[], bytes]]]]
"""A module may also have ``export_files``: names within the download, each with what reads it when its turn comes."""


def load_modules(names: Iterable[str]) -> dict[str, object]:
    """The modules by name; one that cannot be imported is an error, never skipped."""
    return {name: import_module(name) for name in names}


def load_functions(paths: Iterable[str]) -> list[Callable[..., Any]]:
    """The functions by their dotted paths, in order; one that cannot be imported is an error, never skipped."""
    return [import_string(path) for path in paths]


def personal_data() -> dict[str, PersonalData]:
    """Each rung's part by the name of its app, accounts first, the others as settings list them."""
    modules = load_modules(["accounts.personal", *settings.PERSONAL_DATA])
    return {name.partition(".")[0]: cast(PersonalData, module) for name, module in modules.items()}


class Audience(Protocol):
    """A module ``<app>/audience.py``: whose things a member is not shown on any rung."""

    def hidden_authors(self, viewer: User, field: str) -> Q: ...


def hidden_authors(viewer: User, field: str = "author") -> Q:
    """Rows whose `field` is a member that settings' AUDIENCE hides from `viewer`; for `exclude`."""
    hidden = Q()
    for module in load_modules(settings.AUDIENCE).values():
        hidden |= cast(Audience, module).hidden_authors(viewer, field)
    return hidden
