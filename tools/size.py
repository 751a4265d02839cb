"""How long the code is, room by room; fails where a file has more than 500 lines or a function more than 60.

    python tools/size.py [FOLDER]

Above 250 lines a file, and above 25 a function, is said but does not fail. A function's docstring is not counted.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "sayso"
FILE_HARD, FILE_SOFT = 500, 250
FUNCTION_HARD, FUNCTION_SOFT = 60, 25


@dataclass(frozen=True, kw_only=True)
class Size:
    """The lines of one file or function."""

    name: str
    lines: int
    soft: int
    hard: int

    def __str__(self) -> str:
        return f"{self.lines:5d}  {self.name} (at most {self.hard}, better {self.soft})"


def sizes(folder: Path) -> Iterator[Size]:
    """Give the size of every file, and of every function in it."""
    for path in sorted(folder.rglob("*.py")):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(folder).as_posix()
        yield Size(name=name, lines=len(text.splitlines()), soft=FILE_SOFT, hard=FILE_HARD)
        for node in _functions(ast.parse(text)):
            yield Size(name=f"{name}:{node.name}", lines=_length(node), soft=FUNCTION_SOFT, hard=FUNCTION_HARD)


def _functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Give every function, also one in another; no expression holds one, so none is looked through."""
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            yield part
        if isinstance(part, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _functions(part)


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def rooms(folder: Path) -> Counter[str]:
    """Return the lines of each room."""
    counted: Counter[str] = Counter()
    for path in folder.rglob("*.py"):
        counted[path.relative_to(folder).parts[0]] += len(path.read_text(encoding="utf-8").splitlines())
    return counted


def main(args: list[str]) -> int:
    """Print the sizes; return 1 when one is past its wall."""
    folder = Path(args[0]) if args else SOURCE
    counted = rooms(folder)
    for name, lines in sorted(counted.items(), key=lambda item: -item[1]):
        print(f"{lines:6d}  {name}")
    print(f"{sum(counted.values()):6d}  in all")
    found = list(sizes(folder))
    long = [item for item in found if item.soft < item.lines <= item.hard]
    over = [item for item in found if item.lines > item.hard]
    print(*("long:     " + str(item) for item in long), sep="\n", end="\n" if long else "")
    print(*("too long: " + str(item) for item in over), sep="\n", end="\n" if over else "")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
