"""`sayso bench`."""

from __future__ import annotations

import click

from sayso.cli import BENCH
from sayso.cli.lazy import Verbs


@click.group(cls=Verbs, table=BENCH)
def command() -> None:
    """Measure whether comments take, on a suite that is the same for every model."""
