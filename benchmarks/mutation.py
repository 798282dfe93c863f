"""How many small changes to a pure module its tests notice: an operator, a comparison or a constant at a time.

    python -m benchmarks.mutation generation/queue/ordering.py tests/generation/queue/test_ordering.py [--sample 40]

The module must import nothing of Salon, so that a changed copy runs alone. Prints what was not noticed, and one JSON
object as its last line; nine in ten is the aim.
"""

import argparse
import ast
import copy
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.support.place import ROOT

OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.USub: ast.UAdd,
}  # fmt: skip
CALLS = {"min": "max", "max": "min"}
SECONDS = 300  # a change that makes the tests run for ever is noticed


def changes(tree: ast.Module) -> Iterator[tuple[int, ast.Module]]:
    """(line, changed copy) of every small change."""
    for number, node in enumerate(ast.walk(tree)):
        for change in _of(node):
            changed = copy.deepcopy(tree)
            line = change(list(ast.walk(changed))[number])
            yield line, ast.fix_missing_locations(changed)


def _of(node: ast.AST) -> list:  # type: ignore[type-arg]
    if isinstance(node, ast.BinOp | ast.UnaryOp | ast.BoolOp) and type(node.op) in OPERATORS:
        return [_operator]
    if isinstance(node, ast.AugAssign) and type(node.op) in OPERATORS:
        return [_operator]
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
        return [_comparison]
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
        return [_constant]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
        return [_call]
    return []


def _operator(node: ast.BinOp | ast.UnaryOp | ast.BoolOp | ast.AugAssign) -> int:
    node.op = OPERATORS[type(node.op)]()  # type: ignore[assignment]
    return node.lineno


def _comparison(node: ast.Compare) -> int:
    node.ops[0] = OPERATORS[type(node.ops[0])]()  # type: ignore[call-overload]
    return node.lineno


def _constant(node: ast.Constant) -> int:
    node.value = not node.value if isinstance(node.value, bool) else node.value + 1  # type: ignore[operator]
    return node.lineno


def _call(node: ast.Call) -> int:
    assert isinstance(node.func, ast.Name)
    node.func.id = CALLS[node.func.id]
    return node.lineno


def _is_noticed(module: Path, source: str, test: Path) -> bool:
    with tempfile.TemporaryDirectory(prefix="salon-mutation-") as folder:
        for part in module.parents[:-1]:
            (Path(folder) / part).mkdir(parents=True, exist_ok=True)
            (Path(folder) / part / "__init__.py").touch()
        (Path(folder) / module).write_text(source)
        (Path(folder) / "test_it.py").write_text((ROOT / test).read_text())
        command = [sys.executable, "-m", "pytest", "-q", "-x", "--noconftest", "-c", os.devnull, "--rootdir", folder]
        command += [part for plugin in ("django", "cacheprovider", "xdist") for part in ("-p", f"no:{plugin}")]
        command.append("test_it.py")
        environ = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return True
        return done.returncode != 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--sample", type=int, default=0, help="so many of the changes; all by default")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    original = (ROOT / arguments.module).read_text()
    if not _is_noticed(arguments.module, original, arguments.test):
        found = list(changes(ast.parse(original)))
    else:
        raise SystemExit("The tests fail on the module as it is.")
    sample = random.Random(arguments.seed).sample(found, min(arguments.sample or len(found), len(found)))
    missed = []
    for line, tree in sample:
        source = ast.unparse(tree)
        if not _is_noticed(arguments.module, source, arguments.test):
            words = original.splitlines()[line - 1].strip()
            missed.append(f"{line}: {words}")
            print(f"not noticed at line {line}: {words}", flush=True)
    noticed = len(sample) - len(missed)
    print(json.dumps({"benchmark": "mutation", "module": str(arguments.module), "changes": len(sample),
                      "noticed": noticed, "share": round(noticed / len(sample), 3), "missed": missed}))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
