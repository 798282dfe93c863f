"""Numbers of web, worker and site on ports of their own, alerts that name them, and ids that follow a request."""

import contextlib
import json
import os
import re
import subprocess
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from accounts.models import User
from config.local.processes import free_port
from config.observability import serving
from config.observability.site_numbers import SiteNumbers
from generation.models import Image, ImageState
from tests import processes
from tests.generation.fixtures import checkpoint_row
from tests.services import ROOT

DEPLOY = ROOT / "deploy"
OF_DJANGO = [
    "django_http_responses_total_by_status_total",
    "django_http_requests_latency_seconds_by_view_method_bucket",
    "django_http_requests_latency_including_middlewares_seconds_bucket",
]
OF_GPUS = [
    "salon_gpu_seconds_total", "salon_images_drawn_total", "salon_image_failures_total", "salon_images_settled_total",
]  # fmt: skip
OF_TASKS = ["salon_task_seconds_count", "salon_task_seconds_sum", "salon_task_failures_total"]


def _site() -> dict[tuple[str, str], float]:
    """{(metric, its one label's value): value} as Prometheus would get them."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for metric in SiteNumbers().collect()
        for sample in metric.samples
    }


def _read(port: int) -> dict[str, float]:
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20).read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


@pytest.mark.django_db
def test_the_number_that_scales_workers_moves_with_the_queue(alice: User, make_image: Any) -> None:
    checkpoint_row("toy", "toy")
    assert _site()["salon_queue_images", "default"] == 0
    for _ in range(3):
        make_image(alice, state=ImageState.QUEUED, at=timezone.now() - timedelta(minutes=10))
    found = _site()
    assert found["salon_queue_images", "default"] == 3
    assert 600 <= found["salon_queue_oldest_seconds", "default"] < 700
    assert found["salon_images", "queued"] == 3
    assert found["salon_up", "database"] == found["salon_up", "valkey"] == found["salon_up", "store"] == 1


@pytest.mark.django_db
def test_images_of_a_worker_that_fell_silent_are_counted(alice: User, make_image: Any) -> None:
    assert _site()["salon_leases_expired", ""] == 0
    image = make_image(alice, state=ImageState.LEASED)
    Image.objects.filter(pk=image.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert _site()["salon_leases_expired", ""] == 1


@pytest.mark.django_db(transaction=True)
def test_web_worker_and_beat_serve_their_numbers_on_ports_of_their_own(tmp_path: Path, collected_static: Path) -> None:
    from config.celery import app

    first = free_port(19_100 + os.getpid() % 1500)
    web, worker, beat = first, free_port(first + 1), free_port(first + 2)
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(processes.web(tmp_path, METRICS_PORT=str(web)))
        stack.enter_context(
            processes.worker("numbers", "default,moderation", tmp_path, METRICS_PORT=str(worker), VAR_DIR=str(tmp_path))
        )
        stack.enter_context(processes.beat(tmp_path, beat))
        urllib.request.urlopen(f"{url}/healthz").close()
        app.send_task("generation.reap_leases")
        app.send_task("generation.screen", args=["no id"])  # fails
        deadline = timezone.now() + timedelta(minutes=2)
        while "salon_task_failures_total" not in _read(worker) and timezone.now() < deadline:
            app.control.ping(timeout=0.5)
        found = {"web": _read(web), "worker": _read(worker), "beat": _read(beat)}
    assert found["web"]["salon_database_pool_size"] >= 1
    assert found["web"]["django_http_responses_total_by_status_total"] >= 1
    assert found["worker"]["salon_task_seconds_count"] >= 2
    assert found["worker"]["salon_task_failures_total"] == 1
    assert found["beat"]["salon_up"] == 3
    assert "salon_queue_images" not in found["web"]  # the whole site's numbers come from one place


def test_gauges_of_a_process_that_died_without_a_word_end_and_its_counts_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(serving.FOLDER, str(tmp_path))
    dead = subprocess.Popen(["true"])
    dead.wait()
    kept = {f"counter_{dead.pid}.db", f"gauge_livesum_{os.getpid()}.db"}
    for name in {*kept, f"gauge_livesum_{dead.pid}.db"}:
        (tmp_path / name).touch()
    serving.forget_ended_processes()
    assert {file.name for file in tmp_path.iterdir()} == kept


def _expressions() -> list[str]:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    panels = json.loads((DEPLOY / "grafana" / "salon.json").read_text())["panels"]
    return [rule["expr"] for rule in rules] + [target["expr"] for panel in panels for target in panel["targets"]]


@pytest.mark.django_db
def test_alerts_and_dashboard_name_numbers_that_exist(settings: Settings) -> None:
    import feed.ranking.counters as counters
    from config.observability import pool_numbers  # noqa: F401 - the web loads it
    from generation.engines import numbers  # noqa: F401 - workers load it

    checkpoint_row("toy", "toy")
    settings.GPU_HOUR_PRICE = 2.5
    counted = {sample.name for metric in REGISTRY.collect() for sample in metric.samples}
    assert {"salon_database_pool_size", "salon_database_pool_errors_total"} <= counted
    drift = [gauge._name for gauge in (counters.COUNT_DRIFT, counters.RANK_DRIFT, counters.SHOWN_DRIFT)]
    known = {name for name, _ in _site()} | {"salon_leases_expired"} | {*OF_DJANGO, *OF_TASKS, *OF_GPUS, *drift}
    known |= {name for name in counted if name.startswith("salon_database_pool")}
    named = {name for text in _expressions() for name in re.findall(r"\b(?:salon|django)_[a-z_]+", text)}
    assert named - known == set()


def test_every_alert_has_a_page_for_whoever_is_woken() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())["groups"][0]["rules"]
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs" / "alerts.md").read_text(), re.MULTILINE)
    assert [rule["alert"] for rule in rules] == headings


@pytest.mark.django_db
def test_an_answer_carries_the_id_that_our_proxy_gave_and_none_of_a_stranger(settings: Settings) -> None:
    given = {"X-Request-ID": "abcdef-123456"}
    assert Client().get("/healthz", headers=given)["X-Request-ID"] != "abcdef-123456"
    settings.NUM_PROXIES = 1
    assert Client().get("/healthz", headers=given)["X-Request-ID"] == "abcdef-123456"
    assert len(Client().get("/healthz", headers={"X-Request-ID": "<script>" * 9})["X-Request-ID"]) == 32


@pytest.mark.django_db(transaction=True)
def test_the_lines_of_a_task_carry_the_id_of_the_request_that_queued_it(tmp_path: Path) -> None:
    from config.celery import app

    with processes.worker("ids", "default,moderation", tmp_path, VAR_DIR=str(tmp_path), LOG_FORMAT="json"):
        with structlog.contextvars.bound_contextvars(request_id="abcdef-123456"):
            app.send_task("generation.screen", args=["no id"])  # fails, and says so
        deadline = timezone.now() + timedelta(minutes=2)
        log = tmp_path / "ids.log"
        while "abcdef-123456" not in log.read_text() and timezone.now() < deadline:
            app.control.ping(timeout=0.5)
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert [line["task"] for line in lines if line.get("request_id") == "abcdef-123456"] == ["generation.screen"]
