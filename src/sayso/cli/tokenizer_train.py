"""`sayso tokenizer train`."""

from __future__ import annotations

from pathlib import Path

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_json
from sayso.i18n import gettext as _


@verb
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILES…")
@option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="Where the tokenizer is written.")
@option("--kind", default="byte-bpe", metavar="KIND",
    help="byte-bpe (the usual), bpe, unigram, wordpiece, characters or bytes.")  # fmt: skip
@option("--vocab-size", type=click.IntRange(min=1), default=8192, metavar="N", help="Entries of the vocabulary (8192).")
@option("--context", type=click.IntRange(min=1), default=1024, metavar="N",
    help="The longest text a model with it will read, in tokens (1024).")  # fmt: skip
@option("--mask", is_flag=True, help="Add a mask token, for models that fill gaps.")
@with_json
def command(call: Call, files: tuple[Path, ...], out: Path, kind: str, vocab_size: int, context: int,
    mask: bool) -> None:  # fmt: skip
    """Learn a vocabulary from texts and conversations.

    FILES are .txt, .jsonl (lines with text or messages), .csv, .tsv, these with .gz or .zst, .parquet, or folders of them.
    The folder opens with Hugging Face's AutoTokenizer and has a chat template.
    """
    from sayso.text import corpus, tokenizer

    read = corpus.files_of(files)
    texts = (text for document in corpus.documents(read) for text in document.texts())
    entries = tokenizer.train(texts, out, vocab_size=vocab_size, model_max_length=context, kind=kind, mask=mask)
    said = _("{folder}: a vocabulary of {n} entries.").format(folder=out, n=entries)
    call.give({"tokenizer": str(out), "entries": entries}, lambda: console.lines(said))
