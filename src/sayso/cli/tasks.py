"""`sayso tasks`."""

from __future__ import annotations

import click

from sayso.cli import TASKS
from sayso.cli.lazy import Verbs


@click.group(cls=Verbs, table=TASKS)
def command() -> None:
    """See what a model can be wanted for, or make a round of a task's items."""
