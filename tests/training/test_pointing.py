"""A model learns to point at answers: from SQuAD's files, in windows, refused where no answer lies in its passage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.training.test_fitting import interrupt_at, quiet, same

from sayso.batches import collate
from sayso.errors import RecordError
from sayso.evaluation import answering as measuring
from sayso.models import local
from sayso.models.forms.extractive import Extractive
from sayso.models.writing.sampling import Sampling
from sayso.tasks.answer import Answer
from sayso.text import tokenizer
from sayso.training import finetuning, fitting
from sayso.training.material import lessons
from sayso.training.material.data import gather
from sayso.training.pointing import ANSWER, PASSAGE, Pointing

NAMES = ("Anna", "Berta", "Carl", "Dora", "王小明", "李雷")
PLACES = ("Rome", "Paris", "Oslo", "北京", "上海", "Cairo")
SMALL = ["device=cpu", "task=answer", "model.hidden_size=32", "model.num_hidden_layers=1", "model.num_attention_heads=2",
    "model.intermediate_size=64", "train.num_train_epochs=1", "data.validation_share=0.2", "train.save_steps=2",
    "early_stopping.items=4"]  # fmt: skip


GREEDY = Sampling(max_new_tokens=30, temperature=0.0)


def squad(folder: Path, *, chinese: bool = False, before: int = 0) -> Path:
    """Write questions on who lives where, in the form of SQuAD; `before` sentences stand in front of the answer."""
    paragraphs = []
    for shift in range(3):
        told = [(name, PLACES[(number + shift) % 6]) for number, name in enumerate(NAMES)]
        form = "{}住在{}。" if chinese else "{} lives in {}. "
        context = "It rained. " * before + "".join(form.format(*one) for one in told)
        qas = [
            {"question": f"Where does {name} live?", "id": f"{shift}-{name}",
                "answers": [{"text": place, "answer_start": context.index(place, context.index(name))}]}
            for name, place in told
        ]  # fmt: skip
        paragraphs.append({"context": context, "qas": qas})
    path = folder / "squad.json"
    path.write_text(json.dumps({"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]}, ensure_ascii=False))
    return path


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    texts = [json.dumps(one, ensure_ascii=False) for one in (NAMES, PLACES, "Where does live? lives in. It rained。住在")]
    tokenizer.train(texts * 3, folder, vocab_size=600, model_max_length=96, kind="byte-bpe")
    return folder


@pytest.fixture
def task(words):
    def make(files: Path, *more: str, model: str = "fresh:bert") -> fitting.Task:
        fresh = [f"tokenizer={words}"] if model.startswith("fresh:") else []
        given = [*SMALL, *fresh] if fresh else [one for one in SMALL if not one.startswith("model.")]
        return finetuning.task(model, [files], finetuning.settings_of([], [*given, *more], model=model))

    return make


def test_every_window_says_where_the_answer_stands_or_that_it_is_not_here(task, tmp_path):
    file = squad(tmp_path, before=60)
    made = task(file, "data.validation_share=0")
    rows = gather(made.source, made.data, tmp_path / "tokens", seed=0, told=lambda _done: None).train
    asked = list(lessons.posed(Answer(), [file]))
    assert len(rows) > 2 * len(asked), "long passages have several windows"
    assert all(len(row.ids) <= 96 for row in rows)
    held = [row for row in rows if ANSWER in row.weights]
    assert len(held) >= len(asked)
    said = [made.policy.decode([i for i, mark in zip(row.ids, row.weights, strict=True) if mark == ANSWER]) for row in held]
    assert {text.strip() for text in said} == set(PLACES)
    learnt = [Pointing().corrupted(row, None) for row in rows]
    for row, pointed in zip(rows, learnt, strict=True):
        places = [place for place, mark in enumerate(row.weights) if mark == ANSWER]
        assert pointed.labels[:2] == ((places[0], places[-1]) if places else (0, 0))
        assert pointed.num_targets == 2
        assert PASSAGE in row.weights


def test_the_loss_is_that_of_beginning_and_end(task, tmp_path):
    made = task(squad(tmp_path), "data.validation_share=0")
    rows = gather(made.source, made.data, tmp_path / "tokens", seed=0, told=lambda _done: None).train
    some = [rows[number] for number in (0, 5, 7)]
    loss = made.method.loss(made.policy, made.policy, collate(some, packed=False))
    form = made.policy.form
    assert isinstance(form, Extractive)
    expected = 0.0
    for row in some:
        one = Pointing().corrupted(row, None)
        table = form.places(made.policy.inner, collate([one], packed=False))[0]
        expected -= float((table[0, one.labels[0]] + table[1, one.labels[1]]).detach())
    assert loss.count == 6
    assert float(loss.total.detach()) == pytest.approx(expected, rel=1e-5)


def test_where_no_answer_lies_in_the_passage_its_place_is_named(task, tmp_path):
    path = tmp_path / "lines.jsonl"
    lines = [{"question": "Who?", "passage": "Anna came.", "answer": "Anna"},
        {"question": "Who?", "passage": "Anna came.", "answers": ["anna", "Berta"]}]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(RecordError, match=r"lines\.jsonl:2: the answer 'anna' does not stand in its passage"):
        task(path)


def test_of_several_places_the_one_that_the_file_says_is_learnt(tmp_path):
    path = tmp_path / "squad.json"
    answers = [{"text": "Anna", "answer_start": 19}]
    passage = "Anna saw Berta, and Anna laughed."
    qas = [{"question": "Who laughed?", "answers": answers}, {"question": "Who?", "answers": ["Bert", "Anna"]}]
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": passage, "qas": qas}]}]}))
    first, second = Answer().items(str(path))
    assert Answer().place(first) == (20, 24), "the nearest to what is said"
    assert Answer().place(second) == (9, 13), "the first answer that stands there"
    assert [message.content for message in Answer().plain(first).messages] == ["Who laughed?", passage]


@pytest.mark.parametrize("by", ["last", "task"])
def test_interrupted_it_goes_on_to_the_same_weights_and_is_measured(task, tmp_path, by):
    file = squad(tmp_path)
    more = (f"early_stopping.by={by}", "early_stopping.eval_steps=1", "train.per_device_train_batch_size=4")
    straight = fitting.fit(task(file, *more), tmp_path / "straight", quiet)
    with pytest.raises(KeyboardInterrupt):
        fitting.fit(task(file, *more), tmp_path / "broken", interrupt_at(2))
    resumed = fitting.fit(task(file, *more), tmp_path / "broken", quiet)
    assert same(tmp_path / "straight", tmp_path / "broken")
    assert resumed.validation == straight.validation
    assert (resumed.chosen.metric if resumed.chosen else "") == ("F1" if by == "task" else "")
    model = local.load(resumed.model, device="cpu")
    assert model.inner.config.max_answer_tokens >= 30
    items = list(Answer().items(str(file)))
    found = measuring.by_model(model, Answer(), items, GREEDY, name="m", told=lambda _done: None)
    values = {metric.name: metric.value for metric in found.metrics()}
    assert values["in passage"] == values["answered"] == 1.0
    assert "nats a token" not in values
    assert found.too_long == 0


def test_an_adapter_on_a_new_head_is_saved_whole_and_learns_on_as_an_adapter(task, words, tmp_path):
    from sayso.models.fresh import fresh

    file = squad(tmp_path)
    keys = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    fresh("bert", keys, words, seed=0, device="cpu").save(tmp_path / "body")
    first = fitting.fit(task(file, "train.use_lora=true", model=str(tmp_path / "body")), tmp_path / "first", quiet)
    assert any("qa_outputs" in name for name in load_file(Path(first.model) / "model.safetensors"))
    second = fitting.fit(task(file, "train.use_lora=true", model=first.model), tmp_path / "second", quiet)
    assert (Path(second.model) / "adapter_config.json").exists()
    assert local.load(second.model, device="cpu").generate([Answer().plain(next(Answer().items(str(file))))], GREEDY)


@pytest.mark.slow
@pytest.mark.parametrize("chinese", [False, True])
def test_it_learns_a_few_questions_to_an_exact_match_of_1(task, tmp_path, chinese):
    file = squad(tmp_path, chinese=chinese)
    report = fitting.fit(
        task(file, "data.validation_share=0", "model.hidden_size=64", "model.num_hidden_layers=2",
            "model.num_attention_heads=4", "model.intermediate_size=128", "model.initializer_range=0.1",
            "train.num_train_epochs=60", "train.per_device_train_batch_size=18", "train.learning_rate=0.002",
            "train.dropout=false", "train.save_steps=0"),
        tmp_path / "run", quiet,
    )  # fmt: skip
    items = list(Answer().items(str(file)))
    found = measuring.by_model(
        local.load(report.model, device="cpu"), Answer(), items, GREEDY, name="m", told=lambda _done: None
    )
    values = {metric.name: metric.value for metric in found.metrics()}
    assert values["EM"] == values["F1"] == 1.0


def test_a_head_that_is_there_learns_on(task, tmp_path):
    file = squad(tmp_path)
    first = fitting.fit(task(file), tmp_path / "first", quiet)
    again = task(file, "train.use_lora=false", model=first.model)
    kept = load_file(Path(first.model) / "model.safetensors")
    assert torch.equal(again.policy.inner.qa_outputs.weight, kept["qa_outputs.weight"])
