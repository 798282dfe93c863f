"""Containers, Kubernetes, locks and licences: what an operator installs is whole and says the same everywhere."""

import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.services import ROOT

DEPLOY = ROOT / "deploy"
PRODUCTION = (ROOT / "requirements.production.lock").read_text()
PINS = dict(re.findall(r"^([\w.\-]+)==([^\s\\]+)", PRODUCTION, re.MULTILINE))
FORBIDDEN = re.compile(r"\b(?:AGPL|GPL|Affero|GNU General Public)", re.IGNORECASE)
LESSER = re.compile(r"\b(?:LGPL\S*|Lesser General Public|GNU Library)", re.IGNORECASE)


def _documents() -> list[dict[str, Any]]:
    files = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    return [document for file in files for document in yaml.safe_load_all(file.read_text()) if document]


def _pods() -> dict[str, dict[str, Any]]:
    found = {document["metadata"]["name"]: document for document in _documents() if document["kind"] == "Deployment"}
    return {name: document["spec"]["template"]["spec"] for name, document in found.items()}


def _licences(name: str) -> str:
    """What a package says of its licence, without the whole text that some put there."""
    data = distribution(name).metadata
    expression, text = ((data.get_all(field) or [""])[0] for field in ("License-Expression", "License"))
    classifiers = [each for each in data.get_all("Classifier") or [] if each.startswith("License")]
    return " ".join([expression, text.strip().partition("\n")[0], *classifiers])


def test_nothing_that_runs_is_under_the_gpl() -> None:
    found = {}
    for name in PINS:
        try:
            licences = _licences(name)
        except PackageNotFoundError:
            continue  # of another platform
        if FORBIDDEN.search(LESSER.sub("", licences)):
            found[name] = licences
    assert found == {}


def test_the_production_lock_holds_what_the_site_needs_with_hashes_and_nothing_else() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    runtime = re.findall(r'^    "([^"]+)",', project.partition("dependencies = [")[2].partition("\n]")[0], re.MULTILINE)
    needed = {canonicalize_name(Requirement(each).name) for each in runtime}
    assert needed <= {canonicalize_name(name) for name in PINS}
    assert {"pytest", "mypy", "ruff", "playwright", "krippendorff", "pdqhash"}.isdisjoint(PINS)
    without = re.findall(r"^([\w.\-]+)==\S+(?! \\)$", PRODUCTION, re.MULTILINE)
    assert without == ["torch"]  # its builds come from indexes of their own


def test_both_locks_name_the_same_versions() -> None:
    development = dict(re.findall(r"^([\w.\-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert {name: version for name, version in PINS.items() if development.get(name) != version} == {}


def test_every_worker_has_a_name_of_its_own_and_every_process_a_probe() -> None:
    pods = _pods()
    assert set(pods) == {"web", "gpu-worker", "worker", "beat"}
    for name, pod in pods.items():
        (container,) = pod["containers"]
        assert "livenessProbe" in container, name
        assert "-n" in container.get("command", ["-n"]) or name == "beat", name
        assert container["securityContext"]["runAsNonRoot"], name


def test_compose_asks_every_service_whether_it_is_well() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    without = [name for name, service in services.items() if "healthcheck" not in service]
    assert sorted(without) == ["beat", "prepare"]


def test_the_image_is_built_from_the_production_lock_with_the_encoder_in_it() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    assert "requirements.production.lock" in text
    assert "requirements.lock" not in text
    assert "starter.meaning" in (DEPLOY / "build-image.sh").read_text()


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_kustomize_builds_the_cluster(tmp_path: Path) -> None:
    done = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / "kubernetes")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    kinds = {document["kind"] for document in yaml.safe_load_all(done.stdout)}
    assert {"Ingress", "HorizontalPodAutoscaler", "NetworkPolicy", "PersistentVolumeClaim"} <= kinds
