"""System checks: without working checkers nothing may be published, so the site says so before it starts."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import import_string

LISTS = ("MODERATION_TEXT_CHECKERS", "MODERATION_IMAGE_CHECKERS")


@register(Tags.security)
def check_checkers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Every list of checkers names at least one, and each can be imported."""
    return [problem for name in LISTS for problem in _problems(name, getattr(settings, name))]


def _problems(setting: str, names: list[str]) -> Iterator[CheckMessage]:
    if not names:
        yield Error(f"{setting} is empty: everything would be held.", hint="List a checker.", id="moderation.E001")
    for name in names:
        try:
            import_string(name)
        except ImportError as error:
            yield Error(f"{setting} names {name}: {error}", hint="Correct the name.", id="moderation.E002")
