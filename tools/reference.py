"""Write the pages of docs/reference/ and docs/how-to/choose-a-method.md from the code, or check that they say what it says.

python tools/reference.py [--check]
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import click

from sayso.cli import lazy
from sayso.cli.main import group
from sayso.critics import CRITICS
from sayso.loop import fitting
from sayso.loop.answering import Measuring
from sayso.loop.settings import Settings
from sayso.methods import METHODS
from sayso.registry import load
from sayso.tasks import TASKS
from sayso.text.settings import Settings as DataSettings
from sayso.training.classifiers.classifying import Classifying
from sayso.training.finetuning import Finetuning
from sayso.training.hosted.jobs import Hosted
from sayso.training.material.data import Data
from sayso.training.pretraining import USUAL, Pretraining
from sayso.training.rules import RULES
from sayso.training.settings import Train

DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference"
HOW_TO = DOCS.parent / "how-to"
SEE = "*This page is written by `tools/reference.py` from the code.*"


def cli() -> str:
    """Return the page of commands."""
    with click.Context(group, info_name="sayso", help_option_names=["-h", "--help"]) as ctx:
        parts = ["# Command line", SEE, EXIT_CODES, *_command(group, ctx, 2)]
    return "\n\n".join(parts) + "\n"


EXIT_CODES = """`sayso [-C WORKSPACE] [--language en|zh] [-v] VERB …`; the verbs stand in the order of a round.

| exit code | meaning |
| --- | --- |
| 0 | done; for `evaluate`, `gate`, `loop` and `demo`: the gate promotes |
| 1 | failed: the disk, the database, a model |
| 2 | wrong use: a flag, a setting, a file, a name; nothing was changed |
| 3 | the gate refused |
| 4 | the gate is unsure |
| 130 | stopped with Ctrl-C; the same command goes on where it stopped |

