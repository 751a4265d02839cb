"""Imports point down, and what should be light is light."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "transformers", "pydantic", "sqlalchemy", "rich", "numpy", "yaml", "matplotlib", "peft", "alembic")
CALL = "from sayso.cli.main import main\nsys.argv = {words}\ntry:\n    main()\nexcept SystemExit:\n    pass"
LIGHT = {
    "import sayso": "import sayso",
    "import sayso.cli": "import sayso.cli, sayso.cli.main",
    "sayso --help": CALL.format(words=["sayso", "--help"]),
}
DOORS = ("store", "losses", "models", "critics", "methods", "training", "evaluation", "loop", "text", "web", "tasks",
         "text.files", "text.cleaning", "text.overlap", "models.forms", "models.writing", "models.classical",
         "tasks.classify")  # fmt: skip


def loaded_after(code: str) -> set[str]:
    """Run code in a fresh process and return the modules that it left loaded."""
    script = f"import sys\n{code}\nprint('\\nMODULES', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.rsplit("MODULES", 1)[1].split())


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(["lint-imports", "--no-cache"], capture_output=True, text=True, cwd=ROOT, env=_with_our_path())
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("code", LIGHT.values(), ids=LIGHT.keys())
def test_the_door_and_the_help_load_nothing_heavy(code: str) -> None:
    assert loaded_after(code).isdisjoint(HEAVY)


def test_help_imports_no_command() -> None:
    found = {name for name in loaded_after(LIGHT["sayso --help"]) if name.startswith("sayso.")}
    assert found <= {
        "sayso.cli", "sayso.cli.main", "sayso.cli.lazy", "sayso.cli.options", "sayso.cli.failures", "sayso.cli.environment",
        "sayso.errors", "sayso.i18n",
    }  # fmt: skip


@pytest.mark.parametrize("verb", ["learn", "loop", "evaluate", "init", "comments"])
def test_the_help_of_a_verb_loads_neither_torch_nor_the_database(verb: str) -> None:
    assert loaded_after(CALL.format(words=["sayso", verb, "--help"])).isdisjoint(HEAVY)


@pytest.mark.parametrize("room", DOORS)
def test_a_door_loads_nothing_heavy(room: str) -> None:
    assert loaded_after(f"import sayso.{room}").isdisjoint(HEAVY)


def _with_our_path() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
