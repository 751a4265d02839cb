"""A folder for Hugging Face TRL: rows in one of its dataset types, and a script that trains on them.

The types are those of https://huggingface.co/docs/trl/dataset_formats; `privileged_context` is the column that its
experimental SDFT and SDPO trainers read (https://huggingface.co/docs/trl/sdft_trainer). Written for TRL 1.16.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sayso.i18n import gettext as _
from sayso.loop.export import readme, scripts
from sayso.loop.export.reading import DataSet, Form, Hint, Task
from sayso.loop.export.scribe import Line
from sayso.loop.export.settings import class_weights, losses, training
from sayso.records import Prompt, plain
from sayso.store.bridges.files import make_folder, write_text
from sayso.store.bridges.results import Written
from sayso.store.lines import write_lines

CARRIED: dict[Form, frozenset[str]] = {
    "completions": frozenset(),
    "pairs": frozenset({"beta", "loss_type", "sft_weight", "ld_alpha"}),
    "marks": frozenset({"beta", "loss_type", "desirable_weight", "undesirable_weight"}),
    "hints": frozenset({"teacher", "skip_first", "max_new_tokens", "temperature"}),
    "tasks": frozenset({"num_generations", "max_new_tokens", "temperature"}),
}
"""Which settings of a method TRL has for each form."""
_ROWS, _ANCHORS, _SCRIPT, _REWARD = "train.jsonl", "anchors.jsonl", "train.py", "reward.py"


def write(found: DataSet, folder: Path) -> Written:
    """Write the rows, the anchors where there are any, a script and a README."""
    make_folder(folder)
    lost = losses(found, CARRIED[found.form], ordered=found.form == "marks")
    count = write_lines(folder / _ROWS, rows_of(found))
    files = [readme.rows_file(found, _ROWS), *readme.anchors_file(found, _ANCHORS)]
    if found.anchors:
        held = [{**_completion(found, line), "scope": line.kind} for line in found.anchors]
        write_lines(folder / _ANCHORS, held)
    if found.form == "tasks":
        write_text(folder / _REWARD, scripts.reward())
        files.append((_REWARD, _("the share of a prompt's checks that an answer passes, as sayso counts it")))
    write_text(folder / _SCRIPT, scripts.training_script(found, arguments_of(found)))
    files.append((_SCRIPT, _("the training; its first lines are the settings")))
    run = ["pip install 'trl>=1.16' peft" + (" sayso" if found.form == "tasks" else ""), "python train.py"]
    if found.form == "completions" and found.anchors:
        run.append("python train.py --with-anchors  # " + _("the anchors are learnt like any other row"))
    write_text(folder / "README.md", readme.text(found, tool="TRL", files=files, run=run, lost=lost))
    names = [*(name for name, _what in files), "README.md"]
    return Written(count=count, lost=lost, files=tuple(folder / name for name in names))


def rows_of(found: DataSet) -> list[dict[str, Any]]:
    """Return the rows with TRL's columns."""
    if found.form == "pairs":
        return [
            {
                "prompt": _asked(found, pair.prompt),
                "chosen": _said(found, pair.chosen),
                "rejected": _said(found, pair.rejected),
            }
            for pair in found.pairs
        ]
    if found.form == "hints":
        return [_hint(found, hint) for hint in found.hints]
    if found.form == "tasks":
        return [_task(found, task) for task in found.tasks]
    if found.form == "marks":
        from sayso.methods.polarity import GOOD

        return [{**_completion(found, line), "label": line.kind == GOOD} for line in found.lines]
    return [_completion(found, line) for line in found.lines]


def arguments_of(found: DataSet) -> dict[str, Any]:
    """Return what TRL's configuration of the form is given."""
    method: Any = found.method
    train = found.settings.train
    per_prompt = method.num_generations if found.form == "tasks" else 1
    # TRL cuts rows at 1,024 tokens unless told otherwise, and the sampling order of KTO has to stay its own.
    shared = {**training(found, per_prompt=per_prompt), "warmup_steps": train.warmup_ratio, "report_to": []}
    drawn = found.form in ("hints", "tasks")
    if not drawn:
        shared |= {"max_length": None}
    if found.form in ("completions", "pairs"):
        shared |= {"train_sampling_strategy": train.train_sampling_strategy}
    return shared | {"pairs": _pair_loss, "marks": _mark_loss, "hints": _hint_loss, "tasks": _task_loss}.get(
        found.form, lambda _found: {"completion_only_loss": True}
    )(found)


def _pair_loss(found: DataSet) -> dict[str, Any]:
    method: Any = found.method
    loss, weight = getattr(method, "loss_type", "sigmoid"), getattr(method, "sft_weight", 0.0)
    both = {"loss_type": [loss, "sft"], "loss_weights": [1.0, weight]} if weight else {"loss_type": [loss]}
    alpha = getattr(method, "ld_alpha", 1.0)
    return {"beta": method.beta, **both, **({"ld_alpha": alpha} if alpha < 1 else {})}


def _mark_loss(found: DataSet) -> dict[str, Any]:
    method: Any = found.method
    praised, blamed = class_weights(found)
    return {
        "beta": method.beta,
        "loss_type": method.loss_type,
        "desirable_weight": praised,
        "undesirable_weight": blamed,
    }


def _hint_loss(found: DataSet) -> dict[str, Any]:
    method: Any = found.method
    return {
        "num_generations": 1,
        "steps_per_generation": 1,
        "max_completion_length": method.max_new_tokens,
        "max_prompt_length": None,
        "temperature": method.temperature,
        "teacher_model_kind": "live" if method.teacher == "live" else "base",
        "num_loss_tokens_to_skip": method.skip_first,
        "teacher_prompt_template": "{prompt}\n\n{privileged_context}",
    }


def _task_loss(found: DataSet) -> dict[str, Any]:
    method: Any = found.method
    return {
        "num_generations": method.num_generations,
        "steps_per_generation": 1,
        "max_completion_length": method.max_new_tokens,
        "temperature": method.temperature,
        "scale_rewards": "none",
    }


def _completion(found: DataSet, line: Line) -> dict[str, Any]:
    return {"prompt": _asked(found, line.prompt), "completion": _said(found, line.answer)}


def _hint(found: DataSet, hint: Hint) -> dict[str, Any]:
    return {
        "prompt": _asked(found, hint.prompt),
        "completion": _said(found, hint.answer),
        "privileged_context": hint.words,
    }


def _task(found: DataSet, task: Task) -> dict[str, Any]:
    """Return a prompt with what judges answers to it; the comments are JSON in text, since checks differ in their keys."""
    comments = [{"text": comment.text, "check": plain(comment.check)} for comment in task.comments]
    return {
        "prompt": _asked(found, task.prompt),
        "comments": json.dumps(comments, ensure_ascii=False),
        "response": task.response.text if task.response else "",
    }


def _asked(found: DataSet, prompt: Prompt) -> Sequence[dict[str, str]] | str:
    read = found.chat.read(prompt)
    return read if isinstance(read, str) else [{"role": turn.role, "content": turn.content} for turn in read]


def _said(found: DataSet, text: str) -> Sequence[dict[str, str]] | str:
    """Return an answer as a message; for a model without a chat template as text, whose end TRL adds."""
    if found.chat.tokenizer.chat_template:
        return [{"role": "assistant", "content": text}]
    return found.chat.before + text
