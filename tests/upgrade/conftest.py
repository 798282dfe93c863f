"""The database of the previous version, restored and migrated once, and copies of it to work on."""

import io
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from tests import processes
from tests.upgrade import previous
from tests.upgrade.client import Site
from tests.upgrade.worker import Worked, webhook_receiver, work_through


@dataclass(frozen=True)
class Upgraded:
    """The migrated database, and the content types by id as they were before."""

    database: str
    content_types: dict[int, tuple[str, str]]


@pytest.fixture(scope="session")
def upgraded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Upgraded]:
    """A database of the previous version after `migrate`. Copy it to change it."""
    name = f"upgraded_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    previous.create_database(name)
    with django_db_blocker.unblock(), previous.on_database(name):
        previous.restore_dump()
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, app_label, model FROM django_content_type")
            content_types = {pk: (app, model) for pk, app, model in cursor.fetchall()}
        call_command("migrate", interactive=False, verbosity=0)
        call_command("index_search", stdout=io.StringIO())  # as `config.prepare` does
        previous.prolong_deadlines()
        ContentType.objects.clear_cache()
    yield Upgraded(name, content_types)
    previous.drop_database(name)


@contextmanager
def copied(upgraded: Upgraded, purpose: str) -> Iterator[str]:
    """The name of a copy that lasts as long as the context."""
    name = f"{upgraded.database}_{purpose}"
    previous.create_database(name, template=upgraded.database)
    try:
        yield name
    finally:
        previous.drop_database(name)


@pytest.fixture
def database(upgraded: Upgraded, django_db_blocker: DjangoDbBlocker) -> Iterator[Upgraded]:
    """Django's connection leads to the migrated database, to read it."""
    with django_db_blocker.unblock(), previous.on_database(upgraded.database):
        yield upgraded


def _environ(folder: Path) -> dict[str, str]:
    own = {"VAR_DIR": str(folder), "REDIS_URL": previous.broker_url()}
    return {**own, **previous.SECRETS, "DJANGO_SETTINGS_MODULE": "tests.upgrade.settings"}


@pytest.fixture(scope="module")
def site(upgraded: Upgraded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The present web server on a copy of the migrated database, with the files of the previous version."""
    folder = tmp_path_factory.mktemp("site")
    previous.extract_files(folder)
    previous.fill_cache()
    with ExitStack() as stack:
        database = stack.enter_context(copied(upgraded, "site"))
        with previous.on_database(database):
            address = stack.enter_context(processes.web(folder, **_environ(folder)))
        yield Site(address, folder, database)


@pytest.fixture(scope="module")
def worked(
    upgraded: Upgraded, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[Worked]:
    """A present worker, for all queues, has worked through the messages of the previous version."""
    folder = tmp_path_factory.mktemp("worker")
    previous.extract_files(folder)
    previous.fill_cache()
    previous.queue_messages()
    with copied(upgraded, "worker") as database, webhook_receiver() as (address, delivered):
        with django_db_blocker.unblock(), previous.on_database(database):
            with connection.cursor() as cursor:
                cursor.execute("UPDATE accounts_webhook SET url = %s", [address])
            environ = processes.environ(**_environ(folder), WEBHOOK_ALLOW_PRIVATE="yes")
        yield Worked(work_through(folder, environ), folder, database, delivered)
