"""One process of an alignment without a database: ``python -m tests.ratings.alignment.process FILE``.

FILE is JSON: `checkpoint` and `family`, the folders `release`, `out` and `work`, `settings`, and maybe `resume`, and
`kill_after`, a step after which the process kills itself as the system would. The main process writes the losses of the
steps to ``losses.json`` in `work`; each writes the rows that it trained on to ``rows-{rank}.json`` there.
"""

import json
import logging
import os
import re
import signal
import sys
from pathlib import Path


class Rows(logging.Handler):
    """Collects the rows of each step from the trainer's log."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[list[int]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if match := re.search(r"takes rows (\[.*\])", record.getMessage()):
            self.found.append(json.loads(match[1]))


def main(path: Path) -> None:
    import django

    django.setup()
    from generation.models import Checkpoint
    from ratings.alignment import runner
    from ratings.alignment.settings import Settings

    given = json.loads(path.read_text("utf-8"))
    rows, losses, work = Rows(), dict[int, float](), Path(given["work"])
    logger = logging.getLogger("ratings.alignment.training")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(rows)

    def on_step(step: int, loss: float) -> None:
        losses[step] = loss
        if step == given.get("kill_after"):
            os.kill(os.getpid(), signal.SIGKILL)

    run = runner.Run(
        base=Checkpoint(slug="tiny", source=given["checkpoint"], family=given["family"], sha256="0" * 64),
        release=Path(given["release"]),
        folder=Path(given["out"]),
        work=work,
        settings=Settings(**given["settings"]),
        is_resumed=given.get("resume", False),
        keeps_encoded=True,
    )
    done = runner.align(run, on_step=on_step, on_evaluation=lambda _step, _found: None)
    if done:
        (work / "losses.json").write_text(json.dumps(losses), "utf-8")
    (work / f"rows-{os.environ.get('RANK', '0')}.json").write_text(json.dumps(rows.found), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
