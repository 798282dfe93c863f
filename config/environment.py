"""Typed readers for environment variables; a bad value stops the start with a sentence naming it."""

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
from django.conf.locale import LANG_INFO
from django.core.exceptions import ImproperlyConfigured

_DATABASES, _REDIS = {"postgres", "postgresql"}, {"redis", "rediss", "unix"}  # schemes of addresses
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def _wrong(name: str, value: str, expected: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} is {value!r}; it must be {expected}. Correct it or leave it unset.")


def string(name: str, default: str) -> str:
    return os.environ.get(name, default)


def strings(name: str, default: Sequence[str], least: int = 0) -> list[str]:
    """A comma-separated list of at least `least` names."""
    value = os.environ.get(name)
    found = list(default) if value is None else [part.strip() for part in value.split(",") if part.strip()]
    if len(found) < least:
        raise _wrong(name, value or "", f"a list of at least {least}")
    return found


def languages(name: str, default: Sequence[str]) -> list[tuple[str, str]]:
    """A comma-separated list of language codes, as (code, English name)."""
    codes = strings(name, default)
    unknown = [code for code in codes if "name" not in LANG_INFO.get(code, {})]
    if unknown or "en" not in codes:
        raise _wrong(name, ",".join(codes), "a list of language codes such as en,de,pt-br, with en among them")
    return [(code, LANG_INFO[code]["name"]) for code in codes]