With `--json`, progress goes to stderr and one JSON object is printed last on stdout; an error is
`{"error": {"kind": …, "message": …}, "exit_code": …}`."""


def _command(command: click.Command, ctx: click.Context, level: int) -> Iterator[str]:
    yield f"{'#' * level} {ctx.command_path}"
    yield f"    {' '.join([ctx.command_path, *command.collect_usage_pieces(ctx)])}"
    yield inspect.cleandoc(command.help or "")
    records = [item.get_help_record(ctx) for item in command.get_params(ctx) if isinstance(item, click.Option)]
    rows = [record for record in records if record is not None]
    yield _table(("option", "meaning"), [(f"`{name}`", text) for name, text in rows])
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            assert inner is not None
            with click.Context(inner, info_name=name, parent=ctx) as below:
                yield from _command(inner, below, level + 1)


def settings() -> str:
    """Return the page of settings."""
    parts = ["# Settings", SEE, HOW, *_section("", Settings, "Everything")]
    parts += ["## Methods", "`method:` takes a name, or a mapping with `name` and these keys."]
    for name in METHODS:
        parts += _named(name, load(METHODS, name, kind="method"))
    parts += ["## Critics", "`critics:` takes a mapping from a critic's name to these keys."]
    for name in CRITICS:
        parts += _named(name, load(CRITICS, name, kind="critic"))
    parts += ["## `sayso pretrain` and `sayso finetune`", FROM_NOTHING]
    parts += _named("pretrain", Pretraining) + _named("finetune", Finetuning) + _named("data", Data)
    parts += ["### `--backend hosted`", _keys(Hosted), "### `--task classify`", *_nested(Classifying)]
    parts += [
        "## `sayso evaluate --task`",
        *_nested(Measuring),
        "A task's own keys stand below its name: `translate.target`.",
    ]
    for name in TASKS:
        parts += _named(name, load(TASKS, name, kind="task"))
    parts += ["## `sayso data`", *_nested(DataSettings)]
    return "\n\n".join(parts) + "\n"


FROM_NOTHING = """They take these keys by `--config` and `--set`, with `data` and `train` below them; `train` has the keys of
its table above, and `pretrain` usual values of its own, for a model of a few million weights: USUAL.""".replace(
    "USUAL", ", ".join(f"`{key}={value}`" for key, value in USUAL["train"].items())
)


def _nested(kind: type[Any]) -> Iterator[str]:
    """Yield the keys of a class, and those below them, each class once below its key."""
    hints = get_type_hints(kind)
    plain = [item for item in dataclasses.fields(kind) if not dataclasses.is_dataclass(hints[item.name])]
    if plain:
        yield _table(("key", "default", "meaning"), _rows(kind, plain))
    for item in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[item.name]) and hints[item.name] is not Train:
            yield from _below(f"{item.name}.", hints[item.name])


def _below(prefix: str, kind: Any) -> Iterator[str]:
    hints = get_type_hints(kind)
    fields = [item for item in dataclasses.fields(kind) if not item.name.startswith("_")]
    plain = [item for item in fields if not dataclasses.is_dataclass(hints[item.name])]
    if plain:
        yield _table(("key", "default", "meaning"), _rows(kind, plain, prefix))
    for item in fields:
        if dataclasses.is_dataclass(hints[item.name]):
            yield from _below(f"{prefix}{item.name}.", hints[item.name])


def _keys(kind: type[Any]) -> str:
    return _table(("key", "default", "meaning"), _rows(kind, dataclasses.fields(kind)))


def _rows(kind: type[Any], fields: Sequence[dataclasses.Field[Any]], prefix: str = "") -> list[tuple[str, str, str]]:
    said = documented(kind)
    return [(f"`{prefix}{item.name}`", _default(item), said.get(item.name, "")) for item in fields]


OWN = "A task's own keys stand below its name: `translate.target`."
HOW = """A workspace's `sayso.yaml`, a round file and a `--config` file have the same keys. A round file is laid over
`sayso.yaml`, `--set key=value` over both: `--set train.max_steps=100`. An unknown key is an error."""


def _section(prefix: str, kind: type[Any], title: str) -> Iterator[str]:
    rows, inner = [], []
    said, hints = documented(kind), get_type_hints(kind)
    for item in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[item.name]):
            inner.append((f"{prefix}{item.name}.", hints[item.name], f"{prefix}{item.name}"))
        else:
            rows.append((f"`{prefix}{item.name}`", _default(item), said.get(item.name, "")))
    yield f"## {title}" if not prefix else f"## `{title}`"
    if prefix:
        yield inspect.getdoc(kind) or ""
    yield _table(("key", "default", "meaning"), rows)
    for below in inner:
        yield from _section(*below)


def _named(name: str, kind: type[Any]) -> list[str]:
    said = documented(kind)
    hints = get_type_hints(kind)
    fields = dataclasses.fields(kind)
    public = [item for item in fields if not item.name.startswith("_") and not dataclasses.is_dataclass(hints[item.name])]
    rows = [(f"`{item.name}`", _default(item), said.get(item.name, "")) for item in public]
    first = (inspect.getdoc(kind) or "").split("\n\n")[0]
    return [f"### `{name}`", first, *([_table(("key", "default", "meaning"), rows)] if rows else [])]


def documented(kind: type[Any]) -> dict[str, str]:
    """Return what the string under each attribute of a dataclass says."""
    source = inspect.getsource(importlib.import_module(kind.__module__))
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    body = next(node.body for node in classes if node.name == kind.__name__)
    found = {}
    for item, below in pairwise(body):
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and _is_text(below):
            found[item.target.id] = " ".join(textwrap.dedent(below.value.value).split())  # type: ignore[attr-defined]
    return found


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _default(item: dataclasses.Field[Any]) -> str:
    if item.default is not dataclasses.MISSING:
        value = item.default
    elif item.default_factory is not dataclasses.MISSING:
        value = item.default_factory()
    else:
        return "(required)"
    value = list(value) if isinstance(value, tuple) else value
    return "" if value in ("", None) else f"`{value}`"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


PREFLIGHT = """Before anything is trained, `sayso learn` looks at the comments, the examples made of them, the rows and
the model. What is broken stops it with exit code 2, and the first few comments, examples or rows are named. What is merely
doubtful is a warning. `sayso plan` says all of it without training, and with `--rows` shows three rows: what is learnt in
green, what is pushed down in red, what is only read dim (elsewhere than on a terminal between « » and ‹ ›).

`sayso plan` also foresees the time and the memory of every training (of `stages` each as if it began where the first
does): for about eight seconds it tries real micro-batches of different sizes, the first not counted, and one checkpoint;
nothing of it is kept. Both figures come with what they are to be expected between, and the memory with what takes it. Where
it is more than is free, or than `train.memory_limit`, it says which `train.max_tokens` fits, with
`train.gradient_checkpointing` where that alone does not do. `sayso learn`, `finetune` and `pretrain` say so before they
begin, and change nothing unless `train.auto_find_batch_size` is on. `sayso finetune --dry-run` and `pretrain --dry-run`
foresee theirs in the same way.

