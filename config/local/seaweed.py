"""The embedded object store: SeaweedFS speaking S3, for tests and for trying S3 storage on one machine."""

import os
import secrets
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path

from config.local.processes import Guarded, LocalServiceError, free_port, guard, until_ready

FIRST_PORT = 28_333
BUCKET = "media"


def _program() -> str:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise LocalServiceError("SeaweedFS is not installed: run `make setup`, or leave S3_BUCKET unset.")
    return found


def _answers(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(endpoint, timeout=2).close()
    except urllib.error.HTTPError:
        return True  # it refuses us by name, so it is there
    except OSError:
        return False
    return True


def _has_bucket(endpoint: str, key: str, secret: str) -> bool:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1"
    )
    try:
        client.head_bucket(Bucket=BUCKET)
    except (BotoCoreError, ClientError):
        return False
    return True


def start(var: Path) -> tuple[Guarded, dict[str, str]]:
    """Starts SeaweedFS on ``var/seaweed`` and returns it with the ``S3_…`` variables that reach it.

    Raises:
        LocalServiceError: with one sentence, when it cannot be started.
    """
    folder = var / "seaweed"
    folder.mkdir(parents=True, exist_ok=True)
    # Each port's gRPC twin lies 10,000 above it, so all of them stay below 55,535.
    first = free_port(FIRST_PORT + os.getpid() % 1500)
    master = free_port(first + 2000)
    filer = free_port(master + 2000)
    volume = free_port(filer + 2000)
    key, secret = secrets.token_hex(10), secrets.token_urlsafe(30)
    command = [_program(), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.port={first}"]
    command += [f"-master.port={master}", f"-filer.port={filer}", f"-volume.port={volume}", "-admin.ui=false"]
    command += ["-s3.port.iceberg=0", "-webdav=false", f"-bucket={BUCKET}"]
    environ = {**os.environ, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
    service = guard("SeaweedFS", command, log=var / "log" / "seaweed.log", environ=environ, cwd=folder)
    endpoint = f"http://127.0.0.1:{first}"
    until_ready(service, lambda: _answers(endpoint) and _has_bucket(endpoint, key, secret))
    return service, {
        "S3_BUCKET": BUCKET,
        "S3_ENDPOINT_URL": endpoint,
        "S3_ACCESS_KEY_ID": key,
        "S3_SECRET_ACCESS_KEY": secret,
    }
