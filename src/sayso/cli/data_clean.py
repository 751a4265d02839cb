"""`sayso data clean`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from sayso.cli import data_options
from sayso.cli.options import Call, option, verb, with_dry_run, with_json


@verb
@data_options.with_files
@option("--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Where the shards and the report are written.")
@data_options.with_fields
@option(
    "--language",
    "languages",
    multiple=True,
    metavar="CODE",
    help="Keep texts in this language, such as en or zh; may be given again.",
)
@option("--quality", multiple=True, type=click.Choice(("gopher", "c4")),
    help="Keep what passes these rules, made for web pages; may be given again.")  # fmt: skip
@option("--private", type=click.Choice(("mask", "drop", "keep")),
    help="Mask personal data (the usual), drop texts with it, or keep it.")  # fmt: skip
@data_options.with_writing
@data_options.with_layers
@with_dry_run
@with_json
def command(call: Call, files: tuple[str, ...], out: Path | None, fields: tuple[str, ...], languages: tuple[str, ...],
    quality: tuple[str, ...], private: str | None, to: str | None, workers: int, skip_bad: bool) -> None:  # fmt: skip
    """Clean texts: repair encodings, HTML to text, one form of characters, plain spaces, no personal data.

    FILES are .jsonl, .txt, .csv, .tsv, .html, these with .gz or .zst, .parquet, folders of them, or data sets by their
    Hugging Face names. What was dropped is counted by its reason, with samples. The same command goes on where it was
    stopped.
    """
    from sayso.text.cleaning import cleaner
    from sayso.text.files import runs, streams

    given = {
        "clean.fields": fields, "clean.language.keep": languages, "clean.quality": quality, "clean.private": private,
        "writing.to": to, "writing.skip_bad": skip_bad,
    }  # fmt: skip
    settings = data_options.settings_of(call, given)
    plan = runs.Plan(
        make=partial(cleaner.Cleaner, settings.clean), found=streams.sources(files, settings.reading),
        reading=settings.reading, writing=settings.writing, workers=workers,
    )  # fmt: skip
    data_options.do(call, plan, out, lambda: runs.key_of("clean", plan, settings.clean))
