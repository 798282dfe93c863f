"""Salon's own processes, run by tests as the supervisor runs them: on the test's database, broker and files."""

import contextlib
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from config.local.processes import Guarded, guard, listen_on, until_ready
from tests.services import ROOT


def environ(**more: str) -> dict[str, str]:
    """The environment that makes a subprocess see what the running test sees."""
    data = connection.settings_dict
    login = f"{quote(data['USER'])}:{quote(data['PASSWORD'])}"
    url = f"postgresql://{login}@{data['HOST']}:{data['PORT']}/{data['NAME']}"
    own = {"DATABASE_URL": url, "REDIS_URL": settings.REDIS_URL, "CHECKPOINTS_DIR": str(settings.CHECKPOINTS_DIR)}
    own |= {name: getattr(settings, name) for name in ("SECRET_KEY", "RELEASE_SECRET")}  # sessions, pseudonyms
    return {**os.environ, **own, "DJANGO_SETTINGS_MODULE": "tests.settings", **more}


def manage(*arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Runs ``manage.py`` to its end."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, env=environ(**more), cwd=ROOT, capture_output=True, text=True, check=False)


@contextlib.contextmanager
def running(service: Guarded) -> Iterator[Guarded]:
    try:
        yield service
    finally:
        service.stop()


@contextlib.contextmanager
def worker(name: str, queues: str, folder: Path, *options: str, **more: str) -> Iterator[Guarded]:
    """A Celery worker with one pool process; yields when it takes tasks."""
    from config.celery import app

    node = f"{name}@{os.getpid()}"
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-n", node, "-Q", queues]
    command += ["-P", "prefork", "-c", "1", "--without-gossip", "--without-mingle", *options]
    service = guard(f"The worker {name}", command, log=folder / f"{name}.log", environ=environ(**more), cwd=ROOT)
    with running(service):
        until_ready(service, lambda: bool(app.control.ping(destination=[node], timeout=0.5)))
        yield service


@contextlib.contextmanager
def beat(folder: Path, port: int, **more: str) -> Iterator[Guarded]:
    """Beat; yields when it serves the site's numbers on `port`."""
    command = [sys.executable, "-m", "celery", "-A", "config", "beat", "--pidfile=", "-s", str(folder / "schedule")]
    variables = environ(METRICS_PORT=str(port), VAR_DIR=str(folder), **more)
    service = guard("beat", command, log=folder / "beat.log", environ=variables, cwd=ROOT)
    with running(service):
        until_ready(service, lambda: _answers(f"http://127.0.0.1:{port}", "/metrics"), 180)
        yield service


def _answers(url: str, path: str = "/healthz") -> bool:
    try:
        urllib.request.urlopen(f"{url}{path}", timeout=20).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@contextlib.contextmanager
def web(folder: Path, **more: str) -> Iterator[str]:
    """The web server; yields its address."""
    with listen_on(18_000 + os.getpid() % 1500) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        own = {"SITE_URL": url, "SALON_TEST_SITE": "1", "DATABASE_POOL_SIZE": "8", **more}
        command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--fd", str(listener.fileno())]
        command += ["--log-level", "warning", "--no-proxy-headers", "--timeout-graceful-shutdown", "3"]
        service = guard(
            "The web server",
            command,
            log=folder / "web.log",
            environ=environ(**own),
            cwd=ROOT,
            keep=[listener.fileno()],
        )
    with running(service):
        until_ready(service, lambda: _answers(url))
        yield url