def boolean(name: str, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.lower() not in _TRUE | _FALSE:
        raise _wrong(name, value, "yes or no")
    return value.lower() in _TRUE


def demo(name: str, site: str) -> bool:
    """Demo mode; its accounts must never be reachable from elsewhere."""
    if not boolean(name, False):
        return False
    if urlsplit(site).hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise ImproperlyConfigured(f"{name} is set, and SITE_URL is {site}: demo mode is for loopback alone.")
    return True


def integer(name: str, default: int, least: int | None = None) -> int:
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        number = int(value)
    except ValueError:
        raise _wrong(name, value, "a whole number") from None
    if least is not None and number < least:
        raise _wrong(name, value, f"a whole number of at least {least}")
    return number


def decimal(name: str, default: float) -> float:
    """A number of at least 0, with a point."""
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise _wrong(name, value, "a number of at least 0, such as 2.5")
    return number


def weights(name: str) -> dict[str, float]:
    """A comma-separated list of ``name:number`` with numbers above 0."""
    found: dict[str, float] = {}
    for part in strings(name, []):
        key, _colon, number = part.partition(":")
        try:
            found[key.strip()] = float(number)
        except ValueError:
            found[key.strip()] = 0.0
        if not 0 < found[key.strip()] < 1000:
            raise _wrong(name, os.environ[name], "a list such as researcher:2,staff:0.5, with numbers above 0")
    return found


def percentage(name: str, default: int) -> int:
    value = integer(name, default, least=0)
    if value > 100:
        raise _wrong(name, str(value), "a whole number from 0 to 100")
    return value


def choice(name: str, choices: Sequence[str], default: str) -> str:
    value = os.environ.get(name, default)
    if value not in choices:
        raise _wrong(name, value, "one of " + ", ".join(choices))
    return value


def path(name: str, default: Path) -> Path:
    return Path(os.environ.get(name) or default).expanduser().resolve()


def file(name: str) -> Path | None:
    """A file that is there; None where nothing is said."""
    value = string(name, "")
    if value and not Path(value).is_file():
        raise _wrong(name, value, "the path of a file")
    return Path(value) if value else None


def url(name: str, default: str) -> str:
    value = os.environ.get(name, default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise _wrong(name, value, "an address such as https://salon.example")
    return value


def time_zone(name: str, default: str) -> str:
    value = os.environ.get(name, default)
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        raise _wrong(name, value, "a time zone such as Europe/Paris") from None
    return value


def secret_key(name: str, file: Path, *, is_shared: bool = False) -> str:
    """The variable, or else a key made once and kept in a file only its owner reads.

    Args:
        is_shared: other machines may need the same key, so that none is made here.
    """
    if value := os.environ.get(name):
        _require_length(name, value)
        return value
    if is_shared:
        known = f" This machine has used the one in {file}." if file.exists() else ""
        raise ImproperlyConfigured(
            f"{name} is not set, and DATABASE_URL or REDIS_URL names a service that other machines may use too: set "
            f"{name} to the same 40 characters or more on all of them.{known} A new one is made by "
            "`python3 -c 'import secrets; print(secrets.token_urlsafe(48))'`."
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text()
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_urlsafe(60))
    return file.read_text()


def older_keys(name: str) -> list[str]:
    """Comma-separated keys that no longer sign anything and still verify what they signed."""
    keys = strings(name, [])
    for key in keys:
        _require_length(name, key)
    return keys


def _require_length(name: str, key: str) -> None:
    if len(key) < 40:
        raise _wrong(name, "…", "at least 40 characters long")


def names_shared_services(var: Path) -> bool:
    """Whether the environment names a database or Valkey other than the embedded one of this machine."""
    embedded = _embedded(var)
    named = {name: urlsplit(os.environ.get(name, "")) for name in ("DATABASE_URL", "REDIS_URL")}
    return any(
        url.scheme in _DATABASES | _REDIS and url.netloc != urlsplit(embedded.get(name, "")).netloc
        for name, url in named.items()
    )


def _embedded(var: Path) -> dict[str, str]:
    """What config/local wrote when it started the embedded services: {variable: value}."""
    file = var / "services.json"
    return json.loads(file.read_text()) if file.exists() else {}


def database(name: str, var: Path) -> dict[str, Any]:
    value = os.environ.get(name) or _embedded(var).get(name, "postgresql://salon@127.0.0.1:5432/salon")
    scheme = urlsplit(value).scheme
    if scheme not in _DATABASES:
        raise _wrong(name, value.split("@")[-1], "postgresql://user:password@host:port/name (Salon runs on PostgreSQL)")
    try:
        return dict(environ.Env.db_url_config(value))
    except ValueError:
        raise _wrong(name, value.split("@")[-1], "postgresql://user:password@host:port/name") from None


def redis(name: str, var: Path) -> str:
    value = os.environ.get(name) or _embedded(var).get(name, "redis://127.0.0.1:6379/0")
    if urlsplit(value).scheme not in _REDIS:
        raise _wrong(name, value.split("@")[-1], "redis://host:port/number")
    return value


def storage(prefix: str, bucket: str, folder: Path, *, seconds: int = 5) -> dict[str, Any]:
    """Django storage settings: S3 under ``prefix/`` when a bucket is named, else a local folder.

    Args:
        seconds: how long an answer of the store may take, twice; a page waits for it.
    """
    if not bucket:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder}}
    missing = [key for key in ("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY") if not os.environ.get(key)]
    if missing:
        raise ImproperlyConfigured(f"S3_BUCKET is set, so {' and '.join(missing)} must be set too.")
    from botocore.config import Config

    addressing = "path" if os.environ.get("S3_ENDPOINT_URL") else "auto"
    options = {
        "bucket_name": bucket,
        "location": prefix,
        "access_key": os.environ["S3_ACCESS_KEY_ID"],
        "secret_key": os.environ["S3_SECRET_ACCESS_KEY"],
        "endpoint_url": os.environ.get("S3_ENDPOINT_URL") or None,
        "region_name": os.environ.get("S3_REGION") or "us-east-1",
        "default_acl": None,
        "file_overwrite": True,
        "client_config": Config(
            connect_timeout=2,
            read_timeout=seconds,
            retries={"mode": "standard", "total_max_attempts": 2},
            signature_version="s3v4",
            s3={"addressing_style": addressing},
        ),
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


def email(value: str, folder: Path) -> dict[str, Any]:
    """Django's EMAIL_* settings from ``smtp://user:password@host:port``; unset means files in a folder."""
    if not value:
        return {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": folder}
    if not urlsplit(value).scheme.startswith("smtp") or not urlsplit(value).hostname:
        raise _wrong("EMAIL_URL", value.split("@")[-1], "smtp://user:password@host:port or smtp+tls://…")
    return dict(environ.Env.email_url_config(value))


def logging(level: str, form: str = "logfmt") -> dict[str, Any]:
    """structlog for every logger: lines of key=value (``logfmt``) or of JSON on standard error."""
    import structlog

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    order = ["timestamp", "level", "logger", "event"]
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer()
            if form == "json"
            else structlog.processors.LogfmtRenderer(key_order=order),
        ],
        "foreign_pre_chain": shared,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING" if level == "INFO" else "INFO"},
        "loggers": {
            name: {"level": level} for name in ("accounts", "moderation", "generation", "feed", "ratings", "config")
        },
    }
