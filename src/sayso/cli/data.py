"""`sayso data`."""

from __future__ import annotations

import click

from sayso.cli import DATA
from sayso.cli.lazy import Verbs


@click.group(cls=Verbs, table=DATA)
def command() -> None:
    """Make raw text fit to learn from: clean it, look for what is wrong in it, bring it into another format."""
