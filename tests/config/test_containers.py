"""The image is built, and the compose file's own services run in it until a picture is drawn.

    make containers

Needs podman. Where python:3.11-slim can neither be found nor pulled, deploy/base-image.sh makes it (root, debootstrap).
`BUILD_OPTIONS` goes to `podman build`, for a package index of one's own; `RUN_OPTIONS` to `podman run`;
`BASE_FOLDER` is where that Debian is put (/var/tmp/salon-base).
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import time
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from accounts.models import ApiToken, User
from config.local.processes import free_port
from generation.models import PENDING, Checkpoint, Image, ImageState
from tests import processes
from tests.services import ROOT, object_store

pytestmark = [pytest.mark.long, pytest.mark.timeout(3000), pytest.mark.django_db(transaction=True)]
BASE = "docker.io/library/python:3.11-slim"
IMAGE = "localhost/salon-test"
WAIT_SECONDS = 240
ACCOUNT = 10001  # the account of the image


def podman(*arguments: str, is_checked: bool = True) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(["podman", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not is_checked, f"podman {' '.join(arguments)}:\n{done.stdout}{done.stderr}"[-4000:]
    return done


def _options(name: str) -> list[str]:
    return shlex.split(os.environ.get(name, ""))


@pytest.fixture(scope="module")
def image() -> str:
    """Built from the working tree."""
    if not shutil.which("podman"):
        warnings.warn("podman is not installed: the containers' test is skipped", stacklevel=1)
        pytest.skip("podman is not installed")
    is_there = any(
        podman(*way, BASE, is_checked=False).returncode == 0 for way in (["image", "exists"], ["pull", "-q"])
    )
    if not is_there:
        folder = os.environ.get("BASE_FOLDER", "/var/tmp/salon-base")
        subprocess.run(["sh", "deploy/base-image.sh", folder], cwd=ROOT, check=True, capture_output=True)
    podman("build", *_options("BUILD_OPTIONS"), "-f", "deploy/Containerfile", "-t", IMAGE, ".")
    return IMAGE


class Compose:
    """Services of deploy/compose.yaml, run one by one on this machine's network with what the file says of them."""

    def __init__(self, image: str, addresses: dict[str, str]) -> None:
        self.image, self.addresses = image, addresses
        self.services: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
        self.run_names: list[str] = []

    def run(self, service: str, *command: str) -> str:
        """Starts a service, by a command of the caller's or its own; returns the container's name."""
        found = self.services[service]
        name = f"salon-test-{os.getpid()}-{service}"
        environment = found["environment"] | self.addresses | {"METRICS_PORT": "0"}  # one network: one port
        options = ["--network", "host", *_options("RUN_OPTIONS")]
        options += ["--read-only"] if found["read_only"] else []
        options += [f"--tmpfs={each}" for each in found["tmpfs"]]
        options += [f"--volume=salon-test-{os.getpid()}-{each}" for each in found["volumes"]]
        options += [f"--security-opt={each.replace(':true', '')}" for each in found["security_opt"]]
        options += [f"--env={key}={value}" for key, value in environment.items()]
        self.run_names.append(name)
        podman("run", "--detach", "--name", name, *options, self.image, *(command or shlex.split(self._command(found))))
        return name

    @staticmethod
    def _command(service: dict[str, Any]) -> str:
        return str(service["command"]).replace("%h", "host")

    def is_well(self, service: str) -> bool:
        """What the service's own health check says."""
        kind, *words = self.services[service]["healthcheck"]["test"]
        command = ["sh", "-c", words[0].replace("$$(hostname)", "host")] if kind == "CMD-SHELL" else words
        return self.execute(service, *command).returncode == 0

    def execute(self, service: str, *command: str) -> "subprocess.CompletedProcess[str]":
        return podman("exec", f"salon-test-{os.getpid()}-{service}", *command, is_checked=False)

    def log(self, service: str) -> str:
        done = podman("logs", f"salon-test-{os.getpid()}-{service}", is_checked=False)
        return (done.stdout + done.stderr)[-3000:]

    def until_well(self, service: str) -> None:
        ends = time.monotonic() + WAIT_SECONDS
        while not self.is_well(service):
            assert self.is_running(service), self.log(service)
            assert time.monotonic() < ends, self.log(service)
            time.sleep(1)

    def is_running(self, service: str) -> bool:
        name = f"salon-test-{os.getpid()}-{service}"
        return podman("inspect", "--format", "{{.State.Running}}", name).stdout.strip() == "true"

    def remove(self) -> None:
        podman("rm", "--force", "--time", "5", *reversed(self.run_names), is_checked=False)
        podman("volume", "rm", "--force", *(f"salon-test-{os.getpid()}-{n}" for n in ("var", "home")), is_checked=False)


@pytest.fixture
def compose(image: str, tmp_path: Path) -> Iterator[Compose]:
    tmp_path.chmod(0o711)
    variables, store = object_store(tmp_path)
    example = (ROOT / "deploy" / "example.env").read_text()
    settings = dict(re.findall(r"^(\w+)=(.+)$", example, re.MULTILINE))
    seen = processes.environ()
    own = {name: seen[name] for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "RELEASE_SECRET")}
    found = Compose(image, settings | own | variables)
    try:
        yield found
    finally:
        found.remove()
        store.close()


def _get(address: str, token: str = "", body: dict[str, Any] | None = None) -> Any:
    headers = {"Host": "salon.example", "X-Forwarded-Proto": "https", "Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(address, json.dumps(body).encode() if body else None, headers)
    return urllib.request.urlopen(request, timeout=60).read()


def test_the_services_of_the_compose_file_draw_a_picture(compose: Compose, alice: User) -> None:
    name = compose.run("prepare")
    assert podman("wait", name).stdout.strip() == "0", compose.log("prepare")
    assert Checkpoint.objects.filter(slug="starter", is_enabled=True).exists()
    port = free_port(18_300 + os.getpid() % 600)
    served = json.loads(podman("image", "inspect", IMAGE).stdout)[0]["Config"]["Cmd"]
    compose.run("web", *(str(port) if word == "8000" else word for word in served))
    compose.run("gpu-worker")
    compose.run("worker")
    compose.run("beat")
    site = f"http://127.0.0.1:{port}"
    for service in ("gpu-worker", "worker"):
        compose.until_well(service)
    assert _get(f"{site}/readyz")
    token = ApiToken.objects.create(user=alice)[1]  # type: ignore[no-untyped-call]
    asked = {"prompt": "a fox in the snow", "checkpoint": "starter", "count": 1, "idempotency_key": "containers"}
    _get(f"{site}/api/generations/", token, asked)
    ends = time.monotonic() + WAIT_SECONDS
    while (drawn := Image.objects.get()).state in PENDING:
        assert time.monotonic() < ends, compose.log("gpu-worker")
        time.sleep(1)
    assert drawn.state == ImageState.READY, drawn.failure
    link = urlsplit(json.loads(_get(f"{site}/api/images/{drawn.public_id}/", token))["url"])
    assert _get(f"{site}{link.path}?{link.query}", token)[8:12] == b"WEBP"
    for service in ("web", "gpu-worker", "worker", "beat"):
        assert compose.execute(service, "id", "-u").stdout.strip() == str(ACCOUNT), service
        assert compose.execute(service, "touch", "/srv/salon/x").returncode != 0, "the image cannot be written"
