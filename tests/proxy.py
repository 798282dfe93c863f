"""A TCP proxy in front of a real service, which can take it away, freeze it, or answer that a store is full."""

import contextlib
import socket
import threading
from typing import Literal, Self

Mode = Literal["pass", "away", "silent", "full", "slow"]
SLOW_SECONDS = 0.3  # for each piece that is forwarded
FULL = b"HTTP/1.1 507 Insufficient Storage\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Proxy:
    """Listens on a port of its own and forwards to `target`, as `mode` says.

    "away" refuses connections and cuts those that are open; "silent" accepts and keeps everything back until the mode
    changes, like a stopped process; "full" answers 507 to whatever would write over HTTP; "slow" holds each piece back.
    """

    def __init__(self, target: int) -> None:
        self._target, self._mode = target, "pass"
        self._open = threading.Event()
        self._open.set()
        self._ended = threading.Event()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._serve()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._open.set()
        self._cut()

    def set(self, mode: Mode) -> None:
        before, self._mode = self._mode, mode
        if mode == "away":
            self._cut()
        elif before == "away":
            self._listener = self._listen(self.port)
            self._serve()
        if mode == "silent":
            self._open.clear()
        else:
            self._open.set()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        return listener

    def _serve(self) -> None:
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def _cut(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for pair in list(self._pairs):
            self._end(pair)

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        self._pairs.discard(pair)
        for each in pair:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self, listener: socket.socket) -> None:
        while not self._ended.is_set():
            try:
                client, _address = listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                if listener.fileno() == -1 or self._mode == "away":
                    return
                continue
            pair = (client, server)
            self._pairs.add(pair)
            for source, drain in (pair, (server, client)):
                threading.Thread(target=self._pump, args=[source, drain, pair], daemon=True).start()

    def _pump(self, source: socket.socket, drain: socket.socket, pair: tuple[socket.socket, socket.socket]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self._open.wait()
                if self._mode == "slow":
                    self._ended.wait(SLOW_SECONDS)
                if self._mode == "full" and source is pair[0] and data.startswith((b"PUT ", b"POST ")):
                    source.sendall(FULL)
                    break
                drain.sendall(data)
        self._end(pair)
