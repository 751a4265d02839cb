"""`sayso`, the command: its options, and the way to its verbs."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from pathlib import Path

import click

from sayso import __version__, i18n
from sayso.cli import COMMANDS, environment
from sayso.cli.failures import warn_aloud
from sayso.cli.lazy import GIVEN, Option, Verbs, speak
from sayso.cli.options import Start


def _choose(_ctx: click.Context, _option: click.Parameter, value: str | None) -> None:
    if value is not None:
        speak(value)


@click.group(
    "sayso", cls=Verbs, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--language", cls=Option, type=click.Choice(i18n.LANGUAGES), callback=_choose, is_eager=True, expose_value=False,
    help="Speak English or Chinese; otherwise SAYSO_LANG or the system's language.",
)  # fmt: skip
@click.option(
    "-C", "folder", cls=Option, metavar="WORKSPACE", type=click.Path(path_type=Path),
    help="The workspace to work in; otherwise the current folder.",
)  # fmt: skip
@click.option("-v", "--verbose", cls=Option, count=True, help="Log what happens to stderr; twice for more.")
@click.version_option(__version__, prog_name="sayso", message="%(prog)s %(version)s", cls=Option)
@click.pass_context
def group(ctx: click.Context, folder: Path | None, verbose: int) -> None:
    """Tell a model what is wrong, in words. It learns, and shows you that it did.

    Start with sayso demo, or make a workspace of your own with sayso init.
    """
    if "WORLD_SIZE" in os.environ:
        from sayso.cli import launching

        launching.expect_one_process(ctx.invoked_subcommand)
    _look_here()
    ctx.obj = Start(folder=folder, line=shlex.join(["sayso", *ctx.meta[GIVEN]]))
    if verbose:
        logging.basicConfig(level=logging.DEBUG if verbose > 1 else logging.INFO)
    else:
        warn_aloud()


def _look_here() -> None:
    """Let `module:function` be found in the current folder, after everything that is installed."""
    if "" not in sys.path:
        sys.path.append("")


def main() -> None:
    """Run the command line."""
    os.environ.update(environment.settled(os.environ))
    group(prog_name="sayso")
