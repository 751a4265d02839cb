"""A folder for ms-swift: rows in its standard format, a shell script, and for new answers a reward plugin.

See https://swift.readthedocs.io/en/latest/Customization/Custom-dataset.html for the data and
https://swift.readthedocs.io/en/latest/Instruction/Command-line-parameters.html for the options.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sayso.errors import PreflightError
from sayso.i18n import gettext as _
from sayso.loop.export import readme, scripts
from sayso.loop.export.llama_factory import longest
from sayso.loop.export.reading import DataSet, Form, Task
from sayso.loop.export.scripts import lora_of
from sayso.loop.export.settings import class_weights, losses, training
from sayso.records import plain
from sayso.store.bridges.chat import turns_form
from sayso.store.bridges.files import make_folder, write_text
from sayso.store.bridges.results import Written
from sayso.store.lines import write_lines

CARRIED: dict[Form, frozenset[str]] = {
    "completions": frozenset(),
    "pairs": frozenset({"beta", "loss_type", "sft_weight", "ld_alpha"}),
    "marks": frozenset({"beta", "loss_type", "desirable_weight", "undesirable_weight"}),
    "tasks": frozenset({"num_generations", "max_new_tokens", "temperature"}),
}
"""Which settings of a method ms-swift has for each form."""
TYPES: dict[Form, str] = {"completions": "", "pairs": "dpo", "marks": "kto", "tasks": "grpo"}
"""Its --rlhf_type; nothing where `swift sft` trains."""
_ROWS, _ANCHORS, _SCRIPT, _PLUGIN = "train.jsonl", "anchors.jsonl", "train.sh", "reward_plugin.py"


def write(found: DataSet, folder: Path) -> Written:
    """Write the rows, the anchors where there are any, a script and a README.

    Raises:
        PreflightError: ms-swift has no data set of this form.
    """
    if found.form not in TYPES:
        raise PreflightError(
            "ms-swift has no data set for what {method} learns from ({reason}); take --for trl",
            method=found.name, reason=why_not(found.form),
        )  # fmt: skip
    make_folder(folder)
    lost = losses(found, CARRIED[found.form])
    count = write_lines(folder / _ROWS, rows_of(found))
    files = [readme.rows_file(found, _ROWS), *readme.anchors_file(found, _ANCHORS)]
    if found.anchors:
        write_lines(folder / _ANCHORS, [{"messages": turns_form(item.prompt, item.answer)} for item in found.anchors])
    if found.form == "tasks":
        write_text(folder / _PLUGIN, scripts.plugin())
        files.append((_PLUGIN, _("the share of a prompt's checks that an answer passes, as sayso counts it")))
    write_text(folder / _SCRIPT, script(found))
    files.append((_SCRIPT, _("the command; its options are the settings")))
    run = ["pip install ms-swift" + (" sayso" if found.form == "tasks" else ""), f"sh {_SCRIPT}"]
    if found.form == "completions" and found.anchors:
        run.append(f"sh {_SCRIPT} --dataset {_ROWS} {_ANCHORS}  # " + _("the anchors are learnt like any other row"))
    write_text(folder / "README.md", readme.text(found, tool="ms-swift", files=files, run=run, lost=lost))
    names = [*(name for name, _what in files), "README.md"]
    return Written(count=count, lost=lost, files=tuple(folder / name for name in names))


def why_not(form: Form) -> str:
    """Return why there is no data set of a form; empty where there is one."""
    return _("its standard format has no column for what a teacher reads besides") if form == "hints" else ""


def rows_of(found: DataSet) -> list[dict[str, Any]]:
    """Return the rows with ms-swift's keys."""
    if found.form == "pairs":
        return [
            {"messages": turns_form(pair.prompt, pair.chosen), "rejected_response": pair.rejected} for pair in found.pairs
        ]
    if found.form == "tasks":
        return [_task(task) for task in found.tasks]
    rows: list[dict[str, Any]] = [{"messages": turns_form(line.prompt, line.answer)} for line in found.lines]
    if found.form == "marks":
        from sayso.methods.polarity import GOOD

        rows = [{**row, "label": line.kind == GOOD} for row, line in zip(rows, found.lines, strict=True)]
    return rows


