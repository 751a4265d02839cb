"""The folders for TRL are run by TRL's own trainers, and their first steps are ours on the same rows."""

from __future__ import annotations

import dataclasses
import json
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.method import examples
from tests.loop.export.samples import data_set, written

from sayso.loop.export import trl
from sayso.models import local
from sayso.training import steps
from sayso.training.engine import optimizer
from sayso.training.settings import Train

WHOLE = Train(
    max_steps=2, per_device_train_batch_size=6, learning_rate=1e-3, lr_scheduler_type="constant", warmup_ratio=0.0,
    use_lora=False, train_sampling_strategy="sequential",
)  # fmt: skip
"""Two steps on all rows, of all weights, at a constant rate: nothing is drawn, so that both must come to the same."""


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[dict[str, Any]]:
    """Run a folder's script for two steps and return what TRL logged at each."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder / "cache")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "argv", ["train.py", "--max-steps", "2", *words])
    monkeypatch.delitem(sys.modules, "reward", raising=False)
    runpy.run_path(str(folder / "train.py"), run_name="__main__")
    state = json.loads((folder / "trained" / "trainer_state.json").read_text(encoding="utf-8"))
    assert state["global_step"] == 2
    assert list((folder / "trained").glob("*.safetensors"))
    return [entry for entry in state["log_history"] if "loss" in entry]


def equally_long(count: int = 6) -> list[Any]:
    """Return examples whose refinements have as many tokens each.

    TRL averages the likelihood of the refinements over the tokens of a batch, we over each refinement first: with
    refinements of one length the two are the same.
    """
    return [
        dataclasses.replace(item, refinement=dataclasses.replace(item.refinement, text=f"Dog {number} ran!"))
        for number, item in enumerate(examples(count))
        if item.refinement
    ]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "method",
    [
        {"name": "refine_sft"},
        {"name": "refine_dpo", "beta": 0.3, "sft_weight": 0.0},
        {"name": "refine_dpo", "beta": 0.3, "sft_weight": 0.3},
    ],
    ids=["sft", "dpo", "dpo+sft"],
)
def test_trls_first_steps_are_ours(
    method: dict[str, Any], tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = equally_long() if method.get("sft_weight") else examples(6)
    found = data_set(tiny_folder, method, train=WHOLE, inside=given)
    written(found, "trl", tmp_path)
    theirs = [entry["loss"] for entry in run(tmp_path, monkeypatch)]
    policy = optimizer.prepare(local.load(tiny_folder, device="cpu"), WHOLE)
    ours = [step.loss for step in steps.steps(found.method, policy, list(found.method.rows(given, policy)), WHOLE)]
    assert theirs[0] == pytest.approx(ours[0], abs=1e-4)
    assert theirs[1] == pytest.approx(ours[1], abs=1e-3)
    assert abs(ours[1] - ours[0]) > 1e-2, "a step that changes nothing compares nothing"


def compared(folder: Path, found: Any, monkeypatch: pytest.MonkeyPatch, tiny_folder: Path, adapter: str = "") -> None:
    """Expect TRL's two steps and ours to have the same losses."""
    written(found, "trl", folder)
    theirs = [entry["loss"] for entry in run(folder, monkeypatch)]
    policy = optimizer.prepare(local.load(tiny_folder, device="cpu", adapter=adapter or None), WHOLE)
    ours = [step.loss for step in steps.steps(found.method, policy, list(found.method.rows(examples(6), policy)), WHOLE)]
    assert theirs == pytest.approx(ours, abs=1e-3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", [{"name": "refine_sft"}, {"name": "refine_dpo", "sft_weight": 0.0}], ids=["sft", "dpo"])
def test_a_model_without_a_chat_template_is_trained_on_the_texts_it_reads_here(
    method: dict[str, Any], tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(tiny_folder, plain, ignore=shutil.ignore_patterns("chat_template*"))
    settings = json.loads((plain / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings.pop("chat_template", None)
    (plain / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    found = data_set(plain, method, train=WHOLE)
    assert isinstance(trl.rows_of(found)[0]["prompt"], str)
    compared(tmp_path, found, monkeypatch, plain)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", [{"name": "refine_sft"}, {"name": "refine_dpo", "sft_weight": 0.0}], ids=["sft", "dpo"])
def test_a_version_that_is_an_adapter_is_gone_on_from(
    method: dict[str, Any], tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lora = dataclasses.replace(WHOLE, use_lora=True, learning_rate=0.05)
    earlier = data_set(tiny_folder, "refine_sft", train=lora)
    policy = optimizer.prepare(local.load(tiny_folder, device="cpu"), lora)
    list(steps.steps(earlier.method, policy, list(earlier.method.rows(examples(6), policy)), lora))
    policy.save(tmp_path / "adapter")
    adapter = str(tmp_path / "adapter")
    compared(tmp_path, data_set(tiny_folder, method, train=WHOLE, adapter=adapter), monkeypatch, tiny_folder, adapter)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["polarity", "hindsight", "feedback_rl", "sft", "scoped"])
def test_the_folder_is_run_by_trls_trainer(
    name: str, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = {"hindsight": {"max_new_tokens": 8}, "feedback_rl": {"max_new_tokens": 8, "num_generations": 2}}.get(name, {})
    found = data_set(tiny_folder, {"name": name, **short}, train=Train(per_device_train_batch_size=4))
    written(found, "trl", tmp_path)
    words = ["--with-anchors"] if name == "sft" else []
    logged = run(tmp_path, monkeypatch, *words)
    assert len(logged) == 2
    assert (tmp_path / "trained" / "adapter_config.json").is_file()
    if name == "polarity":
        weights = {line.kind: line.weight for line in found.lines}
        # At the first step the model is the reference, each answer's share is 1 - sigma(0): half its weight.
        assert logged[0]["loss"] == pytest.approx(sum(weights.values()) / 4, abs=0.1)
