"""Sizes of source files, functions and packages: `python benchmarks/code_size.py [FOLDER …]`.

Migrations, tests and benchmarks are left out. Give the folder of another checkout to see both side by side.
"""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import median

LEFT_OUT = ("tests/", "benchmarks/")


def source_files(folder: Path) -> list[Path]:
    """The Python files that git tracks below `folder`, without migrations, tests and benchmarks."""
    names = subprocess.run(["git", "ls-files", "*.py"], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S607
    return [
        folder / name
        for name in names.stdout.splitlines()
        if "/migrations/" not in name and not name.startswith(LEFT_OUT)
    ]


def function_lengths(source: str) -> list[int]:
    """Lines of each function and method, decorators left out."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(ast.parse(source))
        if isinstance(node, functions)
    ]


def percentile_95(values: list[int]) -> int:
    return sorted(values)[int(0.95 * (len(values) - 1))]


def describe(folder: Path) -> str:
    """One line: files and functions with median, 95th percentile and longest, and the largest package."""
    files = source_files(folder)
    sources = [file.read_text() for file in files]
    lines = [source.count("\n") for source in sources if source.strip()]
    functions = [length for source in sources for length in function_lengths(source)]
    package, modules = Counter(file.parent.relative_to(folder) for file in files).most_common(1)[0]
    return (
        f"{folder}: {len(lines)} files ({_in_short(lines)} lines), {len(functions)} functions "
        f"({_in_short(functions)} lines), largest package: {package} with {modules} modules"
    )


def _in_short(values: list[int]) -> str:
    return f"median {median(values):.0f}, 95 % at most {percentile_95(values)}, longest {max(values)}"


def main() -> None:
    folders = [Path(argument) for argument in sys.argv[1:] if not argument.startswith("-")]
    for folder in folders or [Path(__file__).resolve().parent.parent]:
        print(describe(folder))


if __name__ == "__main__":
    main()
