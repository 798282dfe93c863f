"""What the previous version left behind: its database, files, cache, queued messages, and all that it handed out.

`data/README.md` says how the fixture was made. Names of tables, tasks, queues and salts are contracts, so they are
written here as the previous version used them.
"""

import base64
import json
import lzma
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.signing import Signer, TimestampSigner
from django.db import connection
from django.db.models import Model
from django.utils import timezone
from psycopg import sql

DATA = Path(__file__).parent / "data"
HANDED_OUT: dict[str, Any] = json.loads((DATA / "handed_out.json").read_text("utf-8"))
MESSAGES: dict[str, list[dict[str, Any]]] = json.loads((DATA / "messages.json").read_text("utf-8"))  # by queue
SECRETS = {"SECRET_KEY": HANDED_OUT["secret_key"], "RELEASE_SECRET": HANDED_OUT["release_secret"]}
PICTURE_SALT, RELEASE_SALT = "generation.files", "ratings.release"

# The fixture gets older, so what ends after a time is given a new end.
_PROLONG = [
    "UPDATE ratings_ask SET expires_at = %s WHERE outcome = 'open'",
    "UPDATE accounts_apitoken SET expiry = %s",
    "UPDATE django_session SET expire_date = %s",
]
# An upgrade stays on one server, whose transaction numbers only grow; a dump that is restored elsewhere may meet
# smaller ones. Rows and cursors hold such numbers.
_ADVANCE = """
    DO $$ BEGIN WHILE pg_current_xact_id()::text::bigint < {} LOOP COMMIT; END LOOP; END $$
"""


def _server() -> psycopg.Connection[tuple[Any, ...]]:
    data = connection.settings_dict
    login = {"user": data["USER"], "password": data["PASSWORD"], "host": data["HOST"], "port": data["PORT"]}
    return psycopg.connect(dbname="postgres", autocommit=True, **login)


def create_database(name: str, *, template: str = "template0") -> None:
    """Creates a database, replacing one of the same name; nobody may be connected to `template`."""
    drop_database(name)
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with _server() as server:
        server.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def drop_database(name: str) -> None:
    with _server() as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def on_database(name: str) -> Iterator[None]:
    """Points Django's connection, and programs that are started within, at another database of the test server."""
    connection.close()
    before, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], name
    ContentType.objects.clear_cache()
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before
        ContentType.objects.clear_cache()


def restore_dump() -> None:
    """Loads the dump into the connected database, which is empty, as the previous version left it."""
    dump = lzma.decompress((DATA / "database.sql.xz").read_bytes()).decode()
    with connection.cursor() as cursor:
        cursor.execute(_ADVANCE.format(HANDED_OUT["transaction"]))
        cursor.execute(dump)
    connection.close()  # the dump changes settings of its session


def prolong_deadlines() -> None:
    with connection.cursor() as cursor:
        for statement in _PROLONG:
            cursor.execute(statement, [timezone.now() + timedelta(hours=1)])


def extract_files(folder: Path) -> None:
    """Puts the pictures and releases of the previous version into `folder`, the VAR_DIR of a site."""
    with tarfile.open(DATA / "files.tar.xz") as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # not in every Python 3.11
        archive.extractall(folder)  # noqa: S202 (it is ours)


def model_of(table: str) -> type[Model]:
    """The present model of a table: models are renamed, tables are not."""
    return next(model for model in apps.get_models() if model._meta.db_table == table)


def rows_of(table: str, **values: Any) -> list[dict[str, Any]]:
    """The rows of a table whose columns have these values: fields are renamed, columns are not."""
    conditions = [sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in values.items()]
    where = sql.SQL(" AND ").join([sql.SQL("true"), *conditions])
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM {} WHERE {}").format(sql.Identifier(table), where).as_string())
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def row_of(table: str, public_id: str) -> dict[str, Any]:
    """The one row of that public id."""
    [row] = rows_of(table, public_id=public_id)
    return row


# --- Valkey ---


def broker_url() -> str:
    """A Valkey database beside the test's own, which is emptied before each test."""
    parts = urlsplit(settings.REDIS_URL)
    return urlunsplit(parts._replace(path=f"/{int(parts.path.strip('/')) + 1}"))


def fill_cache(*, is_kept: bool = True) -> None:
    """Empties the site's Valkey database, then fills it with what the previous version kept there."""
    cache = json.loads((DATA / "cache.json").read_text("utf-8"))
    with redis.Redis.from_url(broker_url()) as client:
        client.flushdb()
        for key, entry in cache.items() if is_kept else ():
            client.set(key, base64.b64decode(entry["value"]), ex=entry["seconds"] if entry["seconds"] > 0 else None)


def queue_messages() -> None:
    """Puts the messages into their queues, byte for byte but for an end of validity that has passed by now."""
    with redis.Redis.from_url(broker_url()) as client:
        for queue, messages in MESSAGES.items():
            for message in messages:
                message["headers"]["expires"] = None
                client.rpush(queue, json.dumps(message))


def is_queue_empty() -> bool:
    """Whether no message waits in a queue, or with a worker for its acknowledgement."""
    with redis.Redis.from_url(broker_url()) as client:
        return not any(client.llen(queue) for queue in MESSAGES) and not client.hlen("unacked")


# --- What was signed; the formats are those of the previous version ---


def picture_statement(expires: int) -> str:
    """What the signature of a picture's address covers."""
    image = HANDED_OUT["image_statement"]
    state = f"{image['state']}:{image['is_public']:d}:{image['content_level']}"
    return f"{image['image']}:{image['rendition_hash']}:{state}:{expires}"


def picture_signature(expires: int) -> str:
    signer = Signer(key=HANDED_OUT["secret_key"], salt=PICTURE_SALT)
    return f"{expires}.{signer.signature(picture_statement(expires))}"


def sign_picture() -> str:
    """A signature of the unpublished picture, as its author would have got it a moment ago."""
    return picture_signature((int(time.time()) // 3600 + 2) * 3600)


def sign_release(public_id: str) -> str:
    """A signature of a release's download, as the previous version would have made it a moment ago."""
    signer = TimestampSigner(key=HANDED_OUT["secret_key"], salt=RELEASE_SALT)
    return signer.sign(public_id).removeprefix(f"{public_id}:")
