"""Faults and traces leave for programs of others where a setting asks for it, and for nobody otherwise."""

import gzip
import os
import queue
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import brotli
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests import processes
from tests.services import ROOT

Received = queue.Queue[tuple[str, bytes]]
WAIT_SECONDS = 120


class Collector(ThreadingHTTPServer):
    """Takes whatever is posted to it: the path and the body, unpacked."""

    def __init__(self) -> None:
        self.received: Received = queue.Queue()
        self._kept: list[tuple[str, bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def until(self, found: Any) -> Any:
        """The first of what `found` makes of a (path, body) that is true; what came before is looked at as well.

        Raises:
            queue.Empty: none came in time.
        """
        for path, body in self._kept:
            if result := found(path, body):
                return result
        while True:
            self._kept.append(self.received.get(timeout=WAIT_SECONDS))
            if result := found(*self._kept[-1]):
                return result


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        unpack = {"gzip": gzip.decompress, "br": brotli.decompress}.get(self.headers.get("Content-Encoding", ""), bytes)
        assert isinstance(self.server, Collector)
        self.server.received.put((self.path, unpack(body)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def _spans(path: str, body: bytes) -> list[tuple[str, str, bytes]]:
    """The spans of a message for the collector of traces: (service, name, trace)."""
    if path != "/v1/traces":
        return []
    return [
        (attribute.value.string_value, span.name, span.trace_id)
        for group in ExportTraceServiceRequest.FromString(body).resource_spans
        for attribute in group.resource.attributes
        if attribute.key == "service.name"
        for scope in group.scope_spans
        for span in scope.spans
    ]


@pytest.mark.django_db(transaction=True)
def test_a_request_leaves_its_span_with_its_queries_and_a_sampled_report_that_names_the_release(
    collector: Collector, tmp_path: Path, collected_static: Path
) -> None:
    (tmp_path / "static").symlink_to(collected_static)
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.place}", "OTEL_BSP_SCHEDULE_DELAY": "200"}
    more |= {
        "VAR_DIR": str(tmp_path),
        "SENTRY_DSN": f"http://key@{collector.place}/1",
        "SENTRY_RELEASE": "v9.9.9",
        "SENTRY_TRACES_PERCENT": "100",
    }
    with processes.web(tmp_path, **more) as url:
        urllib.request.urlopen(f"{url}/readyz").close()
        spans: list[tuple[str, str, bytes]] = []

        def trace_of_request(path: str, body: bytes) -> bytes | None:
            spans.extend(_spans(path, body))
            return next((trace for _by, name, trace in spans if name == "GET readyz"), None)

        request = collector.until(trace_of_request)
        assert {by for by, _name, _trace in spans} == {"salon-web"}
        assert any(name.startswith("SELECT") for _by, name, trace in spans if trace == request)
        report = collector.until(lambda path, body: body if "envelope" in path and b"readyz" in body else None)
    assert b'"release":"v9.9.9"' in report.replace(b'": "', b'":"')


def test_without_the_packages_the_setting_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").touch()  # hides the installed ones
    code = "from config.observability import reporting; reporting.start_tracing('salon-web')"
    environ = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert "is not installed. Install it by" in done.stderr
    del environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
    code += "; import sys; sys.exit('opentelemetry' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=environ, cwd=tmp_path, check=False).returncode == 0
