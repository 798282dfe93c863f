"""Rules that hold for every app of the project."""

import ast
import importlib
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import models
from django.db.migrations.loader import MigrationLoader
from django.urls import URLPattern, URLResolver, get_resolver

from tests.services import ROOT

LAYERS = ["accounts", "moderation", "generation", "feed", "ratings"]  # the lowest first
MOST_LINES, MOST_FUNCTION_LINES, MOST_MODULES = 400, 40, 14
HEAVY = ["torch", "diffusers", "transformers", "statsmodels", "scipy", "pandas", "sklearn", "onnxruntime", "datasets"]


def _own_foreign_keys() -> list["models.ForeignKey[Any, Any]"]:
    return [
        field
        for label in LAYERS
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
        for field in model._meta.local_fields + model._meta.local_many_to_many
        if isinstance(field, models.ForeignKey)
    ]


def test_foreign_keys_point_to_lower_layers_only() -> None:
    upwards = [
        str(field)
        for field in _own_foreign_keys()
        if (target := field.related_model._meta.app_label) in LAYERS
        and LAYERS.index(target) > LAYERS.index(field.model._meta.app_label)
    ]
    assert upwards == []


def test_every_foreign_key_to_a_member_or_an_image_is_covered_by_a_personal_data_hook() -> None:
    """So that nobody adds a table that a download of one's data, or a deletion, would forget."""
    hooks = [importlib.import_module(name) for name in ["accounts.personal_data", *settings.PERSONAL_DATA]]
    covered = set().union(*(hook.COVERED for hook in hooks))
    people = {apps.get_model("accounts.User"), apps.get_model("generation.Image")}
    # Django's own tables of roles and permissions hold nothing that a member wrote; they go with the member.
    own = {"accounts.User_groups.user", "accounts.User_user_permissions.user"}
    concerned = {str(field) for field in _own_foreign_keys() if field.related_model in people} - own
    assert concerned - covered == set()
    assert all(callable(hook.export) and callable(hook.erase) for hook in hooks)


def test_what_the_hooks_say_they_cover_exists() -> None:
    for name in ["accounts.personal_data", *settings.PERSONAL_DATA]:
        for label in importlib.import_module(name).COVERED:
            app, model, field = label.split(".")
            apps.get_model(app, model)._meta.get_field(field)


@pytest.mark.django_db
def test_no_migration_is_missing_and_each_has_a_name_somebody_chose() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
    names = [name for app, name in MigrationLoader(None).disk_migrations if app in LAYERS]
    assert [name for name in names if re.search(r"_auto_|_alter_.*_and_more|^\d+_auto", name)] == []


def test_every_periodic_task_exists() -> None:
    from config.celery import app

    app.loader.import_default_modules()
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= set(app.tasks)


def test_the_web_starts_without_the_heavy_libraries() -> None:
    """They cost seconds and hundreds of megabytes in each process; what needs one imports it when it needs it."""
    program = f"import sys, django; django.setup(); import config.urls; print([n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _source_files(*folders: str) -> list[Path]:
    """Python files of ours, migrations apart."""
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    return [file for file in files if "migrations" not in file.parts]


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    files = _source_files("lib", "config", *LAYERS, "starter", "tests", "benchmarks")
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in files}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_no_function_is_longer_than_forty_lines() -> None:
    long = {
        f"{file.relative_to(ROOT)}:{node.name}": length
        for file in _source_files("lib", "config", *LAYERS, "starter")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > MOST_FUNCTION_LINES
    }
    assert long == {}


def test_no_package_has_more_than_fourteen_modules() -> None:
    counts = Counter(str(file.parent.relative_to(ROOT)) for file in _source_files("lib", "config", "starter", *LAYERS))
    assert {package: count for package, count in counts.items() if count > MOST_MODULES} == {}


def test_every_task_that_is_queued_by_name_exists() -> None:
    from config.celery import app

    app.loader.import_default_modules()
    named = re.compile(r'enqueue_on_commit\(\s*"([\w.]+)"')
    names = {name for file in _source_files(*LAYERS) for name in named.findall(file.read_text())}
    assert names <= set(app.tasks)


def _names(patterns: list[Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            found += _names(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern) and pattern.name:
            found.append(prefix + pattern.name)
    return found


def test_every_page_of_ours_is_named_in_its_apps_namespace() -> None:
    names = _names(get_resolver().url_patterns)
    for label in LAYERS:
        assert any(name.startswith(f"{label}:") for name in names), label
