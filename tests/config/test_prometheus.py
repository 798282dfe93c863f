"""The numbers as a real Prometheus of Debian's package sees them: scraped, alerted on, and given to the autoscaler."""

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from accounts.models import User
from config.local.processes import free_port, guard, until_ready
from generation import services
from tests import processes
from tests.services import ROOT

DEPLOY = ROOT / "deploy"
WAIT_SECONDS = 240


def _require(program: str) -> None:
    if not shutil.which(program):
        warnings.warn(f"{program} is not installed (Debian package prometheus): its test is skipped", stacklevel=2)
        pytest.skip(f"{program} is not installed")


@pytest.mark.parametrize(
    "command", ["check rules alerts.yaml", "test rules alerts.test.yaml", "check config prometheus.yaml"]
)
def test_prometheus_accepts_the_files_and_the_rules_say_what_they_should(command: str) -> None:
    _require("promtool")
    done = subprocess.run(
        ["promtool", *command.split()], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Prometheus:
    """The server's HTTP API."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def is_ready(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.address}/-/ready", timeout=5).close()
        except OSError:
            return False
        return True

    def get(self, path: str, **query: str) -> Any:
        address = f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        return json.load(urllib.request.urlopen(address, timeout=20))["data"]

    def values(self, expression: str) -> list[float]:
        """What an instant query finds.

        Raises:
            urllib.error.HTTPError: it is no expression.
        """
        return [float(sample["value"][1]) for sample in self.get("query", query=expression)["result"]]

    def until(self, expression: str, is_true: Callable[[list[float]], bool]) -> list[float]:
        """Asks again after each scrape."""
        ends = time.monotonic() + WAIT_SECONDS
        while not is_true(found := self.values(expression)):
            assert time.monotonic() < ends, f"{expression} is still {found}"
            time.sleep(0.5)
        return found


@contextlib.contextmanager
def _prometheus(folder: Path, targets: dict[str, int]) -> Iterator[Prometheus]:
    """The configuration of deploy/prometheus, with the targets' ports of this test and a scrape each second."""
    text = (DEPLOY / "prometheus" / "prometheus.yaml").read_text()
    config = yaml.safe_load(text.replace("15s", "1s"))
    config["rule_files"] = [str(DEPLOY / "prometheus" / name) for name in config["rule_files"]]
    groups = config["scrape_configs"][0]["static_configs"]
    assert {group["labels"]["process"] for group in groups} == set(targets)
    for group in groups:
        group["targets"] = [f"127.0.0.1:{targets[group['labels']['process']]}"]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    port = free_port(19_900 + os.getpid() % 1500)
    command = ["prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/series"]
    command += [f"--web.listen-address=127.0.0.1:{port}"]
    server = Prometheus(port)
    service = guard("Prometheus", command, log=folder / "prometheus.log", cwd=folder)
    with processes.running(service):
        until_ready(service, server.is_ready, 120)
        yield server


def _autoscaler_query() -> str:
    """What the adapter asks for the HorizontalPodAutoscaler of the GPU workers."""
    (rule,) = yaml.safe_load((DEPLOY / "prometheus" / "adapter.yaml").read_text())["rules"]["external"]
    workers = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "workers.yaml").read_text()))
    (scaler,) = [each for each in workers if each["kind"] == "HorizontalPodAutoscaler"]
    metric = scaler["spec"]["metrics"][0]["external"]["metric"]
    assert metric["name"] == rule["seriesQuery"]
    labels = ",".join(f'{name}="{value}"' for name, value in metric["selector"]["matchLabels"].items())
    query: str = rule["metricsQuery"].replace("<<.LabelMatchers>>", labels)
    return query


def _expressions() -> list[str]:
    panels = json.loads((DEPLOY / "grafana" / "salon.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("tiny_checkpoint")
def test_a_real_prometheus_sees_every_process_and_the_number_that_scales_workers(
    alice: User, tmp_path: Path, collected_static: Path
) -> None:
    _require("prometheus")
    ports = [free_port(19_100 + os.getpid() % 700)]
    while len(ports) < 4:
        ports.append(free_port(ports[-1] + 1))
    targets = dict(zip(["web", "gpu-worker", "worker", "beat"], ports, strict=True))
    own = {name: {"METRICS_PORT": str(port), "VAR_DIR": str(tmp_path)} for name, port in targets.items()}
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(processes.web(tmp_path, METRICS_PORT=str(targets["web"])))
        stack.enter_context(processes.worker("default", "default,moderation", tmp_path, **own["worker"]))
        stack.enter_context(processes.beat(tmp_path, targets["beat"], GPU_HOUR_PRICE="3"))
        prometheus = stack.enter_context(_prometheus(tmp_path, targets))
        urllib.request.urlopen(f"{url}/healthz").close()
        prometheus.until(_autoscaler_query(), lambda found: found == [0.0])
        services.submit_generation(
            author=alice, prompt="a cat", checkpoint="tiny", count=3, steps=2, idempotency_key="k"
        )
        prometheus.until(_autoscaler_query(), lambda found: found == [3.0])
        stack.enter_context(processes.worker("gpu", "gpu.default", tmp_path, **own["gpu-worker"]))
        prometheus.until("sum(up)", lambda found: found == [4.0])
        prometheus.until('sum(salon_images_settled_total{state="ready"})', lambda found: found == [3.0])
        prometheus.until(_autoscaler_query(), lambda found: found == [0.0])
        prometheus.until("salon:picture_cost:currency > 0", lambda found: len(found) == 1)
        assert prometheus.values("sum(salon_images_drawn_total)") == [3.0]
        assert prometheus.values("salon:gpus:count") == [1.0]
        assert 0 < prometheus.values("salon:gpu_utilisation:ratio")[0] <= 1
        assert prometheus.values('salon_database_pool_size{process="web"}')[0] >= 1
        assert prometheus.values("sum(django_http_responses_total_by_status_total)")[0] >= 1
        rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
        assert {rule["name"] for rule in rules if rule["health"] != "ok"} == set()
        for expression in _expressions():
            prometheus.values(expression)  # raises where it is none
