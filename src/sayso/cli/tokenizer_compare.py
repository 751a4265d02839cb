"""`sayso tokenizer compare`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_json
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.text.vocabularies import Compared


@verb
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILES…")
@option("--tokenizer", "names", multiple=True, required=True, metavar="TOKENIZER",
    help="A folder or a Hugging Face id; give it again for each.")  # fmt: skip
@option("--language", "languages", multiple=True, metavar="CODE",
    help="The language of each of FILES, in their order, such as en; once: of all of them.")  # fmt: skip
@option("--by", type=click.Choice(("file", "language")),
    help="Compare for each file, or for each language, as lingua finds it in every text.")  # fmt: skip
@with_json
def command(
    call: Call, files: tuple[Path, ...], names: tuple[str, ...], languages: tuple[str, ...], by: str | None
) -> None:  # fmt: skip
    """Compare tokenizers on the same texts, language by language: tokens for a byte and for a character.

    Fewer is shorter. FILES are as for sayso tokenizer train. Tokens that stand for what a tokenizer cannot write are counted
    as unknown; one that has many looks shorter than it is.
    """
    from sayso.models import folders
    from sayso.text import vocabularies

    if by and languages:
        raise click.UsageError(_("--language says the language of files, --by finds it; give one of them"))
    if languages and len(languages) not in (1, len(files)):
        raise click.UsageError(
            _("found {n} languages for {of} files; expected one for each, or one for all").format(
                n=len(languages), of=len(files)
            )
        )
    opened = [(name, vocabularies.opened(folders.find(name))) for name in names]
    found = vocabularies.compare(opened, _texts(files, languages, by))
    form = [
        {"tokenizer": item.name, **{key: value for key, value in asdict(item).items() if key != "name"},
            "tokens_per_byte": item.tokens_per_byte, "tokens_per_character": item.tokens_per_character}
        for item in found
    ]  # fmt: skip
    call.give({"compared": form}, lambda: _draw(found))


def _texts(files: Sequence[Path], languages: Sequence[str], by: str | None) -> Iterator[tuple[str, str]]:
    """Yield every text with its language, or with what stands in the place of one."""
    from sayso.text import corpus, vocabularies
    from sayso.text.cleaning import language

    known = languages if len(languages) == len(files) else [*languages, vocabularies.ALL][:1] * len(files)
    for given, path in zip(known, files, strict=True):
        for file in corpus.files_of([path]):
            for document in corpus.documents([file]):
                for text in document.texts():
                    if by == "language":
                        yield language.detect(text, language.Languages()).code, text
                    else:
                        yield str(file) if by == "file" else given, text


def _draw(found: Sequence[Compared]) -> None:
    rows = [
        (item.language, item.name, f"{item.entries:,}", f"{item.tokens:,}", f"{item.tokens_per_byte:.4f}",
            f"{item.tokens_per_character:.4f}", f"{item.unknown / item.tokens:.2%}" if item.tokens else "")
        for item in found
    ]  # fmt: skip
    columns = (
        _("language"), _("tokenizer"), _("entries"), _("tokens"), _("tokens a byte"), _("tokens a character"), _("unknown"),
    )  # fmt: skip
    console.table(columns, rows, right=(2, 3, 4, 5, 6))
