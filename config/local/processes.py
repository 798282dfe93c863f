"""What the embedded services have in common: guarded processes, ports, accounts and folders."""

import hashlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60.0  # a cold disk and one busy core
ELSEWHERE = Path("/var/lib/salon")


class LocalServiceError(RuntimeError):
    """An embedded service could not be started; the message is one sentence for people."""


@dataclass
class Guarded:
    """A running command that stops when we stop (see config/local/guard.py)."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def is_running(self) -> bool:
        return self.process.poll() is None

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return lines[-1] if lines else "it printed nothing"

    def ask_to_stop(self) -> None:
        """Returns at once; the guard stops the command."""
        if self.process.stdin:
            self.process.stdin.close()

    def stop(self, timeout: float = 30) -> None:
        """Asks the guard to stop the command and waits for both."""
        self.ask_to_stop()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def guard(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    stop: str = "TERM",
    grace: float = 10,
    user: str | None = None,
    environ: dict[str, str] | None = None,
    cwd: Path | None = None,
    output: int | None = None,
    keep: Sequence[int] = (),
) -> Guarded:
    """Starts ``command`` under guard.py; its output is appended to ``log`` unless ``output`` is a descriptor.

    Args:
        keep: file descriptors that the command has as well, under the same numbers.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).resolve().parent / "guard.py"
    arguments = [sys.executable, str(script), "--signal", stop, "--grace", str(grace)]
    arguments += ["--user", user] if user else []
    arguments += [part for number in keep for part in ("--keep", str(number))]
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [*arguments, "--", *command],
            stdin=subprocess.PIPE,
            stdout=stream if output is None else output,
            stderr=subprocess.STDOUT,
            env=environ,
            cwd=cwd,
            start_new_session=True,
            pass_fds=keep,
        )
    return Guarded(name, process, log)


def until_ready(service: Guarded, is_ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    """Waits for ``is_ready()``.

    Raises:
        LocalServiceError: the process ended, or was not ready in time.
    """
    deadline = time.monotonic() + seconds
    while not is_ready():
        if not service.is_running():
            raise LocalServiceError(f"{service.name} did not start: {service.last_words()} (more in {service.log})")
        if time.monotonic() > deadline:
            service.stop()
            raise LocalServiceError(f"{service.name} was not ready after {seconds:.0f} seconds (see {service.log})")
        time.sleep(0.05)


def free_port(preferred: int) -> int:
    """The first free loopback port from ``preferred`` upwards: taken ones are stepped over, not fought over."""
    for port in range(preferred, min(preferred + 2000, 65_536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise LocalServiceError(f"No free port on 127.0.0.1 from {preferred} upwards.")


def listen_on(preferred: int) -> socket.socket:
    """Listens on the first free loopback port from ``preferred`` upwards.

    The port is ours from now on: a server that is given the socket, minutes later, finds nobody else there, and whoever
    answers on it is that server.
    """
    for port in range(preferred, min(preferred + 2000, 65_536)):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(2048)
        except OSError:
            listener.close()
            continue
        return listener
    raise LocalServiceError(f"No free port on 127.0.0.1 from {preferred} upwards.")


def service_account() -> str | None:
    """Whom root runs the services as (PostgreSQL refuses root); None for anyone else, who runs them as themselves."""
    if os.geteuid() != 0:
        return None
    for name in ("salon", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise LocalServiceError(
        "PostgreSQL does not run as root, and there is no account `salon` or `nobody` to run it as. "
        "Make one, or run this command as an ordinary user."
    )


def _is_reachable(folder: Path) -> bool:
    """Whether an account without rights of its own can walk to ``folder``."""
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents) if parent.exists())


def outside(var: Path) -> Path:
    """Where root keeps the data of a ``var`` that the services' account cannot reach."""
    return ELSEWHERE / hashlib.sha256(str(var.resolve()).encode()).hexdigest()[:16]


def private_folder(folder: Path, user: str | None) -> Path:
    """``folder``, made for ``user`` alone.

    An unprivileged account cannot reach a folder below, say, /root, and opening somebody's home for it
    would be wrong: then a folder named after it in /var/lib/salon takes its place.
    """
    if user and not _is_reachable(folder.parent):
        folder = outside(folder.parent) / folder.name
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if user:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def reachable_programs(*trees: Path, user: str | None) -> list[Path]:
    """``trees`` (siblings) where ``user`` can execute them: in place, or copied to /var/lib/salon once per version."""
    if not user or all(_is_reachable(tree) for tree in trees):
        return list(trees)
    stamp = "|".join(f"{tree}:{tree.stat().st_mtime_ns}" for tree in trees)
    target = ELSEWHERE / "programs" / hashlib.sha256(stamp.encode()).hexdigest()[:16]
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        for tree in trees:
            shutil.copytree(tree, partial / tree.name, symlinks=True)
        try:
            partial.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(partial)
    return [target / tree.name for tree in trees]


def write_private(file: Path, text: str, user: str | None = None) -> None:
    """Replaces ``file`` in one step; only its owner may read it."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    if user:
        account = pwd.getpwnam(user)
        os.chown(partial, account.pw_uid, account.pw_gid)
    partial.replace(file)
