"""Checkpoints of a hub: the real client, against a server that speaks the hub's protocol on loopback."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from generation.models import Checkpoint
from tests import processes

COMMIT = "a" * 40
REPOSITORY = "painters/tiny"

pytestmark = pytest.mark.django_db(transaction=True)


def handler_of(folder: Path) -> type[BaseHTTPRequestHandler]:
    """A hub with one repository at one commit, its files those of `folder`."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    about = {"id": REPOSITORY, "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]}
    tree = [{"type": "file", "path": name, "size": (folder / name).stat().st_size, "oid": "0" * 40} for name in files]

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            name = path.removeprefix(f"/{REPOSITORY}/resolve/{COMMIT}/")
            if path == f"/api/models/{REPOSITORY}/revision/{COMMIT}":
                self._send(json.dumps(about).encode(), "application/json")
            elif path.startswith(f"/api/models/{REPOSITORY}/tree/{COMMIT}"):
                self._send(json.dumps(tree).encode(), "application/json")
            elif name in files:
                self._send((folder / name).read_bytes(), "application/octet-stream")
            else:
                self._send(b"{}", "application/json", status=404)

        def _send(self, body: bytes, kind: str, status: int = 200) -> None:
            self.send_response(status)
            headers = {"Content-Type": kind, "Content-Length": str(len(body)), "X-Repo-Commit": COMMIT}
            if status == 404:
                headers["X-Error-Code"] = "RevisionNotFound"
            for header, value in (headers | {"ETag": f'"{hashlib.sha1(body).hexdigest()}"'}).items():  # noqa: S324
                self.send_header(header, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent: pytest shows what matters."""

    return Hub


@pytest.fixture
def hub(tiny_folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(tiny_folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def register(hub: str, home: Path, revision: str) -> tuple[int, str]:
    """`manage.py register_checkpoint` of the hub's repository at `revision`; exit status and output."""
    terms = ["--name", "Tiny of the hub", "--licence", "MIT", "--sizes", "32x32"]
    environ = {"HF_ENDPOINT": hub, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
    done = processes.manage("register_checkpoint", REPOSITORY, "--revision", revision, *terms, **environ)
    return done.returncode, done.stdout + done.stderr


def test_a_hub_id_at_a_pinned_commit_is_downloaded_loaded_and_registered(hub: str, tmp_path: Path) -> None:
    status, output = register(hub, tmp_path, COMMIT)
    assert status == 0, output
    row = Checkpoint.objects.get(slug="tiny-of-the-hub")
    assert (row.source, row.revision, row.pipeline_class) == (REPOSITORY, COMMIT, "StableDiffusionPipeline")
    assert len(row.sha256) == 64


def test_a_commit_that_the_hub_lacks_is_one_sentence_and_no_row(hub: str, tmp_path: Path) -> None:
    status, output = register(hub, tmp_path, "b" * 40)
    assert status != 0
    assert "could not be downloaded" in output
    assert "Traceback" not in output
    assert not Checkpoint.objects.filter(slug="tiny-of-the-hub").exists()
