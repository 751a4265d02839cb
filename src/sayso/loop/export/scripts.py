"""The scripts of an exported folder: short, with the settings as their first lines, for people to read and change."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from typing import Any

from sayso.loop.export.reading import DataSet, Form


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kind:
    """Which of TRL's trainers a form is for."""

    module: str
    trainer: str
    config: str
    reference: bool = False
    """Whether the trainer is given a reference where all weights are trained."""
    more: str = ""


_KINDS: dict[Form, _Kind] = {
    "completions": _Kind(module="trl", trainer="SFTTrainer", config="SFTConfig"),
    "pairs": _Kind(module="trl", trainer="DPOTrainer", config="DPOConfig", reference=True),
    "marks": _Kind(module="trl", trainer="KTOTrainer", config="KTOConfig", reference=True),
    "hints": _Kind(module="trl.experimental.sdft", trainer="SDFTTrainer", config="SDFTConfig"),
    "tasks": _Kind(module="trl", trainer="GRPOTrainer", config="GRPOConfig", more="reward_funcs=checks, "),
}

_SCRIPT = Template('''\
"""Train with TRL on the rows beside this file: python train.py [--model M] [--output O] [--max-steps N]$usage."""

import argparse
from pathlib import Path

import torch
from datasets import $datasets
$imports
from transformers import AutoModelForCausalLM, AutoTokenizer
from $module import $config, $trainer
$reward
HERE = Path(__file__).resolve().parent
MODEL = $model
ADAPTER = $adapter  # of the version that training begins with; it is merged into the model
ARGUMENTS = $arguments
LORA = $lora


def load(name):
    """Return the model that training begins with: in the type it is stored in on a GPU, else in float32."""
    model = AutoModelForCausalLM.from_pretrained(name, dtype="auto" if torch.cuda.is_available() else torch.float32)
    if ADAPTER is not None:
        model = PeftModel.from_pretrained(model, ADAPTER).merge_and_unload()
    return model.requires_grad_(True)  # loading an adapter has frozen the model under it


def rows(name, columns=None):
    """Return the rows of a file."""
    found = load_dataset("json", data_files=str(HERE / name), split="train")
    return found if columns is None else found.select_columns(columns)


def main():
    """Train, and write the model or its adapter into the output folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--output", default=str(HERE / "trained"))
    parser.add_argument("--max-steps", type=int)
$options    given = parser.parse_args()
    arguments = ARGUMENTS | ({"max_steps": given.max_steps} if given.max_steps else {})
    train = rows("train.jsonl")
$anchors    trainer = $trainer(
        model=load(given.model), ${more}args=$config(output_dir=given.output, **arguments), train_dataset=train,
        processing_class=AutoTokenizer.from_pretrained(given.model),
        peft_config=LoraConfig(task_type="CAUSAL_LM", **LORA) if LORA else None,$reference
    )
    trainer.train()
    trainer.save_model()
    trainer.save_state()


if __name__ == "__main__":
    main()
''')

_ANCHORS = """\
    if given.with_anchors:
        columns = ["prompt", "completion"]
        train = concatenate_datasets([rows("train.jsonl", columns), rows("anchors.jsonl", columns)])
"""

_REWARD = '''\
"""The reward of an answer: the share of its prompt's checks that it passes, as sayso counts it. Needs sayso installed."""

import json

from sayso.critics.rewards import judge_of
from sayso.records import Check, Comment, Response, ask


def checks(completions, comments, response, **columns):
    """Return a reward from 0 to 1 for each completion; the other columns are those of the data set."""
    return [one(text(answer), json.loads(said), earlier) for answer, said, earlier in zip(completions, comments, response)]


def one(answer, said, earlier):
    """Return the reward of an answer; `earlier` is the one that the comments were made on."""
    comments = [Comment(text=item["text"], check=Check(**item["check"])) for item in said]
    made_on = Response(prompt=ask(""), text=earlier) if earlier else None
    return judge_of(comments, made_on)(answer).reward


def text(completion):
    """Return the words of a completion, which is a text or a list of messages."""
    return completion if isinstance(completion, str) else completion[-1]["content"]
'''

_PLUGIN = '''

try:
    from swift.rewards import ORM, orms
except ImportError:  # ms-swift before 4
    from swift.plugin import ORM, orms


class SaysoChecks(ORM):
    """The reward under the name that --reward_funcs is given."""

    def __call__(self, completions, comments, response, **columns):
        return checks(completions, comments, response)


orms["sayso_checks"] = SaysoChecks
'''


def training_script(found: DataSet, arguments: dict[str, Any]) -> str:
    """Return a script that trains with the trainer of the data set's form."""
    kind = _KINDS[found.form]
    mixing = found.form == "completions" and bool(found.anchors)
    whole = kind.reference and not found.settings.train.use_lora
    return _SCRIPT.substitute(
        usage=" [--with-anchors]" if mixing else "",
        datasets="concatenate_datasets, load_dataset" if mixing else "load_dataset",
        imports="from peft import LoraConfig, PeftModel",
        module=kind.module, config=kind.config, trainer=kind.trainer, more=kind.more,
        reward="\nfrom reward import checks\n" if found.form == "tasks" else "",
        model=repr(found.model), adapter=repr(found.adapter or None),
        arguments=_laid_out(arguments), lora=_laid_out(lora_of(found)),
        options='    parser.add_argument("--with-anchors", action="store_true")\n' if mixing else "",
        anchors=_ANCHORS if mixing else "",
        reference="\n        ref_model=load(given.model)," if whole else "",
    )  # fmt: skip


def _laid_out(settings: dict[str, Any] | None) -> str:
    """Return settings as Python, one a line."""
    if settings is None:
        return "None"
    return "\n".join(["{", *(f'    "{name}": {value!r},' for name, value in settings.items()), "}"])


def lora_of(found: DataSet) -> dict[str, Any] | None:
    """Return the adapter's settings in peft's names; None where all weights are trained."""
    train = found.settings.train
    if not train.use_lora:
        return None
    modules = train.lora_target_modules
    return {
        "r": train.lora_r,
        "lora_alpha": train.lora_alpha,
        "lora_dropout": train.lora_dropout,
        "target_modules": modules if isinstance(modules, str) else list(modules),
    }


def reward() -> str:
    """Return the file that judges answers, as a function for TRL."""
    return _REWARD


def plugin() -> str:
    """Return the same as a plugin of ms-swift."""
    return _REWARD + _PLUGIN
