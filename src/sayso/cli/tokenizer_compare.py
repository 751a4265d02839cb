"""`sayso tokenizer compare`."""

from __future__ import annotations

from pathlib import Path

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_json
from sayso.i18n import gettext as _


@verb
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILES…")
@option("--tokenizer", "names", multiple=True, required=True, metavar="TOKENIZER",
    help="A folder or a Hugging Face id; give it again for each.")  # fmt: skip
@with_json
def command(call: Call, files: tuple[Path, ...], names: tuple[str, ...]) -> None:
    """Compare tokenizers on the same text: tokens for a byte, fewer is shorter."""
    from sayso.models import folders
    from sayso.text import corpus, vocabularies

    opened = [(name, vocabularies.opened(folders.find(name))) for name in names]
    texts = (text for document in corpus.documents(corpus.files_of(files)) for text in document.texts())
    found = vocabularies.compare(opened, texts)
    rows = [(item.name, str(item.entries), str(item.tokens), f"{item.tokens_per_byte:.4f}") for item in found]
    columns = (_("tokenizer"), _("entries"), _("tokens"), _("tokens a byte"))
    form = {
        "compared": [
            {"tokenizer": item.name, "entries": item.entries, "tokens": item.tokens, "bytes": item.bytes,
                "tokens_per_byte": item.tokens_per_byte}
            for item in found
        ]
    }  # fmt: skip
    call.give(form, lambda: console.table(columns, rows, right=(1, 2, 3)))
