"""The real parts under every test run: PostgreSQL and Valkey once per run, SeaweedFS when a test asks for it.

The run's first process (alone, or xdist's controller) starts them in a folder of its own; xdist's workers
inherit the variables. Each worker has its own database (pytest-django's suffix) and Valkey database.
"""

import atexit
import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from config.local import LocalServiceError, seaweed, services

ROOT = Path(__file__).resolve().parent.parent
STARTED = "SALON_TEST_SERVICES"
# What a developer's shell may hold and a test must not see.
FOREIGN = (
    "ALLOWED_HOSTS", "BEHIND_PROXY", "CSRF_TRUSTED_ORIGINS", "DATABASE_POOL_SIZE", "DEBUG", "DEMO", "EMAIL_URL",
    "GPU_DEVICE", "GPU_HOUR_PRICE", "GPU_POOL", "NUM_PROXIES", "OTEL_EXPORTER_OTLP_ENDPOINT", "S3_ACCESS_KEY_ID",
    "S3_BUCKET", "S3_ENDPOINT_URL", "S3_REGION",
    "S3_SECRET_ACCESS_KEY", "SAFE_MODE", "SENTRY_DSN", "SITE_TIME_ZONE", "SITE_URL",
)  # fmt: skip
_running = contextlib.ExitStack()


def start() -> None:
    """Makes the environment of a test process; call before ``config.settings`` is imported."""
    if not os.environ.get(STARTED):
        _start_once()
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw-1").removeprefix("gw")
    parts = urlsplit(os.environ["REDIS_URL"])
    os.environ["REDIS_URL"] = urlunsplit(parts._replace(path=f"/{2 * (int(number) + 1)}"))


def _start_once() -> None:
    for name in (*FOREIGN, "DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    var = Path(tempfile.mkdtemp(prefix="salon-tests-"))
    var.chmod(0o711)  # root's services run as an account that must be able to walk in
    _running.callback(shutil.rmtree, var, ignore_errors=True)
    try:
        running = _running.enter_context(services(var, durable=False))
    except LocalServiceError as error:
        raise SystemExit(f"The tests need PostgreSQL and Valkey. {error}") from None
    os.environ.setdefault("CHECKPOINTS_DIR", str(ROOT / "var" / "checkpoints"))
    os.environ.update({STARTED: str(var), "VAR_DIR": str(var), **running})


def object_store(folder: Path) -> tuple[dict[str, str], contextlib.ExitStack]:
    """A fresh SeaweedFS on ``folder``: its ``S3_…`` variables, and the stack that stops it."""
    stack = contextlib.ExitStack()
    service, variables = seaweed.start(folder)
    stack.callback(service.stop)
    return variables, stack


def stop() -> None:
    """Stops what this process started; a process that started nothing stops nothing."""
    _running.close()


atexit.register(stop)
