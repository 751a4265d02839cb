"""`sayso schema`."""

from __future__ import annotations

import json
from typing import Literal

import click

from sayso.cli import console
from sayso.cli.options import Call, verb


@verb
@click.argument("shape", type=click.Choice(("comments", "prompts", "responses")), metavar="comments|prompts|responses")
def command(_call: Call, shape: Literal["comments", "prompts", "responses"]) -> None:
    """Print the JSON Schema of one line of a file."""
    from sayso.store import wire

    console.lines(json.dumps(wire.schema(shape), ensure_ascii=False, indent=2))
