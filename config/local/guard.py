"""Runs one command that cannot outlive whoever started it.

    python -m config.local.guard --signal INT --grace 10 --user nobody -- postgres -D …

The owner holds the other end of our standard input. When that closes (the owner stopped, or was killed
by a signal that leaves it no time to clean up), or when we are asked to stop, the command gets its stop
signal, then after ``--grace`` seconds SIGKILL, and so does every process that it started. A process
group of its own keeps a terminal's Ctrl-C from reaching the command before its owner decides.

Only the standard library and psutil: this must start in milliseconds, many times over.
"""

import argparse
import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time

import psutil

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signal", default="TERM", help="the command's own polite stop signal")
    parser.add_argument("--grace", type=float, default=10, help="seconds between the stop signal and SIGKILL")
    parser.add_argument("--user", help="an account to run the command as (only root can)")
    parser.add_argument("--keep", type=int, action="append", default=[], help="a file descriptor for the command")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def _start(arguments: argparse.Namespace, stop: signal.Signals) -> "subprocess.Popen[bytes]":
    account: dict[str, object] = {}
    if arguments.user:
        account = {"user": arguments.user, "group": _primary_group(arguments.user), "extra_groups": []}
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        arguments.command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=arguments.keep,
        # If this guard itself is killed the kernel passes the stop signal on; we run no threads.
        preexec_fn=lambda: _prctl(_PR_SET_PDEATHSIG, stop),
        **account,
    )


def _primary_group(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


def _wait(child: "subprocess.Popen[bytes]") -> None:
    """Returns when the command has ended, the owner is gone, or a signal asks us to stop."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    asked = []
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: asked.append(True))
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        selector.register(0, selectors.EVENT_READ)
        while child.poll() is None and not asked:
            for key, _ in selector.select(timeout=5):
                if not os.read(key.fd, 512) and key.fd == 0:
                    return


def _end(child: "subprocess.Popen[bytes]", stop: signal.Signals, grace: float) -> None:
    """Politely, then not; the descendants too, wherever they moved to."""
    family = psutil.Process().children(recursive=True)
    if child.poll() is None:
        child.send_signal(stop)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=grace)
    deadline = time.monotonic() + 2
    family = list({*family, *psutil.Process().children(recursive=True)})
    while family and time.monotonic() < deadline and child.poll() is not None:
        _, family = psutil.wait_procs(family, timeout=0.1)
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=5)


def main() -> int:
    arguments = _arguments()
    stop = signal.Signals[f"SIG{arguments.signal}"]
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    child = _start(arguments, stop)
    _wait(child)
    _end(child, stop, arguments.grace)
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
