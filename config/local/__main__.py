"""``python -m config.local``: the embedded services in the foreground, until Ctrl-C."""

import signal
import sys
import threading
from pathlib import Path

from config import environment
from config.local import LocalServiceError, services


def main() -> int:
    var = environment.path("VAR_DIR", Path(__file__).resolve().parents[2] / "var")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    try:
        with services(var) as running:
            print(f"PostgreSQL and Valkey are running from {var}; Ctrl-C stops them.", flush=True)
            while not ended.wait(1):
                if part := running.stopped():
                    raise LocalServiceError(f"{part.name} stopped by itself: {part.last_words()} (see {part.log})")
    except LocalServiceError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
