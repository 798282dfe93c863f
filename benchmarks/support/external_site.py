"""Several machines on one: PostgreSQL behind pgbouncer, Valkey, SeaweedFS, two webs behind nginx, workers.

Between each part and the site stands a proxy, which can keep answers back or slow them down; the parts
themselves can be killed.
"""

import os
import shutil
import signal
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from benchmarks.support.chaos import Service
from benchmarks.support.place import ROOT
from config.local import postgres, seaweed, valkey
from config.local.processes import Guarded, free_port, guard, service_account, until_ready
from tests.proxy import Proxy

PGBOUNCER = """
[databases]
salon = host=127.0.0.1 port={database} dbname=salon user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 200
query_wait_timeout = 10
server_connect_timeout = 5
ignore_startup_parameters = extra_float_digits,options
"""
NGINX = """
{user}
daemon off; pid {folder}/nginx.pid; error_log {folder}/log/nginx-error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/nginx; proxy_temp_path {folder}/nginx; fastcgi_temp_path {folder}/nginx;
  uwsgi_temp_path {folder}/nginx; scgi_temp_path {folder}/nginx;
  upstream web {{ {servers} }}
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 12m;
    location / {{
      proxy_pass http://web;
      proxy_connect_timeout 2s; proxy_read_timeout 30s;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
}}
"""
PROGRAMS = ("pgbouncer", "nginx")


def missing_programs() -> list[str]:
    """Debian packages that are not installed."""
    return [name for name in PROGRAMS if not _program(name)]


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(f"/usr/sbin/{name}")


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/healthz", timeout=5).close()
    except OSError:
        return False
    return True


def _is_celery_ready(log: Path) -> bool:
    return log.exists() and " ready." in log.read_text(errors="replace")


class ExternalSite:
    """Starts the services at once, the site's own processes by `start_processes` when the database is migrated."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "nginx").mkdir()
        database, self.direct = postgres.start(folder)
        self.services = {"postgresql": Service(database, lambda: postgres._answers(self.direct))}
        broker, redis_url = valkey.start(folder)
        self.services["valkey"] = Service(broker, lambda: valkey._answers(redis_url))
        store, variables = seaweed.start(folder)
        self.services["store"] = Service(store, lambda: seaweed._answers(variables["S3_ENDPOINT_URL"]))
        self.proxies = {
            "postgresql": Proxy(urlsplit(self.direct).port or 0),
            "valkey": Proxy(urlsplit(redis_url).port or 0),
            "store": Proxy(urlsplit(variables["S3_ENDPOINT_URL"]).port or 0),
        }
        self.services["pgbouncer"] = self._pgbouncer()
        self.through = urlunsplit(urlsplit(self.direct)._replace(netloc=f"salon@127.0.0.1:{self.pool_port}"))
        os.environ.update(variables)
        os.environ["S3_ENDPOINT_URL"] = f"http://127.0.0.1:{self.proxies['store'].port}"
        os.environ["REDIS_URL"] = _moved(redis_url, self.proxies["valkey"].port)

    def _pgbouncer(self) -> Service:
        url, user = urlsplit(self.direct), service_account()
        self.pool_port = free_port(46_400 + os.getpid() % 1500)
        config = self.folder / "pgbouncer.ini"
        config.write_text(
            PGBOUNCER.format(database=self.proxies["postgresql"].port, user=url.username, password=url.password,
                             port=self.pool_port)
        )  # fmt: skip
        log = self.folder / "log" / "pgbouncer.log"
        program = _program("pgbouncer")
        assert program is not None
        guarded = guard("pgbouncer", [program, str(config)], log=log, user=user, cwd=Path("/"))
        address = _moved(self.direct, self.pool_port)
        service = Service(guarded, lambda: postgres._answers(address))
        until_ready(guarded, lambda: postgres._answers(address))
        return service

    def start_processes(self) -> str:
        """Two webs behind nginx, a GPU worker, a default worker and beat; returns nginx's address."""
        ports = [free_port(18_900 + os.getpid() % 700)]
        ports.append(free_port(ports[0] + 1))
        port = free_port(ports[1] + 1)
        address = f"http://127.0.0.1:{port}"
        os.environ.update({"SITE_URL": address, "NUM_PROXIES": "1", "DATABASE_URL": self.through})
        for number, own in enumerate(ports, 1):
            command = ["uvicorn", "config.asgi:application", "--port", str(own), "--log-level", "warning"]
            command += ["--no-proxy-headers", "--timeout-graceful-shutdown", "5"]
            self._start(f"web-{number}", command, partial(_answers, f"http://127.0.0.1:{own}"))
        worker = ["celery", "-A", "config", "worker", "-l", "INFO", "-P", "prefork", "-c", "1", "--without-gossip"]
        for name, queues in (("gpu-worker", "gpu.default"), ("worker", "default,media,moderation,preview")):
            command = [*worker, "--without-mingle", "-n", f"{name}@chaos", "-Q", queues]
            self._start(name, command, partial(_is_celery_ready, self.folder / "log" / f"{name}.log"))
        beat = ["celery", "-A", "config", "beat", "-s", str(self.folder / "beat"), "--pidfile="]
        self._start("beat", beat, lambda: True)
        for name, service in self.services.items():
            until_ready(service.guarded, service._is_ready, seconds=600) if name != "pgbouncer" else None
        self._nginx(port, ports)
        return address

    def _start(self, name: str, command: list[str], is_ready: object) -> None:
        log = self.folder / "log" / f"{name}.log"
        guarded = guard(name, [sys.executable, "-m", *command], log=log, cwd=ROOT, environ=dict(os.environ))
        self.services[name] = Service(guarded, is_ready)  # type: ignore[arg-type]

    def _nginx(self, port: int, webs: list[int]) -> None:
        servers = " ".join(f"server 127.0.0.1:{web} max_fails=1 fail_timeout=5s;" for web in webs)
        user = "user root;" if os.geteuid() == 0 else ""
        config = self.folder / "nginx.conf"
        config.write_text(NGINX.format(user=user, folder=self.folder, servers=servers, port=port))
        program = _program("nginx")
        assert program is not None
        guarded = guard("nginx", [program, "-c", str(config)], log=self.folder / "log" / "nginx.log", cwd=ROOT)
        self.services["nginx"] = Service(guarded, partial(_answers, f"http://127.0.0.1:{port}"))
        until_ready(guarded, self.services["nginx"]._is_ready)

    def freeze(self, name: str) -> None:
        """Stops every process of a part without ending it."""
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: int) -> None:
        process = self.services[name].process
        for each in [process, *process.children(recursive=True)]:
            each.send_signal(number)

    def look_after(self) -> None:
        """Starts what ended by itself again, as a supervisor does."""
        for name in ("web-1", "web-2", "gpu-worker", "worker", "beat"):
            self.services[name].start_if_ended()

    def stop(self) -> None:
        for proxy in self.proxies.values():
            proxy.set("pass")
        last = ("pgbouncer", "store", "valkey", "postgresql")
        first = [service for name, service in self.services.items() if name not in last]
        guarded: list[Guarded] = [each.guarded for each in [*first, *(self.services[name] for name in last)]]
        for each in guarded:
            each.ask_to_stop()
        for each in guarded:
            each.stop()
        for proxy in self.proxies.values():
            proxy.__exit__()


def _moved(url: str, port: int) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}"))


@contextmanager
def external_site(folder: Path) -> Iterator[ExternalSite]:
    site = ExternalSite(folder)
    try:
        yield site
    finally:
        site.stop()
