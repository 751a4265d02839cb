"""`sayso pretrain`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from sayso.cli.launching import expect_alone, with_processes
from sayso.cli.options import Call, option, verb, with_dry_run, with_json, with_settings
from sayso.errors import SettingsError


@verb
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILES…]")
@option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="The run's folder.")
@option("--architecture", metavar="NAME",
    help="ngram, hmm, lstm, llama, gpt2 …: the next token; bert: masked words; t5, bart: what was taken out.")  # fmt: skip
@option("--tokenizer", metavar="TOKENIZER", help="A folder made by sayso tokenizer train, or a Hugging Face id.")
@option("--tokens", type=click.IntRange(min=1), metavar="N", help="End the schedule after about so many tokens.")
@option("--find-rate", is_flag=True, help="Only test learning rates: 100 steps at a rising rate, and which to begin with.")
@with_processes
@with_settings
@with_dry_run
@with_json
def command(call: Call, files: tuple[Path, ...], out: Path, architecture: str | None, tokenizer: str | None,
    tokens: int | None, find_rate: bool) -> None:  # fmt: skip
    """Train a language model from random weights on text.

    FILES are .txt, .jsonl, .csv, .tsv (their text), these with .gz or .zst, .parquet, or folders of them; with their shares
    they are named by --set 'data.mixture={a.jsonl: 0.7, b/: 0.3}'. The architecture's own keys are set with --set
    model.KEY=VALUE; without any it is small. The model is written to FOLDER/model, curves and samples to FOLDER/report.html;
    the same command goes on where it was stopped.
    """
    from sayso import config
    from sayso.cli import training
    from sayso.training import classical, pretraining

    given = {"architecture": architecture, "tokenizer": tokenizer, "data.tokens": tokens}
    first = [f"{key}={json.dumps(value)}" for key, value in given.items() if value is not None]
    layers = [config.read(call.config)] if call.config else []
    settings = pretraining.settings_of(layers, [*first, *call.laid_over])
    if find_rate or settings.architecture in classical.SETTINGS:
        expect_alone("--find-rate" if find_rate else settings.architecture)
    if settings.architecture in classical.SETTINGS:
        if find_rate:
            raise SettingsError("--find-rate: only networks have a learning rate, not {name}", name=settings.architecture)
        training.do(call, lambda: classical.task(files, settings), out, by=classical)
        return
    act = training.find_rate if find_rate else training.do
    act(call, lambda: pretraining.task(files, settings), out)
