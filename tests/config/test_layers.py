"""The graph of imports: no circles, not even lazy ones."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.services import ROOT

PACKAGES = ["config", "ratings", "feed", "generation", "moderation", "accounts", "lib"]


def _modules() -> dict[str, Path]:
    """Dotted names of our modules, with their files; migrations and commands are nobody's import."""
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*.py") if "migrations" not in file.parts)
    named = {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}
    return dict(sorted(named.items()))


def _imported(file: Path, modules: dict[str, Path]) -> Iterator[str]:
    """Our modules that the file imports: at its top, inside functions, and for type checking alone."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in modules:
                    yield full
                elif node.module in modules:
                    yield node.module


def import_graph() -> dict[str, set[str]]:
    modules = _modules()
    return {name: set(_imported(file, modules)) - {name} for name, file in modules.items()}


def test_no_module_imports_itself_by_way_of_others() -> None:
    try:
        TopologicalSorter(import_graph()).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def test_models_are_not_looked_up_by_name_to_dodge_a_circle() -> None:
    """`apps.get_model("feed.Like")` hides an import from every tool that looks for circles."""
    hidden = [
        f"{name}:{node.lineno}"
        for name, file in _modules().items()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "get_model" and _is_named(node)
    ]
    assert hidden == []


def _is_named(call: ast.Call) -> bool:
    return bool(call.args) and all(isinstance(argument, ast.Constant) for argument in call.args)
