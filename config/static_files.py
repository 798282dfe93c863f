"""Which static files are collected, and how they are named."""

from django.contrib.staticfiles.apps import StaticFilesConfig
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticConfig(StaticFilesConfig):
    """Parts of packages that no page of ours names stay out."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "redoc", "hx-*.js", "htmx-2-compat-4*", "htm*-4*.js"]


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Hashed and compressed files alone: what a script imports is named by its hash, or it would not be found."""

    support_js_module_import_aggregation = True
