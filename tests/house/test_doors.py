"""A door says what its room is for, and holds names only; every name leads somewhere."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

import sayso
from sayso.cli import COMMANDS, COMMENTS
from sayso.critics import CHECKS, CRITICS, REFINERS
from sayso.losses import LOSSES
from sayso.methods import METHODS
from sayso.models import MODELS
from sayso.registry import load

SOURCE = Path(sayso.__file__).parent
DOORS = sorted(path for path in SOURCE.glob("*/__init__.py"))
TABLES = {"method": METHODS, "critic": CRITICS, "check": CHECKS, "refiner": REFINERS, "model": MODELS, "loss": LOSSES}
EVERY = sorted([*DOORS, *SOURCE.glob("*/*/__init__.py")])
ENTRIES = [(kind, name) for kind, table in TABLES.items() for name in table]


def names(path: Path) -> str:
    return path.parent.name


def parts_of(path: Path) -> list[ast.stmt]:
    return ast.parse(path.read_text(encoding="utf-8")).body


@pytest.mark.parametrize("door", EVERY, ids=names)
def test_a_door_is_short_and_says_what_the_room_is_for(door: Path) -> None:
    assert len(door.read_text(encoding="utf-8").splitlines()) <= 80
    assert ast.get_docstring(ast.parse(door.read_text(encoding="utf-8")))


@pytest.mark.parametrize("door", EVERY, ids=names)
def test_a_door_holds_names_only(door: Path) -> None:
    strange = [ast.unparse(part) for part in parts_of(door) if not is_fitting(part)]
    assert not strange


def is_fitting(part: ast.stmt) -> bool:
    if isinstance(part, ast.Import | ast.ImportFrom | ast.AnnAssign):
        return True
    if isinstance(part, ast.Expr):
        return isinstance(part.value, ast.Constant)
    if isinstance(part, ast.If):
        return ast.unparse(part.test) == "TYPE_CHECKING"
    if isinstance(part, ast.ClassDef):
        return [ast.unparse(base) for base in part.bases] == ["Protocol"]
    # A literal table, a list of names, or the name of a type.
    return isinstance(part, ast.Assign) and isinstance(part.value, ast.Dict | ast.List | ast.Subscript)


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_every_name_in_a_table_leads_somewhere(kind: str, name: str) -> None:
    assert callable(load(TABLES[kind], name, kind=kind))


@pytest.mark.parametrize("target", [place for place, _short in [*COMMANDS.values(), *COMMENTS.values()]])
def test_every_command_leads_somewhere(target: str) -> None:
    module, _colon, name = target.partition(":")
    assert callable(getattr(import_module(module), name))


@pytest.mark.parametrize("path", sorted((SOURCE / "methods").glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_every_file_of_methods_is_in_the_table(path: Path) -> None:
    assert f"sayso.methods.{path.stem}" in {place.partition(":")[0] for place in METHODS.values()}


@pytest.mark.parametrize("door", DOORS, ids=names)
def test_what_a_door_exports_is_there(door: Path) -> None:
    module = import_module(f"sayso.{door.parent.name}")
    exported = list(module.__all__)
    assert len(exported) == len(set(exported))
    assert all(hasattr(module, name) for name in exported)


@pytest.mark.parametrize("door", DOORS, ids=names)
def test_the_names_a_door_defines_are_exported_tables_first(door: Path) -> None:
    module = import_module(f"sayso.{door.parent.name}")
    defined = [part.name for part in parts_of(door) if isinstance(part, ast.ClassDef)]
    tables = [target.id for part in parts_of(door) if isinstance(part, ast.Assign) for target in part.targets
              if isinstance(target, ast.Name) and target.id.isupper()]  # fmt: skip
    assert sorted(module.__all__) == sorted({*defined, *tables, *(set(module.__all__) - {*defined, *tables})})
    assert {*defined, *tables} <= set(module.__all__)
    assert [name for name in module.__all__ if name in tables] == tables
    assert [name for name in module.__all__ if name in defined] in (defined, sorted(defined))


def test_every_public_function_and_class_says_what_it_is_for() -> None:
    bare = []
    for path in sorted(SOURCE.rglob("*.py")):
        if "migrations" in path.parts:
            continue
        for part in parts_of(path):
            public = isinstance(part, ast.FunctionDef | ast.ClassDef) and not part.name.startswith("_")
            if public and not is_overload(part) and not ast.get_docstring(part):
                bare.append(f"{path.relative_to(SOURCE)}:{part.name}")
    assert not bare


def is_overload(part: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether it only tells types; the function that follows it says what it is for."""
    return "overload" in [ast.unparse(mark) for mark in part.decorator_list]


def test_the_package_itself_exports_what_it_says() -> None:
    assert all(hasattr(sayso, name) for name in sayso.__all__)
    assert inspect.getdoc(sayso)
