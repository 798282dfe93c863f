"""The supervisor: what ends is started again, what does not stay up is reported, nothing is left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from config.local import LocalServiceError
from config.local.supervisor import MOST_FAILURES, Program, Supervisor
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
