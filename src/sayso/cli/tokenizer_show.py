"""`sayso tokenizer show`."""

from __future__ import annotations

import click

from sayso.cli import console
from sayso.cli.options import Call, verb, with_json


@verb
@click.argument("tokenizer", metavar="TOKENIZER")
@click.argument("text", metavar="TEXT")
@with_json
def command(call: Call, tokenizer: str, text: str) -> None:
    """Show the tokens of a text.

    TOKENIZER is a folder with a tokenizer or a model, or a Hugging Face id.
    """
    from sayso.models import folders
    from sayso.text import vocabularies

    found = vocabularies.show(vocabularies.opened(folders.find(tokenizer)), text)
    form = {"tokens": [{"id": token.id, "text": token.text} for token in found], "bytes": len(text.encode())}
    call.give(form, lambda: console.lines(" ".join(f"{token.text!r}:{token.id}" for token in found)))
