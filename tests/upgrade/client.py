"""A minimal HTTP client of the upgraded site, which knows what the previous version had handed out."""

import json
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from tests.upgrade.previous import HANDED_OUT


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Site:
    """The address of a web server, its VAR_DIR and its database."""

    address: str
    folder: Path
    database: str
    _pool: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def get(self, path: str, *, member: str | None = None, **headers: str) -> Answer:
        return self._send("GET", path, member, headers, None)

    def post(self, path: str, body: Any = None, *, member: str | None = None, **headers: str) -> Answer:
        """Sends `body` as JSON, with the API token that the member got from the previous version."""
        content = json.dumps(body if body is not None else {}).encode()
        return self._send("POST", path, member, {"Content-Type": "application/json", **headers}, content)

    def post_form(self, path: str, values: dict[str, str], **headers: str) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": f"{self.address}{path}", **headers}
        return self._send("POST", path, None, headers, urlencode(values).encode())

    def sign_in(self, username: str, password: str) -> Answer:
        """Fills in the form of the sign-in page; a redirect means that it was accepted."""
        page = self.get("/accounts/login/")
        token = SimpleCookie(page.headers["set-cookie"])["csrftoken"].value
        values = {"login": username, "password": password, "csrfmiddlewaretoken": token}
        return self.post_form("/accounts/login/", values, Cookie=f"csrftoken={token}")

    def _send(self, method: str, path: str, member: str | None, headers: dict[str, str], body: bytes | None) -> Answer:
        own = {"Accept": "application/json, text/html;q=0.9"}
        if member is not None:
            own["Authorization"] = f"Token {HANDED_OUT['tokens'][member]}"
        answer = self._pool.request(
            method, f"{self.address}{path}", headers={**own, **headers}, body=body, redirect=False, retries=False
        )
        return Answer(answer.status, answer.data, {name.lower(): value for name, value in answer.headers.items()})
