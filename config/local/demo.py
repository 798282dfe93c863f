"""``make demo``: the whole site on this machine, with a small community in it, until Ctrl-C.

The first run migrates the database and lets the starter checkpoint draw; the second continues in seconds.
``--remove`` takes the demo's data away again.
"""

import argparse
import shutil
import sys
import time
from pathlib import Path

from config import environment
from config.local import LocalServiceError, remove_services, services
from config.local.demo_accounts import FILE as ACCOUNTS_FILE
from config.local.demo_accounts import read_accounts
from config.local.processes import listen_on
from config.local.supervisor import FIRST_PORT, ROOT, Stopped, Supervisor, answers, programs, site_environ
from config.prepare import REGISTERED

COMMUNITY = ["simulate_community", "--members", "12", "--days", "3", "--seed", "1", "--demo"]
DONE = ".community"
# What a demo writes. The checkpoint and the secrets take long to make, or are worth keeping.
DATA = ["media", "releases", "mail", "log", "beat-schedule", ACCOUNTS_FILE, DONE, REGISTERED]


def _say(words: str) -> None:
    print(words, flush=True)


def _await_web(supervisor: Supervisor, port: int) -> None:
    _say("Starting the web server and the workers ...")
    while not answers(f"http://127.0.0.1:{port}/healthz"):
        supervisor.look_after()
        supervisor.pause(0.2)


def _load_community(supervisor: Supervisor, var: Path) -> None:
    """Once: the workers are up, so its pictures are drawn by them as anybody's are."""
    if (var / DONE).exists():
        return
    _say("Loading a small community; the starter checkpoint draws its pictures (minutes, the first time) ...")
    supervisor.run_once("manage.py", *COMMUNITY)
    (var / DONE).write_text("")


def _introduce(port: int, var: Path, seconds: float) -> None:
    accounts = ", ".join(f"{name} / {password}" for name, password in read_accounts(var).items())
    _say(f"\nReady after {seconds:.0f} s. Logs: {var / 'log'}. Ctrl-C stops everything; `make demo` continues.")
    _say(f"Salon: http://127.0.0.1:{port}/   Sign in as: {accounts}")


def run(var: Path, *, is_once: bool = False) -> None:
    """Runs the demo until somebody asks it to stop; `is_once`: until it is ready.

    Raises:
        LocalServiceError: a part could not be started, with one sentence about it.
        Stopped: somebody asked before it was ready.
    """
    started = time.monotonic()
    _say("Starting PostgreSQL and Valkey ...")
    with services(var) as embedded, listen_on(FIRST_PORT) as listener:
        port = listener.getsockname()[1]
        environ = site_environ(embedded, port, DEMO="yes", SITE_URL=f"http://127.0.0.1:{port}")
        supervisor = Supervisor(environ, var / "log")
        supervisor.listen()
        try:
            supervisor.run_once("-m", "config.prepare")
            for program in programs(listener, environment.string("GPU_POOL", "default"), var):
                supervisor.add(program)
            _await_web(supervisor, port)
            _load_community(supervisor, var)
            _introduce(port, var, time.monotonic() - started)
            if not is_once:
                supervisor.watch(embedded)
        finally:
            _say("Stopping ...")
            supervisor.stop()


def remove(var: Path) -> None:
    """Removes the demo's data; refuses while it runs."""
    remove_services(var)
    for name in DATA:
        for path in var.glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs Salon on this machine with a small community in it.")
    parser.add_argument("--remove", action="store_true", help="remove the demo's data instead")
    parser.add_argument("--once", action="store_true", help="stop as soon as it is ready")
    arguments = parser.parse_args()
    var = environment.path("VAR_DIR", ROOT / "var")
    try:
        remove(var) if arguments.remove else run(var, is_once=arguments.once)
    except Stopped:
        return 0
    except LocalServiceError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
