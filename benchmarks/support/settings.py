"""Salon's settings, with the views that benchmarks compare it against."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.support.bare_views"
STORAGES = {  # pages name their files plainly: nothing is collected for a benchmark
    **STORAGES,  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
