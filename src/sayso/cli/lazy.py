"""Commands that are imported when they are called, and speak the user's language when they are drawn."""

from __future__ import annotations

import contextvars
import copy
import difflib
import gettext as stdlib_gettext
import inspect
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from sayso import i18n
from sayso.cli.failures import refused
from sayso.i18n import gettext as _

GIVEN = "sayso.cli.given"
"""Under this name the context keeps the words of the command line."""
Table = Mapping[str, tuple[str, str]]


class Option(click.Option):
    """An option whose help is said in the language of the moment."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option and its help, translated."""
        return click.Option.get_help_record(_spoken(self), ctx)


class Verb(click.Command):
    """A command whose help is said in the language of the moment."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option --help, made anew: click keeps the one of the first time, in the language of that time."""
        self._help_option = None
        return click.Command.get_help_option(self, ctx)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does, translated."""
        click.Command.format_help_text(_spoken(self), ctx, formatter)


class Verbs(click.Group):
    """A group that knows its commands by a table of names, and imports one when it is called."""

    def __init__(self, *args: Any, table: Table, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.table = table

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words as they were given, for whoever asks how this was done."""
        ctx.meta.setdefault(GIVEN, list(args))
        return super().parse_args(ctx, args)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option --help, made anew, as `Verb` does."""
        self._help_option = None
        return click.Command.get_help_option(self, ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or return None when there is none of that name."""
        if cmd_name not in self.table:
            return None
        module, _colon, name = self.table[cmd_name][0].partition(":")
        found: click.Command = getattr(import_module(module), name)
        return found

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; a wrong name gets a suggestion."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if click.utils.make_str(args[0]).startswith("-"):
                raise
            raise click.UsageError(_unknown(args[0], self.table), ctx) from error

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the group is for, translated."""
        click.Command.format_help_text(_spoken(self), ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing any of them."""
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, _(short)) for name, (_where, short) in self.table.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT002 - click's signature
        **extra: Any,
    ) -> Any:
        """Run the command line and exit with its code; a language chosen on the way is forgotten at the end."""
        given = list(sys.argv[1:] if args is None else args)
        context = contextvars.copy_context()
        sys.exit(context.run(self._run, given, prog_name, complete_var, extra))

    def _run(self, args: list[str], prog_name: str | None, complete_var: str | None, extra: dict[str, Any]) -> int:
        speak(None)
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except (click.ClickException, click.Abort, Exception) as error:  # noqa: BLE001 - what is not the user's is raised again
            return refused(error, json="--json" in args)
        return code if isinstance(code, int) else 0


def speak(language: str | None) -> None:
    """Use a language for our own sentences and for those of click; None asks the environment."""
    i18n.use(language)
    os.environ["LANGUAGE"] = i18n.language()  # click asks the standard library, which looks here first
    stdlib_gettext.bindtextdomain("sayso", i18n.LOCALE)
    stdlib_gettext.textdomain("sayso")


def _unknown(name: str, table: Table) -> str:
    near = difflib.get_close_matches(name, table, n=1)
    if near:
        return _("unknown command {name!r}; did you mean {near!r}?").format(name=name, near=near[0])
    return _("unknown command {name!r}; expected one of {known}").format(name=name, known=", ".join(table))


def _spoken(described: Any) -> Any:
    translated = copy.copy(described)
    translated.help = _(inspect.cleandoc(described.help)) if described.help else described.help
    return translated
