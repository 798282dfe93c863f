"""Which static files are collected, how they are named, and when they are collected again."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.finders import BaseFinder, get_finders
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage

BUNDLE = "css/site.css"
STYLES = (  # in this order
    *("tokens", "base", "layout", "button", "form", "card", "rows", "post", "create", "feedback", "data", "overlay"),
    *("lightbox", "ask", "challenge", "case"),
)
MANIFEST = "staticfiles.json"
SOURCES = ".sources"  # in STATIC_ROOT: the digest of the files that were collected


class StyleFinder(BaseFinder):
    """Finds `BUNDLE`, the style sheets of every page in one file: written anew where one of them changed."""

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        if path != BUNDLE:
            return []
        return [str(_bundle())] if find_all or kwargs.get("all") else str(_bundle())

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        _bundle()
        yield BUNDLE, FileSystemStorage(location=settings.VAR_DIR / "styles")


def _bundle() -> Path:
    target = settings.VAR_DIR / "styles" / BUNDLE
    sources = [settings.BASE_DIR / "static" / "css" / f"{name}.css" for name in STYLES]
    text = "".join(source.read_text() for source in sources)
    if not target.exists() or target.read_text() != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return target


class StaticConfig(StaticFilesConfig):
    """Parts of packages that no page of ours names stay out."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "redoc", "hx-*.js", "htmx-2-compat-4*", "htm*-4*.js"]


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Hashed and compressed files alone: what a script imports is named by its hash, or it would not be found."""

    support_js_module_import_aggregation = True


def is_collected() -> bool:
    """Whether pages find the static files that they name."""
    is_hashed = settings.STORAGES["staticfiles"]["BACKEND"].endswith("StaticStorage")
    return not is_hashed or (settings.STATIC_ROOT / MANIFEST).exists()


def collect_changed() -> bool:
    """Collects the static files unless just these were collected before; returns whether it did.

    Hashing them takes a moment, compressing them half a minute. Files of the version before stay beside the new ones,
    for pages that its processes still serve.
    """
    digest, marker = _digest(), settings.STATIC_ROOT / SOURCES
    if (settings.STATIC_ROOT / MANIFEST).exists() and marker.exists() and marker.read_text() == digest:
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    marker.write_text(digest)
    return True


def _digest() -> str:
    """Of the names and contents of every static file of ours and of the installed apps."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(StaticConfig.ignore_patterns):
            with storage.open(path) as file:
                digest.update(f"{path}\0{file.size}\0".encode())
                digest.update(file.read())
    return digest.hexdigest()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    collect_changed()
