"""Every command, option and setting is documented, and the pages say what the code says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, get_type_hints

import click
import pytest
from click.testing import CliRunner
from tools import reference

from sayso.cli.main import group
from sayso.critics import CRITICS
from sayso.loop.settings import Settings
from sayso.methods import METHODS
from sayso.registry import load

CLI = (reference.DOCS / "cli.md").read_text(encoding="utf-8")
SETTINGS = (reference.DOCS / "settings.md").read_text(encoding="utf-8")


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            assert inner is not None
            yield from commands(inner, f"{path} {name}")


def keys(kind: type[Any], prefix: str = "") -> Iterator[tuple[str, type[Any], str]]:
    hints = get_type_hints(kind)
    for item in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[item.name]):
            yield from keys(hints[item.name], f"{prefix}{item.name}.")  # type: ignore[arg-type]
        elif not item.name.startswith("_"):
            yield f"{prefix}{item.name}", kind, item.name


ALL_KEYS = [
    *keys(Settings),
    *(found for name in METHODS for found in keys(load(METHODS, name, kind="method"))),
    *(found for name in CRITICS for found in keys(load(CRITICS, name, kind="critic"))),
]


def test_the_pages_are_english_after_help_was_asked_for_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "zh")  # put back at the end, for it is what click asks
    monkeypatch.setenv("SAYSO_LANG", "zh")
    assert "显示这段说明并退出" in CliRunner().invoke(group, ["data", "--help"]).output
    assert "显示这段说明并退出" not in reference.pages()[reference.DOCS / "cli.md"]


def test_the_pages_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(("path", "command"), list(commands(group, "sayso")), ids=str)
def test_every_command_and_option_is_on_the_page(path: str, command: click.Command) -> None:
    assert f"# {path}\n" in CLI
    assert command.help
    section = CLI.split(f"# {path}\n")[1].split("\n#")[0]
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{path} {option.name} has no help"
            assert all(name in section for name in option.opts)


@pytest.mark.parametrize(("key", "kind", "name"), ALL_KEYS)
def test_every_setting_says_what_it_does(key: str, kind: type[Any], name: str) -> None:
    assert reference.documented(kind).get(name), f"{kind.__name__}.{name} has no docstring"
    assert f"| `{key}` |" in SETTINGS
