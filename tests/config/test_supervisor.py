"""The supervisor: what ends is started again, what does not stay up is reported, nothing is left behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from config.local import LocalServiceError
from config.local.processes import listen_on
from config.local.supervisor import MOST_FAILURES, Program, Supervisor, answers
from tests.services import ROOT

SERVER = ["http.server", "--bind", "127.0.0.1", "0"]
OWNER = f"""
import os, sys, time
from pathlib import Path
from config.local.supervisor import Program, Supervisor
supervisor = Supervisor(dict(os.environ), Path(sys.argv[1]))
supervisor.add(Program("server", {SERVER!r}))
print("up", flush=True)
time.sleep(300)
"""


def _eventually(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def _servers(of: psutil.Process | None = None) -> list[psutil.Process]:
    return [process for process in (of or psutil.Process()).children(recursive=True) if _is_server(process)]


def _is_server(process: psutil.Process) -> bool:
    """Not its guard, whose command line ends with the same words; a zombie has none."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return "http.server" in words and "--" not in words


def test_a_program_killed_by_sigkill_is_started_again_and_stop_ends_it(tmp_path: Path) -> None:
    supervisor = Supervisor(dict(os.environ), tmp_path)
    supervisor.add(Program("server", SERVER))
    try:
        _eventually(lambda: bool(_servers()))
        (first,) = _servers()
        first.kill()

        def replaced() -> bool:
            supervisor.look_after()
            return any(process.pid != first.pid for process in _servers())

        _eventually(replaced)
    finally:
        supervisor.stop()
    assert _servers() == []


HTTP = """
import http.server, socket, sys
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler, bind_and_activate=False)
server.socket = socket.socket(fileno=int(sys.argv[1]))
server.serve_forever()
"""


def test_the_port_of_the_site_is_taken_before_anything_is_started_and_stays_taken(tmp_path: Path) -> None:
    """Minutes pass between choosing a port and serving on it: nobody may come in between, nor answer in our place."""
    with listen_on(21_500) as listener:
        port = listener.getsockname()[1]
        with listen_on(port) as other:
            assert other.getsockname()[1] > port
        with socket.socket() as rival:
            rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError):
                rival.bind(("127.0.0.1", port))
        assert not answers(f"http://127.0.0.1:{port}/")  # it listens, but nobody serves yet
        (tmp_path / "served.py").write_text(HTTP)
        environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
        supervisor = Supervisor(environ, tmp_path)
        supervisor.add(Program("web", ["served", str(listener.fileno())], keep=[listener.fileno()]))
        try:
            _eventually(lambda: answers(f"http://127.0.0.1:{port}/"))
        finally:
            supervisor.stop()


def test_a_program_that_never_stays_up_is_reported_with_its_last_words(tmp_path: Path) -> None:
    supervisor = Supervisor(dict(os.environ), tmp_path)
    supervisor.add(Program("nonsense", ["no_such_module_anywhere"]))
    (post,) = supervisor._posts
    post.failures = MOST_FAILURES - 1  # the waits between the earlier ones are not what is tested
    post.running.process.wait(timeout=20)
    with pytest.raises(LocalServiceError, match=r"nonsense does not stay up: .*no_such_module_anywhere"):
        supervisor.look_after()


def test_a_supervisor_killed_by_sigkill_leaves_no_program_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        _eventually(lambda: bool(_servers(psutil.Process(owner.pid))))
        family = psutil.Process(owner.pid).children(recursive=True)
        owner.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
