"""The options that commands share, gathered into one `Call`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sayso.cli.lazy import Option, Verb

if TYPE_CHECKING:
    from sayso.loop import Watcher
    from sayso.loop.previewing import Preview
    from sayso.loop.settings import Settings
    from sayso.loop.workspace import Workspace

Command = Callable[..., Any]
_GATHERED = {"config": None, "assignments": (), "seed": None, "as_json": False, "dry_run": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """What stands before the verb."""

    folder: Path | None
    line: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of a command: the workspace it is for, and the shared options it was given."""

    folder: Path | None
    line: str
    """The command line as it was typed."""
    config: Path | None
    assignments: tuple[str, ...]
    seed: int | None
    as_json: bool
    dry_run: bool

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """Open the workspace for the time of a block."""
        from sayso.loop.workspace import Workspace

        opened = Workspace.open(self.folder or Path())
        try:
            yield opened
        finally:
            opened.close()

    @property
    def laid_over(self) -> tuple[str, ...]:
        """The assignments of `--set`, and of `--seed` after them."""
        return self.assignments if self.seed is None else (*self.assignments, f"seed={self.seed}")

    def settings(self, workspace: Workspace, *, first: tuple[str, ...] = ()) -> Settings:
        """Return the workspace's settings with `--config`, `first`, `--set` and `--seed` laid over them, in this order."""
        from sayso.loop import starting

        layers = [starting.layer(self.config)] if self.config else []
        return workspace.settings(*layers, assignments=[*first, *self.laid_over])

    def taken_in(self, workspace: Workspace, *, first: tuple[str, ...] = ()) -> Settings:
        """Return the settings after the files they name were imported; a dry run imports nothing (see `preview`)."""
        from sayso.loop import importing

        settings = self.settings(workspace, first=first)
        return settings if self.dry_run else importing.take_in(workspace, settings)

    def preview(self, workspace: Workspace, settings: Settings, look: Callable[[], Preview]) -> None:
        """Print what a dry run would do, and what it would import first; the files are read, so that a fault is said."""
        from sayso.cli import console
        from sayso.loop import previewing

        found = previewing.with_files(workspace, settings, look)
        self.give(found.form, lambda: console.lines(found.sentence))

    @contextmanager
    def watching(self) -> Iterator[Watcher]:
        """Draw progress for the time of a block."""
        from sayso.cli import console

        with console.watching(quiet=self.as_json) as watch:
            yield watch

    def give(self, found: Mapping[str, Any], draw: Callable[[], None]) -> None:
        """Print the one JSON object, or draw."""
        from sayso.cli import console

        if self.as_json:
            console.emit(found)
        else:
            draw()


def verb(function: Command) -> click.Command:
    """Make a function that takes a `Call` into a command; its docstring is the help."""

    @functools.wraps(function)
    def command(**given: Any) -> Any:
        shared = {name: given.pop(name, usual) for name, usual in _GATHERED.items()}
        start: Start = click.get_current_context().obj
        return function(Call(folder=start.folder, line=start.line, **shared), **given)

    return click.command(cls=Verb)(command)


def option(*names: str, **settings: Any) -> Callable[[Command], Command]:
    """Declare an option whose help is translated."""
    return click.option(*names, cls=Option, **settings)


def with_json(function: Command) -> Command:
    """Add `--json`."""
    return option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, last.")(function)


def with_dry_run(function: Command) -> Command:
    """Add `--dry-run`."""
    return option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")(function)


def with_settings(function: Command) -> Command:
    """Add `--config`, `--set` and `--seed`."""
    config = option("--config", type=click.Path(path_type=Path), metavar="FILE", help="A YAML file laid over sayso.yaml.")
    assign = option("--set", "assignments", multiple=True, metavar="KEY=VALUE",
        help="One setting, such as train.max_steps=100; may be given again.")  # fmt: skip
    seed = option("--seed", type=click.IntRange(min=0), metavar="N", help="One seed for everything that is drawn.")
    return config(assign(seed(function)))
