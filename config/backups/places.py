"""Where backups lie: a folder, or a bucket named as ``s3://bucket/prefix``. Everything is streamed."""

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

from django.core.management import CommandError


class Place(Protocol):
    """Files in folders of one level: ``name`` is ``backup/file``."""

    def write(self, name: str) -> contextlib.AbstractContextManager[IO[bytes]]: ...
    def read(self, name: str) -> contextlib.AbstractContextManager[IO[bytes]]: ...
    def names(self) -> list[str]: ...
    def remove(self, backup: str) -> None: ...


def place_of(address: str) -> Place:
    """Raises CommandError for an address of another kind."""
    url = urlsplit(address)
    if url.scheme == "s3" and url.netloc:
        return Bucket(url.netloc, url.path.strip("/"))
    if url.scheme:
        raise CommandError(f"{address} is neither a folder nor s3://bucket/prefix.")
    return Folder(Path(address).expanduser().resolve())


class Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    @contextlib.contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """Only the owner may read it; whole or not there."""
        file = self._root / name
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = file.with_name(f".{file.name}")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)

    @contextlib.contextmanager
    def read(self, name: str) -> Iterator[IO[bytes]]:
        with (self._root / name).open("rb") as stream:
            yield stream

    def names(self) -> list[str]:
        return [f"{file.parent.name}/{file.name}" for file in self._root.glob("*/*")]

    def remove(self, backup: str) -> None:
        shutil.rmtree(self._root / backup)


class Bucket:
    """By the site's own S3_… variables."""

    def __init__(self, bucket: str, prefix: str) -> None:
        import boto3

        options: dict[str, Any] = {
            name: os.environ.get(f"S3_{variable}") or None
            for name, variable in {
                "aws_access_key_id": "ACCESS_KEY_ID",
                "aws_secret_access_key": "SECRET_ACCESS_KEY",
                "endpoint_url": "ENDPOINT_URL",
                "region_name": "REGION",
            }.items()
        }
        options["region_name"] = options["region_name"] or "us-east-1"
        self._bucket = boto3.resource("s3", **options).Bucket(bucket)
        self._prefix = f"{prefix}/" if prefix else ""

    @contextlib.contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """Uploads in parts, from a thread that reads what is written here."""
        reader, writer = os.pipe()
        failures: list[BaseException] = []

        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        def upload() -> None:
            with os.fdopen(reader, "rb") as source:
                try:
                    self._bucket.upload_fileobj(source, self._prefix + name)
                except (OSError, Boto3Error, BotoCoreError, ClientError) as error:
                    failures.append(error)

        thread = threading.Thread(target=upload, name="upload")
        thread.start()
        try:
            with contextlib.suppress(BrokenPipeError), os.fdopen(writer, "wb") as stream:
                yield stream
        finally:
            thread.join()
        if failures:
            raise CommandError(f"{name} could not be uploaded: {failures[0]}")

    @contextlib.contextmanager
    def read(self, name: str) -> Iterator[IO[bytes]]:
        body = self._bucket.Object(self._prefix + name).get()["Body"]
        with contextlib.closing(body):
            yield body

    def names(self) -> list[str]:
        return [summary.key.removeprefix(self._prefix) for summary in self._bucket.objects.filter(Prefix=self._prefix)]

    def remove(self, backup: str) -> None:
        self._bucket.objects.filter(Prefix=f"{self._prefix}{backup}/").delete()
