"""What moderation knows of a thing on a higher rung: a small protocol, never its model."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol, cast, runtime_checkable

from django.apps import apps
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Viewer
from lib.errors import NotFound


@runtime_checkable
class Target(Protocol):
    """A model with these methods, a `public_id`, and a default manager with ``visible_to(viewer, at)``."""

    pk: Any
    public_id: str

    def moderation_author(self) -> User | None: ...

    def moderation_text(self) -> str: ...

    def moderation_image_url(self, viewer: User) -> str:
        """Where a moderator may look at its picture; empty when it has none."""
        ...

    def moderation_reach(self) -> int:
        """How many people it reached, roughly."""
        ...

    def moderation_related(self) -> Iterable[models.Model]:
        """Things made from it, which get a case (and nothing more) when it is removed; bounded."""
        ...


def target_type(target: models.Model) -> str:
    """``"feed.post"``."""
    return target._meta.label_lower


def target_model(name: str) -> type[models.Model]:
    """The model of a target type; raises NotFound when there is none or it is no target."""
    try:
        model = apps.get_model(name)
    except (LookupError, ValueError):
        raise NotFound(_("There is nothing of that kind.")) from None
    if not callable(getattr(model, "moderation_author", None)):
        raise NotFound(_("There is nothing of that kind."))
    return model


def load_target(name: str, pk: int) -> Target | None:
    """The target as it is now, for moderation's own eyes; None when its row is gone."""
    return cast("Target | None", target_model(name)._base_manager.filter(pk=pk).first())


def visible_target(name: str, public_id: str, viewer: Viewer, at: datetime) -> Target:
    """The target if `viewer` may see it; raises NotFound otherwise."""
    shown = cast(Any, target_model(name)._default_manager).visible_to(viewer, at)
    found = shown.filter(public_id=public_id).first()
    if found is None:
        raise NotFound(_("There is nothing here that you could report."))
    return cast(Target, found)


def is_visible(target: models.Model, viewer: Viewer, at: datetime) -> bool:
    manager = cast(Any, type(target)._default_manager)
    return bool(manager.visible_to(viewer, at).filter(pk=target.pk).exists())
