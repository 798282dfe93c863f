"""The Celery application; `config/__init__.py` loads it so that `shared_task` finds it."""

import logging.config
import os
import sys
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, import_modules, setup_logging, worker_process_init

from config.observability import reporting, request_ids, serving

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# torch's threads on the CPU wait for each other by spinning. Where anything else wants the cores too, that made a
# picture of one second take minutes (seen); waiting asleep costs nothing. Read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@import_modules.connect  # before Celery connects its own, which loads the apps and with them prometheus_client
def _prepare_numbers(**kwargs: Any) -> None:
    if "prometheus_client" not in sys.modules:
        serving.prepare()


app = Celery("salon")
app.config_from_object("django.conf:settings", namespace="CELERY")
_FEED = ("ranking", "search", "styles", "challenges", "tags", "notifications")
_RATINGS = ("ratings", "ratings.releases")
app.autodiscover_tasks(
    ["accounts", "moderation", "generation.queue", "feed", *(f"feed.{name}" for name in _FEED), *_RATINGS]
)


__all__ = ["app", "request_ids"]  # the latter sends the ids of requests along with tasks


@celeryd_init.connect
@beat_init.connect
def _require_services(**kwargs: Any) -> None:
    """Celery alone would wait for a missing broker for ever, and find a missing database task by task."""
    from config.availability import require_services

    require_services()


@setup_logging.connect
def _log_as_the_site_does(loglevel: int | None = None, **kwargs: Any) -> None:
    """Celery would put handlers of its own in place of ours, which print no traceback of what a worker logs."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
    if loglevel is not None:
        logging.getLogger("celery").setLevel(loglevel)


@celeryd_init.connect
def _serve_numbers_of_the_worker(**kwargs: Any) -> None:
    from config.observability import task_numbers  # noqa: F401 - connects its signals

    serving.serve()


@worker_process_init.connect
def _trace(**kwargs: Any) -> None:
    reporting.start_tracing("salon-worker")


@beat_init.connect
def _serve_numbers_of_the_site(**kwargs: Any) -> None:
    """Beat is one process and counts nothing itself."""
    from config.observability.site_numbers import SiteNumbers

    serving.serve(SiteNumbers())