def script(found: DataSet) -> str:
    """Return the command as a shell script; what it is given goes to swift as further options."""
    verb = "rlhf" if TYPES[found.form] else "sft"
    options = [f"    {name} {value} \\" for name, value in _options(found).items()]
    head = ["#!/bin/sh", "set -e", 'cd "$(dirname "$0")"']
    if found.adapter:  # a new adapter is trained on the merged model, as the other folders do
        head += [
            f"swift export --model {shlex.quote(found.model)} --adapters {shlex.quote(found.adapter)} \\",
            "    --merge_lora true --output_dir merged",
        ]
    return "\n".join([*head, f"swift {verb} \\", *options, '    "$@"']) + "\n"


def _options(found: DataSet) -> dict[str, str]:
    method: Any = found.method
    per_prompt = method.num_generations if found.form == "tasks" else 1
    model = {"model": "merged" if found.adapter else found.model, "use_hf": True}
    kind = {"rlhf_type": TYPES[found.form]} if TYPES[found.form] else {}
    own = {"pairs": _pair_loss, "marks": _mark_loss, "tasks": _task_loss}.get(
        found.form, lambda _found: {"loss_scale": "last_round"}
    )(found)
    lora = lora_of(found)
    weights: dict[str, Any] = {"train_type": "full"}
    if lora is not None:
        modules = lora["target_modules"]
        weights = {
            "train_type": "lora", "lora_rank": lora["r"], "lora_alpha": lora["lora_alpha"],
            "lora_dropout": lora["lora_dropout"],
            "target_modules": modules if isinstance(modules, str) else " ".join(modules),
        }  # fmt: skip
    data = {"dataset": _ROWS, "max_length": longest(found), "output_dir": "trained"}
    shuffle = found.settings.train.train_sampling_strategy == "random"
    order = {} if shuffle else {"dataset_shuffle": False, "train_dataloader_shuffle": False}
    run = {**training(found, per_prompt=per_prompt), "warmup_ratio": found.settings.train.warmup_ratio}
    dtype = {"torch_dtype": "bfloat16"} if run.pop("bf16") else {}
    return _spelt({**kind, **model, **weights, **data, **own, **order, **run, **dtype})


def _spelt(options: Mapping[str, Any]) -> dict[str, str]:
    """Return options as a shell reads them; a list of names stays several words."""
    listed = {"target_modules", "dataset", "loss_type"}

    def word(name: str, value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if name in listed else shlex.quote(str(value))

    return {f"--{name}": word(name, value) for name, value in options.items()}


def _pair_loss(found: DataSet) -> dict[str, Any]:
    method: Any = found.method
    weight, alpha = getattr(method, "sft_weight", 0.0), getattr(method, "ld_alpha", 1.0)
    form = {"beta": method.beta, "loss_type": getattr(method, "loss_type", "sigmoid")}
    return {**form, **({"rpo_alpha": weight} if weight else {}), **({"ld_alpha": alpha} if alpha < 1 else {})}


def _mark_loss(found: DataSet) -> dict[str, Any]:
    method: Any = found.method
    praised, blamed = class_weights(found)
    return {"beta": method.beta, "loss_type": method.loss_type, "desirable_weight": praised, "undesirable_weight": blamed}


def _task_loss(found: DataSet) -> dict[str, Any]:
    method: Any = found.method
    return {
        "external_plugins": _PLUGIN, "reward_funcs": "sayso_checks", "num_generations": method.num_generations,
        "max_completion_length": method.max_new_tokens, "temperature": method.temperature, "scale_rewards": "none",
        "beta": 0.0, "remove_unused_columns": False,
    }  # fmt: skip


def _task(task: Task) -> dict[str, Any]:
    """Return a prompt with what judges answers to it, which GRPO passes on to the plugin."""
    comments = [{"text": comment.text, "check": plain(comment.check)} for comment in task.comments]
    return {
        "messages": turns_form(task.prompt), "comments": json.dumps(comments, ensure_ascii=False),
        "response": task.response.text if task.response else "",
    }  # fmt: skip
