"""What moderation knows of a thing of a higher layer: an adapter that settings name, never its model.

MODERATION_TARGETS lists the adapters by dotted name, one for each kind of thing that can be reported.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Viewer
from lib.errors import NotFound
from lib.hooks import load_functions

M = TypeVar("M", bound=models.Model)


class TargetAdapter(Generic[M]):
    """One kind of target. Its model has a `public_id` and a default manager with ``visible_to(viewer, at)``."""

    model: type[M]
    pages: frozenset[str] = frozenset()  # URL names of its pages; the first argument is its public id, or its name

    def author(self, target: M) -> User | None:
        """Who made it and is notified of decisions; None once it is deleted."""
        raise NotImplementedError

    def text(self, target: M) -> str:
        """Everything its author wrote, for a moderator to read."""
        raise NotImplementedError

    def picture_file(self, target: M) -> str:
        """The name of its picture (a PNG) in the store; empty when it has none."""
        return ""

    def pdq(self, target: M) -> str | None:
        """The PDQ hash of its picture (256 characters of 0 and 1), if it is good enough to block by."""
        return None

    def level(self, target: M) -> int | None:
        """Its content level; None for what has none."""
        return None

    def hashes_from(self, first_id: int) -> list[tuple[int, str]]:
        """Ids and PDQ hashes of pictures that are shown, from an id on: one range in order, nothing at the end."""
        return []

    def is_hidden(self, target: M) -> bool:
        """Whether moderation hides it now."""
        return getattr(target, "removed_at", None) is not None

    def is_deleted(self, target: M) -> bool:
        """Whether its author has deleted it, and the row stays as a tombstone."""
        return getattr(target, "deleted_at", None) is not None

    def reach(self, target: M) -> int:
        """How many people it reached, roughly."""
        return 0

    def reaches(self, targets: list[M]) -> list[int]:
        """The same of many; adapters whose `related` may be many answer it with one query."""
        return [self.reach(target) for target in targets]

    def related(self, target: M, limit: int) -> Iterable[M]:
        """Things made from it, which get a case (and nothing more) when it is removed: `limit` at most."""
        return ()


class MemberTarget(TargetAdapter[User]):
    """A member, by name."""

    model = User

    def author(self, target: User) -> User:
        return target

    def text(self, target: User) -> str:
        return target.username


def _adapters() -> dict[str, TargetAdapter[Any]]:
    adapters = [cast(TargetAdapter[Any], make()) for make in load_functions(settings.MODERATION_TARGETS)]
    return {adapter.model._meta.label_lower: adapter for adapter in adapters}


def adapters() -> list[TargetAdapter[Any]]:
    """One for each kind of target."""
    return list(_adapters().values())


def adapter_of(target: models.Model) -> TargetAdapter[Any]:
    """Raises KeyError for what cannot be reported."""
    return _adapters()[target_type(target)]


def target_type(target: models.Model) -> str:
    """``"feed.post"``."""
    return target._meta.label_lower


def target_model(name: str) -> type[models.Model]:
    """The model of a target type; raises NotFound when there is none or it is no target."""
    adapter = _adapters().get(name.lower())
    if adapter is None:
        raise NotFound(_("Nothing of this kind can be reported."))
    return cast("type[models.Model]", adapter.model)


def load_target(name: str, pk: int) -> models.Model | None:
    """The target as it is now, for moderation's own eyes; None when its row is gone."""
    return target_model(name)._base_manager.filter(pk=pk).first()


def visible_target(name: str, public_id: str, viewer: Viewer, at: datetime) -> models.Model:
    """The target if `viewer` may see it; raises NotFound otherwise."""
    shown = cast(Any, target_model(name)._default_manager).visible_to(viewer, at)
    found: models.Model | None = shown.filter(public_id=public_id).first()
    if found is None:
        raise NotFound(_("There is nothing here that you could report."))
    return found


def is_visible(target: models.Model, viewer: Viewer, at: datetime) -> bool:
    """Whether `viewer` may see it."""
    manager = cast(Any, type(target)._default_manager)
    return bool(manager.visible_to(viewer, at).filter(pk=target.pk).exists())
