"""`sayso comments`."""

from __future__ import annotations

import click

from sayso.cli import COMMENTS
from sayso.cli.lazy import Verbs


@click.group(cls=Verbs, table=COMMENTS)
def command() -> None:
    """Add, list, import, export or withdraw comments."""
