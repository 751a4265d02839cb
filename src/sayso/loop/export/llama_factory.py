"""A folder for LLaMA-Factory: rows in its sharegpt format, the `dataset_info.json` that names them, and a configuration.

See https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md for the data, and its `examples` and `hparams` for the
configuration; train with `llamafactory-cli train train.yaml` in the folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from sayso.errors import PreflightError
from sayso.i18n import gettext as _
from sayso.loop.export import readme
from sayso.loop.export.reading import DataSet, Form
from sayso.loop.export.scribe import Line
from sayso.loop.export.scripts import lora_of
from sayso.loop.export.settings import class_weights, losses, training
from sayso.records import Prompt
from sayso.store.bridges.files import make_folder, write_json, write_text
from sayso.store.bridges.llama_factory import sharegpt
from sayso.store.bridges.results import Lost, Written

CARRIED: dict[Form, frozenset[str]] = {
    "completions": frozenset(),
    "pairs": frozenset({"beta", "loss_type", "sft_weight", "ld_alpha"}),
    "marks": frozenset({"beta", "desirable_weight", "undesirable_weight", "loss_type"}),
}
"""Which settings of a method LLaMA-Factory has for each form."""
LOSSES: dict[Form, frozenset[str]] = {"pairs": frozenset({"sigmoid", "ipo"}), "marks": frozenset({"kto"})}
"""Which of our losses it has."""
STAGES: dict[Form, str] = {"completions": "sft", "pairs": "dpo", "marks": "kto"}
_NAME, _HELD = "sayso", "sayso_anchors"


def write(found: DataSet, folder: Path) -> Written:
    """Write the rows, the anchors where there are any, their description, a configuration and a README.

    Raises:
        PreflightError: LLaMA-Factory has no data set of this form.
    """
    if found.form not in STAGES:
        raise PreflightError(
            "LLaMA-Factory has no data set for what {method} learns from ({reason}); take --for trl",
            method=found.name, reason=why_not(found.form),
        )  # fmt: skip
    make_folder(folder)
    rows, held = _rows(found), _completions(found.anchors)
    lines = [line for line in rows if line is not None]
    kept = [line for line in held if line is not None]
    write_json(folder / f"{_NAME}.json", lines)
    files = [(f"{_NAME}.json", _("{count} rows to learn from").format(count=len(lines)))]
    if kept:
        write_json(folder / f"{_HELD}.json", kept)
        files += readme.anchors_file(found, f"{_HELD}.json")
    write_json(folder / "dataset_info.json", _info(found, held=bool(kept)))
    write_text(folder / "train.yaml", yaml.safe_dump(configuration(found), sort_keys=False, allow_unicode=True))
    files.append(("dataset_info.json", _("names the data sets and their columns")))
    files.append(("train.yaml", _("the settings; name your model's template there if it is not recognised")))
    lost = _losses(found, gone=len(rows) - len(lines) + len(held) - len(kept))
    run = ["pip install llamafactory", "llamafactory-cli train train.yaml"]
    if kept and found.form == "completions":
        more = _("the anchors are learnt like any other row")
        run.append(f"llamafactory-cli train train.yaml dataset={_NAME},{_HELD}  # {more}")
    write_text(folder / "README.md", readme.text(found, tool="LLaMA-Factory", files=files, run=run, lost=lost))
    names = [*(name for name, _what in files), "README.md"]
    return Written(count=len(lines), lost=lost, files=tuple(folder / name for name in names))


def why_not(form: Form) -> str:
    """Return why there is no data set of a form; empty where there is one."""
    reasons: dict[Form, str] = {
        "hints": _("it has no trainer whose teacher reads more than the prompt"),
        "tasks": _("its only trainer that draws answers, PPO, wants a reward model in the place of checks"),
    }
    return reasons.get(form, "")


def configuration(found: DataSet) -> dict[str, Any]:
    """Return what `llamafactory-cli train` is given."""
    train = found.settings.train
    lora = lora_of(found)
    adapter = {"adapter_name_or_path": found.adapter, "create_new_adapter": True} if found.adapter else {}
    form = {"model_name_or_path": found.model, **adapter, "stage": STAGES[found.form], "do_train": True}
    if lora is None:
        form["finetuning_type"] = "full"
    else:
        modules = lora["target_modules"]
        target = modules if isinstance(modules, str) else ",".join(modules)
        form |= {
            "finetuning_type": "lora", "lora_rank": lora["r"], "lora_alpha": lora["lora_alpha"],
            "lora_dropout": lora["lora_dropout"], "lora_target": {"all-linear": "all"}.get(target, target),
        }  # fmt: skip
    form |= {"pairs": _pair_loss, "marks": _mark_loss}.get(found.form, lambda _found: {"mask_history": True})(found)
    data = {"dataset_dir": ".", "dataset": _NAME, "cutoff_len": longest(found), "output_dir": "trained"}
    shared = {name: value for name, value in training(found).items() if not (name == "bf16" and not value)}
    return {**form, **data, **shared, "warmup_ratio": train.warmup_ratio}


def longest(found: DataSet) -> int:
    """Return how many tokens the longest row has, with some room for another wording of the template."""
    answers = [(line.prompt, line.answer) for line in (*found.lines, *found.anchors)]
    answers += [(pair.prompt, text) for pair in found.pairs for text in (pair.chosen, pair.rejected)]
    answers += [(task.prompt, "") for task in found.tasks]
    encode = found.chat
    return 64 + max(len(encode.encode_prompt(asked)) + len(encode.encode_response(said)) for asked, said in answers)


def _pair_loss(found: DataSet) -> dict[str, Any]:
    method: Any = found.method
    loss, alpha = getattr(method, "loss_type", "sigmoid"), getattr(method, "ld_alpha", 1.0)
    form = {"pref_beta": method.beta, "pref_loss": loss if loss in LOSSES["pairs"] else "sigmoid"}
    weight = getattr(method, "sft_weight", 0.0)
    return {**form, **({"pref_ftx": weight} if weight else {}), **({"ld_alpha": alpha} if alpha < 1 else {})}


def _mark_loss(found: DataSet) -> dict[str, Any]:
    method: Any = found.method
    praised, blamed = class_weights(found)
    return {"pref_beta": method.beta, "kto_chosen_weight": praised, "kto_rejected_weight": blamed}


def _rows(found: DataSet) -> list[dict[str, Any] | None]:
    """Return the rows; None where a conversation has no form there."""
    if found.form == "pairs":
        return [_line(pair.prompt, chosen=_turn(pair.chosen), rejected=_turn(pair.rejected)) for pair in found.pairs]
    if found.form == "marks":
        from sayso.methods.polarity import GOOD

        return [_line(line.prompt, line.answer, kto_tag=line.kind == GOOD) for line in found.lines]
    return _completions(found.lines)


def _completions(lines: Sequence[Line]) -> list[dict[str, Any] | None]:
    return [_line(line.prompt, line.answer) for line in lines]


def _line(prompt: Prompt, answer: str | None = None, **more: Any) -> dict[str, Any] | None:
    form = sharegpt(prompt)
    if form is None:
        return None
    if answer is not None:
        form["conversations"].append(_turn(answer))
    return {**form, **more}


def _turn(text: str) -> dict[str, str]:
    return {"from": "gpt", "value": text}


def _info(found: DataSet, *, held: bool) -> dict[str, Any]:
    """Return the description of the data sets."""
    columns = {"messages": "conversations", "system": "system"}
    more: dict[Form, dict[str, str]] = {
        "pairs": {"chosen": "chosen", "rejected": "rejected"}, "marks": {"kto_tag": "kto_tag"},
    }  # fmt: skip
    rows = {
        "file_name": f"{_NAME}.json", "formatting": "sharegpt", **({"ranking": True} if found.form == "pairs" else {}),
        "columns": {**columns, **more.get(found.form, {})},
    }  # fmt: skip
    anchors = {_HELD: {"file_name": f"{_HELD}.json", "formatting": "sharegpt", "columns": columns}}
    return {_NAME: rows, **(anchors if held else {})}


def _losses(found: DataSet, *, gone: int) -> tuple[Lost, ...]:
    loss = getattr(found.method, "loss_type", None)
    known = LOSSES.get(found.form, frozenset())
    lost = losses(found, CARRIED[found.form] if loss in (None, *known) else CARRIED[found.form] - {"loss_type"})
    train = found.settings.train
    if train.train_sampling_strategy != "random":
        what = f"train.train_sampling_strategy: {train.train_sampling_strategy}"
        lost += (Lost(what=what, count=1, reason=_("rows are drawn in random order")),)
    if gone:
        lost += (Lost(what="prompt", count=gone, reason=_("the format has no such order of turns")),)
    return lost
