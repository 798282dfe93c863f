"""Clients that common generators make from the API's document: they build, import, and do a program's work."""

import importlib
import json
import os
import pkgutil
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from accounts.models import User
from accounts.tokens.services import issue_token
from feed.models import Like, Post
from generation.models import Checkpoint
from tests.feed.conftest import Publish
from tests.services import ROOT

TYPESCRIPT = ROOT / "tests" / "contracts" / "typescript"
WAIT = 120  # seconds that a picture may take on a busy machine


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    file = tmp_path_factory.mktemp("document") / "schema.json"
    file.write_text(json.dumps(made, default=str))
    return file


@pytest.fixture(scope="module")
def client_package(document: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The package that openapi-python-client makes, as `make python-client` has it do."""
    folder = tmp_path_factory.mktemp("client")
    settings = ROOT / "clients" / "python" / "generator.yml"
    command = [str(Path(sys.executable).with_name("openapi-python-client")), "generate", "--path", str(document)]
    command += ["--output-path", str(folder / "salon_client"), "--meta", "none", "--config", str(settings)]
    done = subprocess.run([*command, "--fail-on-warning"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module("salon_client")
    sys.path.remove(str(folder))


def test_every_module_of_the_python_client_can_be_imported(client_package: ModuleType) -> None:
    names = [module.name for module in pkgutil.walk_packages(client_package.__path__, "salon_client.")]
    assert len(names) > 200
    for name in names:
        importlib.import_module(name)


def _call(client: Any, name: str, *arguments: str, **fields: Any) -> Any:
    """Calls one operation, as ``posts.posts_list``; raises for what the document does not name."""
    module = importlib.import_module(f"salon_client.api.{name}")
    return module.sync(*arguments, client=client, **fields)


def _until(true: Callable[[], bool]) -> None:
    waited = threading.Event()
    for _ in range(WAIT * 4):
        if true():
            return
        waited.wait(0.25)
    raise AssertionError("the picture was not ready in time")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_python_client_lists_generates_publishes_and_likes(
    client_package: ModuleType, live_site: str, gpu_worker: Any, default_worker: Any, tiny_checkpoint: Checkpoint,
    alice: User, bob: User, publish: Publish,
) -> None:  # fmt: skip
    models = importlib.import_module("salon_client.models")
    other = publish(bob, title="Den")
    token = issue_token(user=alice, name="client")[1]
    client = client_package.AuthenticatedClient(
        base_url=live_site, token=token, prefix="Token", raise_on_unexpected_status=True
    )
    assert "tiny" in [row.slug for row in _call(client, "checkpoints.checkpoints_list").results]
    assert [row.id for row in _call(client, "posts.posts_list").results] == [other.public_id]
    body = models.GenerationRequestRequest(prompt="a fox in the snow", checkpoint="tiny", count=1, steps=2)
    made = _call(client, "generations.generations_create", body=body)

    def image() -> Any:
        return _call(client, "generations.generations_retrieve", made.id).images[0]

    _until(lambda: image().state == "ready")
    new = _call(client, "posts.posts_create", body=models.PublishRequest(image=image().id, title="From Python"))
    assert Post.objects.get(public_id=new.id).author == alice
    assert _call(client, "posts.posts_like_update", other.public_id).liked is True
    assert Like.objects.filter(member=alice, post=other).exists()
    refused = _call(client, "tokens.tokens_create", body=models.NewTokenRequest(name="another"))
    assert isinstance(refused, models.Error)
    assert refused.code == "not_by_token"


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(not os.environ.get("SALON_TYPESCRIPT"), reason="make clients: needs npm and its registry")
def test_the_typescript_client_compiles_strictly_and_does_the_same(
    document: Path, live_site: str, gpu_worker: Any, default_worker: Any, tiny_checkpoint: Checkpoint, alice: User,
    bob: User, publish: Publish, tmp_path: Path,
) -> None:  # fmt: skip
    other = publish(bob, title="Den")
    folder = tmp_path / "typescript"
    shutil.copytree(TYPESCRIPT, folder, ignore=shutil.ignore_patterns("node_modules", "out"))
    shutil.copy(document, folder / "schema.json")
    environ = {**os.environ, "SALON_SITE": live_site, "SALON_TOKEN": issue_token(user=alice, name="client")[1]}

    def npm(*command: str) -> str:
        done = subprocess.run(["npm", *command], cwd=folder, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    npm("ci", "--no-audit", "--no-fund", "--ignore-scripts")
    npm("run", "generate")
    npm("run", "check")
    found = json.loads(npm("run", "--silent", "walk").splitlines()[-1])
    assert (found["liked"], found["refused"]) == (True, "not_by_token")
    assert Post.objects.get(public_id=found["post"]).author == alice
    assert Like.objects.filter(member=alice, post=other).exists()