`sayso plan --competence` measures how well the model follows a comment it is told: on up to 24 of its answers that fail a
check, the share that it puts right when told, and beside it the share that it puts right when only asked again. The result
is kept in the workspace, by its content; for `hindsight`, `cut` and `feedback_rl` it is measured before they learn."""


def preflight() -> str:
    """Return the page of the rules that stand before every training."""
    parts = ["# What is looked at before training", SEE, PREFLIGHT, "## What stops"]
    stopping = {name: rule for name, rule in RULES.items() if rule.stops}
    rows = [(f"`{name}`", rule.where, rule.meaning, _limit(rule.limit), rule.source) for name, rule in stopping.items()]
    parts += [_table(("rule", "seen in", "what", "limit", "where the limit comes from"), rows), "## What is warned of"]
    rest = {name: rule for name, rule in RULES.items() if not rule.stops}
    rows = [(f"`{name}`", rule.where, rule.meaning, _limit(rule.limit), rule.source) for name, rule in rest.items()]
    parts.append(_table(("rule", "seen in", "what", "limit", "where the limit comes from"), rows))
    return "\n\n".join(parts) + "\n"


def _limit(limit: float | None) -> str:
    return "one is enough" if limit is None else f"{limit:g}"


CHOOSE = """`sayso recommend` answers this for a workspace: it counts what is there, ranks the methods that can be used,
says why, and what is missing for the others. Its first line is the command to run next.

    sayso recommend
    sayso recommend --minutes 30

It ranks by the table below: what each method cannot do without, and what speaks for it (+) and against it (−) where it is
so. The weights are a judgement that puts in order what was measured or published; they are no measurement, but were
[tried on workspaces](../explanation/advice.md). What each method does is said in [the methods](../methods/index.md). *n*
stands for the numbers of the workspace. The time is six operations a weight and token, times the passes, at 30 billion
operations a second on a CPU and a thousand times as many on a GPU: right within a factor of three or so."""


def choose() -> str:
    """Return the page that says which method fits."""
    parts = ["# Which method fits my feedback?", SEE, CHOOSE]
    for name, fit in fitting.FITS.items():
        first = (inspect.getdoc(load(METHODS, name, kind="method")) or "").split("\n\n")[0]
        needs = "\n".join(f"- needs {_plainly(need.says)}" for need in fit.needs)
        weighed = [(f"{point.weight:+g}".replace("-", "−"), _plainly(point.says)) for point in fit.points]
        link = f"[`{name}`](../methods/{name}.md), {fit.passes:g} passes a row."
        parts += [f"## `{name}`", f"{first} {link}", needs, _table(("weight", "where"), weighed)]
    said = documented_values(fitting)
    parts += ["## Where the lines are drawn", _table(("name", "value", "meaning"), said)]
    return "\n\n".join(parts) + "\n"


def _plainly(sentence: str) -> str:
    """Return a sentence template with n in the place of its numbers."""
    return re.sub(r"\{[^}]*%\}", "*n* %", re.sub(r"\{[^}%]*\}", "*n*", sentence))


def documented_values(module: ModuleType) -> list[tuple[str, ...]]:
    """Return the numbers that a module names in capitals, with what the string under each says."""
    body = ast.parse(inspect.getsource(module)).body
    found = []
    for number, item in enumerate(body):
        if isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant) and isinstance(item.targets[0], ast.Name):
            below = body[number + 1] if number + 1 < len(body) else item
            meaning = " ".join(below.value.value.split()) if _is_text(below) else ""  # type: ignore[attr-defined]
            found.append((f"`{item.targets[0].id}`", f"{item.value.value:,}", meaning))
    return found


def pages() -> dict[Path, str]:
    """Return the pages as they should be, in English."""
    lazy.speak("en")
    return {
        DOCS / "cli.md": cli(), DOCS / "settings.md": settings(), DOCS / "preflight.md": preflight(),
        HOW_TO / "choose-a-method.md": choose(),
    }  # fmt: skip


def main(args: list[str]) -> int:
    """Write the pages, or check them; return the exit code."""
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in args:
        print(*(f"stale: {path.name}; run python tools/reference.py" for path in stale), sep="\n", end="\n" if stale else "")
        return 1 if stale else 0
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
