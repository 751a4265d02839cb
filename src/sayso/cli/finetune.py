"""`sayso finetune`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from sayso.cli.launching import expect_alone, with_processes
from sayso.cli.options import Call, option, verb, with_dry_run, with_json, with_settings
from sayso.errors import SettingsError


@verb
@click.argument("model", metavar="MODEL")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILES…")
@option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="The run's folder.")
@option("--task", "name", type=click.Choice(("chat", "classify", "summarize", "translate", "answer", "retrieval", "write")),
    help="What is learnt: chat, the answers in conversations, or another task's right answers.")  # fmt: skip
@option(
    "--tokenizer", metavar="TOKENIZER", help="For a model fresh:ARCHITECTURE: a tokenizer's folder, or a Hugging Face id."
)
@option("--tokens", type=click.IntRange(min=1), metavar="N", help="End the schedule after about so many tokens.")
@option("--comments", "said", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="With --task classify: comments on answers, to be learnt beside the texts; may be given again.")  # fmt: skip
@option("--backend", type=click.Choice(("here", "hosted")), default="here", show_default=True,
    help="Where it is trained: here, or by a host that speaks OpenAI's protocol of files and jobs.")  # fmt: skip
@with_processes
@with_settings
@with_dry_run
@with_json
def command(call: Call, model: str, files: tuple[Path, ...], out: Path, name: str | None, tokenizer: str | None,
    tokens: int | None, said: tuple[Path, ...], backend: str) -> None:  # fmt: skip
    """Train a model on conversations: every turn of the assistant is learnt. Or on the items of a task.

    MODEL is a Hugging Face folder or id, or fresh:ARCHITECTURE (fresh:bart, fresh:llama …) for random weights around the
    vocabulary of --tokenizer, with --set model.KEY=VALUE for the architecture's own keys. FILES are .jsonl with lines such
    as {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}, also .gz, or folders of them.
    With --task they are the task's own files, or hf:NAME. With --task classify, MODEL may be linear, the classifier on words
    that every other is held against; --comments teach the classes that they name, and the words that they quote. An adapter
    is trained unless train.use_lora is false. The result is written to FOLDER/model; the same command goes on where it was
    stopped.
    """
    if backend == "hosted" or name == "classify":
        expect_alone("--backend hosted" if backend == "hosted" else "--task classify")
    if backend == "hosted":
        from sayso.cli import hosted

        hosted.do(call, model, files, out)
        return
    if name == "classify":
        from sayso.cli import classify

        classify.train(call, model, files, out, {"tokenizer": tokenizer, "comments.files": [str(path) for path in said]})
        return
    if said:
        raise SettingsError("--comments goes with --task classify; other comments are learnt from by sayso learn")
    from sayso import config
    from sayso.cli import training
    from sayso.training import finetuning

    given = {"task": name, "tokenizer": tokenizer, "data.tokens": tokens}
    first = [f"{key}={json.dumps(value)}" for key, value in given.items() if value is not None]
    layers = [config.read(call.config)] if call.config else []
    settings = finetuning.settings_of(layers, [*first, *call.laid_over], model=model)
    training.do(call, lambda: finetuning.task(model, files, settings), out)
