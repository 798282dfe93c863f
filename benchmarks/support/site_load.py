"""A light load on a site over HTTP: readers, members who like, and one who asks for pictures until each is accepted."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import urllib3

TIMEOUT = urllib3.Timeout(connect=3, read=12)
AGAIN_SECONDS = 1.0  # before the same thing is asked for again
NO_ANSWER = 0


@dataclass(frozen=True)
class Answer:
    at: float  # on the monotonic clock, when it was there
    kind: str
    status: int  # NO_ANSWER: none within TIMEOUT
    seconds: float

    @property
    def is_bad(self) -> bool:
        return self.status == NO_ANSWER or self.status >= 500


@dataclass
class Load:
    """Asks from threads until it is stopped; remembers every answer, and what the site said it accepted."""

    address: str
    tokens: dict[str, str]  # by member
    posts: list[str]
    picture: str
    answers: list[Answer] = field(default_factory=list)
    drawn: dict[str, int] = field(default_factory=dict)  # idempotency key and the pictures that were accepted
    liked: set[tuple[str, str]] = field(default_factory=set)  # member, post

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._http = urllib3.PoolManager(maxsize=16, retries=False, timeout=TIMEOUT)
        loops = [self._read_pages, self._read_feed, self._look, self._like, self._draw]
        self._threads = [threading.Thread(target=loop, daemon=True) for loop in loops]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def between(self, begin: float, end: float) -> Counter[int]:
        return Counter(each.status for each in list(self.answers) if begin <= each.at <= end)

    def last_bad(self, since: float) -> float | None:
        return max((each.at for each in list(self.answers) if each.at >= since and each.is_bad), default=None)

    def _ask(self, kind: str, method: str, path: str, member: str = "", **options: Any) -> int:
        headers = {"Accept": "application/json, text/html;q=0.9", **options.pop("headers", {})}
        if member:
            headers["Authorization"] = f"Token {self.tokens[member]}"
        began = time.monotonic()
        try:
            status = self._http.request(method, f"{self.address}{path}", headers=headers, **options).status
        except urllib3.exceptions.HTTPError:
            status = NO_ANSWER
        self.answers.append(Answer(time.monotonic(), kind, status, time.monotonic() - began))
        return status

    def _every(self, seconds: float, ask: Callable[[], object]) -> None:
        while not self._over.wait(seconds):
            ask()

    def _read_pages(self) -> None:
        self._every(1.0, lambda: self._ask("page", "GET", "/?sort=new"))

    def _read_feed(self) -> None:
        member = next(iter(self.tokens))
        self._every(1.0, lambda: self._ask("feed", "GET", "/api/posts/", member))

    def _look(self) -> None:
        self._every(1.0, lambda: self._ask("picture", "GET", self.picture))

    def _like(self) -> None:
        """Each member likes each post once, and says so again until it is accepted."""
        for post in self.posts:
            for member in self.tokens:
                while not self._over.wait(AGAIN_SECONDS):
                    if self._ask("like", "PUT", f"/api/posts/{post}/like/", member) == 200:
                        self.liked.add((member, post))
                        break
                if self._over.is_set():
                    return

    def _draw(self) -> None:
        """One request after another, each with one key however often it is sent."""
        members, number = list(self.tokens), 0
        while not self._over.is_set():
            number += 1
            key, member = f"chaos-{number}", members[number % len(members)]
            body = json.dumps({"prompt": f"a cat number {number}", "checkpoint": "chaos", "count": 1, "seed": number})
            headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
            while not self._over.wait(3 * AGAIN_SECONDS):
                if self._ask("draw", "POST", "/api/generations/", member, headers=headers, body=body) == 201:
                    self.drawn[key] = 1
                    break
