"""Any task's training keeps its best weights, by the validation loss or by the task's own metric, and stops in time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.training.test_fitting import interrupt_at, quiet, same, weights

from sayso.errors import SettingsError
from sayso.models import local
from sayso.models.writing.sampling import Sampling
from sayso.tasks import answering
from sayso.tasks.translate import Translate
from sayso.training import finetuning, fitting
from sayso.training.early_stopping import BEST, CHOSEN, EarlyStopping
from sayso.training.material import lessons
from sayso.training.material.data import gather, held_back

FEW = ["device=cpu", "task=translate", "train.use_lora=false", "train.learning_rate=0.01", "train.num_train_epochs=3",
    "train.per_device_train_batch_size=8", "train.save_steps=3", "data.validation_share=0.3", "data.eval_steps=0",
    "early_stopping.items=4", "early_stopping.generate.max_new_tokens=4"]  # fmt: skip


@pytest.fixture
def pairs(tmp_path) -> Path:
    path = tmp_path / "en-zh.txt"
    path.write_text("".join(f"number {n}\t第{n}号\n" for n in range(30)), encoding="utf-8")
    return path


@pytest.fixture
def contrary(tmp_path) -> str:
    """Settings under which learning makes it worse on what is measured, from some step on."""
    path = tmp_path / "other.en-zh.txt"
    path.write_text("".join(f"number {n}\tqzx {n} jkv\n" for n in range(6)), encoding="utf-8")
    return f"data.validation=[{path}]"


@pytest.fixture
def task(tiny_folder, pairs):
    def make(*more: str) -> fitting.Task:
        return finetuning.task(str(tiny_folder), [pairs], finetuning.settings_of([], [*FEW, *more]))

    return make


def noted(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / CHOSEN).read_text(encoding="utf-8").splitlines()]


def test_the_weights_with_the_lowest_validation_loss_are_kept(task, contrary, tmp_path):
    report = fitting.fit(task("early_stopping.by=loss", contrary), tmp_path / "run", quiet)
    measured = [json.loads(line) for line in (tmp_path / "run" / "validation.jsonl").read_text().splitlines()]
    losses = {line["step"]: line["loss"] for line in measured}
    best = min(losses, key=lambda step: losses[step])
    assert best < max(losses), "it got worse again"
    assert (report.chosen.metric, report.chosen.step, report.chosen.items) == ("loss", best, 0)
    assert report.chosen.value == report.validation.loss == pytest.approx(losses[best])
    again = task(contrary)
    rows = gather(again.source, again.data, tmp_path / "tokens", seed=0, told=lambda _done: None).validation
    from sayso.training import measuring

    kept = measuring.measure(local.load(report.model, device="cpu"), rows, step=0, max_tokens=2048)
    assert kept.loss == pytest.approx(losses[best], rel=1e-4)


def test_the_weights_whose_answers_are_best_by_the_tasks_metric_are_kept(task, tmp_path):
    made = task("early_stopping.by=task")
    report = fitting.fit(made, tmp_path / "run", quiet)
    notes = noted(tmp_path / "run")
    assert report.chosen.metric == "BLEU"
    assert report.chosen.items == 4
    assert report.chosen.value == max(note["value"] for note in notes)
    assert made.rule.value(local.load(report.model, device="cpu")) == pytest.approx(report.chosen.value)


def test_what_is_answered_is_what_was_held_back(task, pairs, tmp_path):
    made = task("early_stopping.by=task", "early_stopping.items=1000", "data.validation_tokens=60")
    material = gather(made.source, made.data, tmp_path, seed=0, told=lambda _done: None)
    held = list(held_back(made.source, made.data, seed=0))
    assert len(held) == len(material.validation) == made.rule.items
    items = list(lessons.items(Translate(), [pairs]))
    shown = [made.policy.tokenizer.decode(material.validation[number].ids) for number in range(len(held))]
    assert all(items[number].inputs["text"] in text for number, text in zip(held, shown, strict=True))


def test_it_stops_when_it_gets_no_better(task, contrary, tmp_path):
    report = fitting.fit(task("early_stopping.by=loss", "early_stopping.patience=1", contrary), tmp_path / "run", quiet)
    assert report.steps < report.chosen.of
    assert [note["value"] for note in noted(tmp_path / "run")][-1] < -report.chosen.value


CROSSED = [pytest.param(*case, marks=pytest.mark.slow) for case in (("loss", 8), ("task", 4))]
"""Each measure and each step is among the quick tests once."""


@pytest.mark.parametrize(("by", "step"), [("loss", 4), ("task", 8), *CROSSED])
def test_interrupted_it_goes_on_to_the_same_weights(task, tmp_path, by, step):
    more = (f"early_stopping.by={by}", "early_stopping.eval_steps=2", "early_stopping.patience=0")
    straight = fitting.fit(task(*more), tmp_path / "straight", quiet)
    with pytest.raises(KeyboardInterrupt):
        fitting.fit(task(*more), tmp_path / "broken", interrupt_at(step))
    resumed = fitting.fit(task(*more), tmp_path / "broken", quiet)
    assert resumed.chosen == straight.chosen
    assert noted(tmp_path / "broken") == noted(tmp_path / "straight")
    assert same(tmp_path / "straight", tmp_path / "broken")
    assert fitting.fit(task(*more), tmp_path / "broken", quiet).chosen == straight.chosen, "and is not done again"


def test_ended_between_its_last_step_and_its_report_it_still_keeps_the_best(task, contrary, tmp_path):
    more = ("early_stopping.by=loss", "early_stopping.patience=1", contrary)
    report = fitting.fit(task(*more), tmp_path / "run", quiet)
    before = weights(tmp_path / "run")
    (tmp_path / "run" / "report.json").unlink()
    again = fitting.fit(task(*more), tmp_path / "run", quiet)
    assert again.chosen == report.chosen
    assert all((weights(tmp_path / "run")[name] == tensor).all() for name, tensor in before.items())


def test_without_it_the_last_weights_are_kept(task, tmp_path):
    report = fitting.fit(task("train.max_steps=2"), tmp_path / "run", quiet)
    assert report.chosen is None
    assert not (tmp_path / "run" / BEST).exists()


def test_nothing_to_measure_on_is_said_before_anything_is_learnt(task, tmp_path):
    with pytest.raises(SettingsError, match="nothing is held back to measure the loss on"):
        fitting.fit(task("early_stopping.by=loss", "data.validation_share=0"), tmp_path / "run", quiet)
    with pytest.raises(SettingsError, match="no validation item with a right answer"):
        task("early_stopping.by=task", "data.validation_share=0")
    with pytest.raises(SettingsError, match="wants files of their own"):
        task("early_stopping.by=task", "task=chat")
    with pytest.raises(SettingsError, match=r"early_stopping\.items: found 0; expected 1 or more"):
        EarlyStopping(items=0)


def test_answers_to_prompts_that_do_not_fit_are_empty_and_counted(tiny):
    task, told = Translate(), []
    items = list(task_items("short", "long " * 100))
    prompts = [task.prompt(item) for item in items]
    found = answering.written(tiny, prompts, Sampling(max_new_tokens=3, temperature=0.0), told.append)
    assert (found.written[1], found.too_long) == ("", 1)
    assert found.written[0]
    assert told == [1]
    assert answering.value(task, items, ["短句子一个", "长句子两个"]) == pytest.approx(100.0)


def task_items(*texts: str):
    from sayso.tasks.items import Item

    for text, right in zip(texts, ("短句子一个", "长句子两个"), strict=True):
        yield Item(inputs={"text": text, "from": "en", "to": "zh"}, answers=(right,))
