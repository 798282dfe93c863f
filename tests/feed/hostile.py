"""Values that strangers send, by where they send them, and every address of the site with places for them."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.regex_helper import normalize

LONG = "a" * 3_000
NUL, BROKEN, RTL = "a\x00b", "%ed%a0%80%ff", "\u202e\u05d0\u0301"

# As they stand in an address, encoded.
PATH_PARTS = [
    quote(value)
    for value in (
        "\x00", "abcdefghijk\x00", LONG, "..", "é", "0", "-1", "9" * 40, "1e99", "posts.json", "\n", "abcdefghijkl\n",
        "\u0661\u0662", RTL, "\ufffe", "9999-12-31", "0001-01-01", "0000-00-00", "🦊", "'\";--", "{}", "[", "null",
        "@",
    )
] + ["%ff", BROKEN, "%", "%zz"]  # fmt: skip

ANYTHING = [
    "%00", "%ff", BROKEN, quote(RTL), "%0d%0a", "-1", "9" * 40, "1e999", "nan", "[", "a" * 400, "%ef%bf%be", "\\",
    "%27",
    "null", "undefined", "0x10", "%f0%9f%a6%8a",
]  # fmt: skip
QUERIES = [
    *(f"q={quote(value)}" for value in (
        "after:9999-12-31", "before:0001-01-01", "after:0001", "before:9999-12", "-" * 300, '"' * 40, ":" * 200,
        "by:\x00", "tag:\u0301", "style:\u200b", "like:____________", "looks:____________", "looks:" + "f" * 64,
        "looks:upload-" + "a" * 22, "seed:0", "fox++ c# 🦊", "\u202efox", "a:b:c", "'\\:*&|!<->", "the", "-the",
        "style:((((", "style:[[:alpha:]]", "%", "é" * 280,
    )),
    *(f"cursor={value}" for value in (
        "cD1hYmM=", "cD0tMQ==", "bz05OTk5OTk5OTk5OTk5OTk=", "cj0xJnA9MQ==", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OQ==",
        "=",
        "%C3%A9", ".x:y:z", "W10:1:2", "eyJ:1:x",
    )),
    "url=http://[", "url=http://%5B", "url=//", "url=http://[::1]:99999/p/x/", "url=javascript:1",
    "url=" + "a" * 3_000,
    "maxwidth=9999999999", "maxwidth=-1&maxheight=0", "page=9999999999999999999999", "page=-1", "page=1.5", "page=x",
    "since=9999999999999999", "since=-1", "fresh=9999999999999999", "fresh=0", "sort=following", "sort=x", "window=x",
    "sort=best&aspect=x", "sort=top&window=x", "tag=%CC%81", "seen=hide", "days=9999999", "days=-1", "days=x", "by=x",
    "format=xml", "format=", "key=" + "k" * 400, "owner=" + "o" * 400, "limit=-1&offset=-1", "level=99",
    "post=x&post=y",
    "date=9999-12-31", "ordering=-x", "o=99.-99", "q__x=1", "id__exact=x", "pk__in=x", "_popup=1&_to_field=password",
    "next=//evil.example", "next=http://[", "before=9999-12-31", "before=x", "checkpoint=x", "state=x",
    "kind=x&value=y",
    "action=x&reason=y&level=z", "s=" + "s" * 200, "=&=&&;", "a" * 3_000, "%00=1",
    *(f"{name}={value}" for value in ANYTHING for name in (
        "q", "tag", "cursor", "post", "owner", "remix", "comment", "comments", "url", "s", "page", "key", "next",
        "days",
    )),
]  # fmt: skip

NAMES = [
    "prompt", "negative_prompt", "checkpoint", "style", "count", "seed", "width", "height", "size", "steps",
    "guidance", "scheduler", "loras", "parent", "source_upload", "remix_kind", "remix", "source_image",
    "source_file", "strength", "confirm_doubtful", "idempotency_key", "image", "title", "alt_text", "hide_prompt",
    "tags", "challenge", "text", "post", "posts", "answers", "name", "visibility", "username", "may_add",
    "display_name", "bio", "avatar", "kind", "value", "effect", "expires_at", "days", "reason", "note",
    "target_type", "target", "action", "level", "restriction", "url", "events", "purpose", "granted", "password",
    "token", "outcome", "dwell_ms", "is_dismissal", "until", "digest", "kinds", "since", "with_simulated",
    "min_margin", "may_train", "picture", "q", "next", "do", "undo", "all", "page", "slug", "pattern", "category",
    "answer", "decision", "login", "email", "password1", "password2", "code", "collections", "step", "version",
    "p_ask_result", "max_level", "is_adult", "like", "comment", "parent_id", "theme", "hint", "day", "alias_of",
    "kind-0", "form-TOTAL_FORMS", "event", "source", "keep_source", "enter_challenge",
]  # fmt: skip
VALUES: list[Any] = [
    "\x00", RTL, "\r\n", "a" * 5_000, "9" * 400, "-1", "1e999", "nan", "9999-12-31T23:59:59+14:00", "0001-01-01",
    "🦊" * 900,
    "\u200b\u3164", "[", "javascript:alert(1)", "http://[", "\ufffe\ufdd0", "x\u0301" * 1_000, "true", "", "{}",
    "____________",
]  # fmt: skip
NESTED: list[Any] = [
    [],
    {},
    [[]],
    {"a": {"b": ["c"]}},
    None,
    True,
    -1,
    10**28,
    1.5,
    [None],
    ["\x00", 1],
    [{"slug": "\x00"}],
    "\ud800",
]
RAW_JSON = [
    b"", b"[]", b"null", b'"x"', b"1", b"{", b"\xff\xfe", b"\xef\xbb\xbf{}", b"[" * 20_000 + b"]" * 20_000,
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000, b'{"a": NaN}', b'{"a": 1e999}', b'{"a": ' + b"9" * 5_000 + b"}",
    b'{"\\u0000": "\\ud800"}', b'{"a": [' + b"[]," * 90_000 + b"[]]}", b"{}" + b" " * 3_000_000,
]  # fmt: skip
MULTIPART = "multipart/form-data; boundary=x"
RAW_FORMS = [
    (b"", MULTIPART), (b"--x\r\n\r\n", MULTIPART), (b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--",
    MULTIPART),
    (b'--x\r\nContent-Disposition: form-data; name="text"; filename="\x00"\r\n\r\na\r\n--x--\r\n', MULTIPART),
    (b"a=b", "multipart/form-data"), (b"%ff=%ff", "application/x-www-form-urlencoded"),
    (b"a=b", "application/x-www-form-urlencoded; charset=utf-16"), (b"{}", "application/json"),
    (b"\xff", "text/plain; charset=nonsense"), (b"&".join([b"a=b"] * 3_000), "application/x-www-form-urlencoded"),
    (b"x", "image/png"), (b"x", ""), (b"x", ";;;"),
]  # fmt: skip
HEADERS = [
    {"Cookie": 'sessionid="\\000\\000\\000\\000\\000\\000\\000\\000"; theme="\\000"; csrftoken="\\000"; messages=x'},
    {"Cookie": "sessionid=\xff; =; ;;"}, {"Range": "bytes=" + "9" * 5_000 + "-"}, {"Range": "bytes=0-0,1-1"},
    {"Accept": "a" * 300}, {"Accept": "*/*;q=\x01"}, {"Accept-Language": "x-" * 400}, {"Authorization": "Token \xff"},
    {"Authorization": "Token"}, {"Authorization": "Basic ==="},
    {"If-Modified-Since": "Mon, 99 Foo 99999 99:99:99 GMT"},
    {"If-None-Match": '"'}, {"Referer": "http://["}, {"HX-Current-URL": "http://[", "HX-Request": "true"},
    {"X-Forwarded-For": "\xff,[::"}, {"Idempotency-Key": "\xff" * 300}, {"Last-Event-ID": "9" * 400 + "-1"},
    {"Content-Length": "x"}, {"Content-Length": "9" * 5_000},
    {"X-HTTP-Method-Override": "TRACE"}, {"Origin": "http://["},
]  # fmt: skip


class Route(NamedTuple):
    """One pattern of the URLconf: `form` takes its parts as ``%(name)s``."""

    name: str
    form: str
    parts: tuple[str, ...]
    methods: tuple[str, ...]  # of a viewset; empty where only the view knows
    is_api: bool

    def fill(self, part: Callable[[str], str]) -> str:
        return "/" + self.form % {name: part(name) for name in self.parts}


def routes(patterns: list[Any] | None = None, above: str = "", space: str = "") -> Iterator[Route]:
    """Every address of the site, whoever brought it."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        (form, _parts), *_others = normalize(pattern.pattern.regex.pattern)
        form = above + form.removeprefix("/")
        if isinstance(pattern, URLResolver):
            yield from routes(
                pattern.url_patterns, form, f"{space}{pattern.namespace}:" if pattern.namespace else space
            )
        elif isinstance(pattern, URLPattern):
            actions = getattr(pattern.callback, "actions", None) or {}
            named = tuple(part.split(")s")[0] for part in form.split("%(")[1:])
            yield Route(f"{space}{pattern.name}", form, named, tuple(actions), "api/" in form[:5])


@cache
def bodies(is_api: bool) -> list[tuple[Any, str]]:
    """(body, content type) for a POST, PUT or PATCH."""
    return list(_bodies(is_api))


def _bodies(is_api: bool) -> Iterator[tuple[Any, str]]:
    if is_api:
        for value in [*VALUES, *NESTED]:
            yield json.dumps(dict.fromkeys(NAMES, value)).encode(), "application/json"
        yield from ((raw, "application/json") for raw in RAW_JSON)
    for value in VALUES:
        pairs = "&".join(f"{name}={quote(str(value))}" for name in NAMES)
        yield pairs.encode(), "application/x-www-form-urlencoded"
    yield from RAW_FORMS
