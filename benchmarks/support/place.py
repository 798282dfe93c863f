"""Services of a benchmark's own, in a folder that goes with it or one that is kept, so that a load is used again.

PostgreSQL gets what a small server of its own would give it (2 GB of shared buffers); both sides of a ratio have it.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.local import postgres, services

ROOT = Path(__file__).resolve().parents[2]
SHARED_BUFFERS = "2GB"


@contextmanager
def place(keep: str, **variables: str) -> Iterator[Path]:
    """Starts the services in `keep`, or in a folder that is removed at the end, and Django with `variables`."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    postgres.SETTINGS["shared_buffers"] = SHARED_BUFFERS
    with tempfile.TemporaryDirectory(prefix="salon-bench-", ignore_cleanup_errors=True) as fresh:
        folder = Path(keep or fresh)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
        with services(folder, durable=False) as addresses:
            os.environ.update({**addresses, "VAR_DIR": str(folder), "DATABASE_POOL_SIZE": "4", **variables})
            import django

            django.setup()
            subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, check=True)
            yield folder
