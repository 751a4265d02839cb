"""`sayso tokenizer`."""

from __future__ import annotations

import click

from sayso.cli import TOKENIZER
from sayso.cli.lazy import Verbs


@click.group(cls=Verbs, table=TOKENIZER)
def command() -> None:
    """Learn a vocabulary from text, look at one, or compare several."""
