"""Sizes, prints, paths: what keeps the house in order."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
from tools import size

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "sayso"
# Spelt so that this file does not hold what it looks for.
OURS = re.compile("|".join(["/" + "home/[a-z]", "/" + "Users/[A-Za-z]", "/" + "work/", "/" + "root/", r"[A-Z]:\\\\Users"]))


def test_no_file_and_no_function_is_past_its_wall() -> None:
    assert [str(item) for item in size.sizes(SOURCE) if item.lines > item.hard] == []


def test_a_long_function_is_found_and_its_docstring_is_not_counted(tmp_path: Path) -> None:
    body = "\n".join(f"    a{number} = {number}" for number in range(60))
    (tmp_path / "long.py").write_text(f"def long():\n{body}\n", encoding="utf-8")
    docstring = '    """' + "\n\n    ".join("word" for _ in range(40)) + '"""'
    (tmp_path / "said.py").write_text(f"def said():\n{docstring}\n    return 1\n", encoding="utf-8")
    lengths = {item.name: item.lines for item in size.sizes(tmp_path)}
    assert lengths["long.py:long"] == 61
    assert lengths["said.py:said"] == 2
    assert size.main([str(tmp_path)]) == 1


def test_a_function_is_found_wherever_it_stands(tmp_path: Path) -> None:
    lines = [
        "class A:", "    async def b(self):", "        try:", "            def c(): ...", "        except ValueError:",
        "            def d(): ...", "        match 1:", "            case 1:", "                def e(): ...",
        "if True:", "    with x:", "        def f(): ...", "else:", "    def g(): ...",
    ]  # fmt: skip
    (tmp_path / "all.py").write_text("\n".join(lines), encoding="utf-8")
    assert [item.name for item in size.sizes(tmp_path)] == ["all.py", *(f"all.py:{name}" for name in "bcdefg")]


def test_a_long_file_fails(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text("a = 1\n" * 501, encoding="utf-8")
    assert size.main([str(tmp_path)]) == 1
    (tmp_path / "long.py").write_text("a = 1\n" * 500, encoding="utf-8")
    assert size.main([str(tmp_path)]) == 0


def test_the_lines_of_a_room_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    for name in ("a", "b"):
        (tmp_path / "room" / f"{name}.py").write_text("a = 1\n" * 3, encoding="utf-8")
    assert size.rooms(tmp_path) == {"room": 6}


def test_only_the_command_line_prints() -> None:
    loud = []
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE).parts[0] == "cli":
            continue
        text = path.read_text(encoding="utf-8")
        if "print" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                loud.append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    assert loud == []


@pytest.mark.parametrize("text", ["/" + "home/ann/x", "/" + "work/main/y", "C:" + r"\\Users\ann"])
def test_a_path_of_somebodys_machine_would_be_found(text: str) -> None:
    assert OURS.search(text)


def test_no_file_holds_a_path_of_a_developers_machine() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture, a packed file or weights
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in OURS.finditer(text)]
    assert found == []


def tracked() -> list[Path]:
    """The files of the project: those git knows or would add; without git, all but the hidden folders."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode == 0:
        paths = [ROOT / name for name in done.stdout.split("\0") if name]
    else:
        hidden = re.compile(r"(^|/)(\.|__pycache__)")
        paths = [path for path in ROOT.rglob("*") if not hidden.search(path.relative_to(ROOT).as_posix())]
    return [path for path in paths if path.is_file()]


def test_what_make_bench_runs_exists_and_needs_no_argument() -> None:
    named = re.search(r"^BENCH \?= (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert named
    for name in named.group(1).split():
        text = (ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
        asked = re.findall(r"add_argument\(\s*\"(?!-)|required=True|sys\.argv\[1\]", text)
        assert asked == [], name
