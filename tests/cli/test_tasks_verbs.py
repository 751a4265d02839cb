"""`evaluate --task`, `finetune --task` and `tasks` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from tests.cli.conftest import Call, prints_of

from sayso.store import exchange

STORIES = [{"title": f"Story {n}", "text": f"The cat number {n} ran. It came home."} for n in range(12)]
PASSAGES = ["Cats sleep all day.", "Dogs bark at night."]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stories.jsonl").write_text("".join(json.dumps(line) + "\n" for line in STORIES), encoding="utf-8")
    summary = {"text": "It rained. Nobody came. The end.", "summary": "It rained, and nobody came."}
    (tmp_path / "texts.jsonl").write_text((json.dumps(summary) + "\n") * 3, encoding="utf-8")
    asked = [
        {"question": "Who barks?", "passages": PASSAGES, "answer": 2},
        {"question": "Who sleeps?", "passages": PASSAGES, "answer": 1},
    ]
    (tmp_path / "passages.jsonl").write_text("".join(json.dumps(line) + "\n" for line in asked), encoding="utf-8")
    (tmp_path / "wrong.jsonl").write_text('{"words": 1}\n', encoding="utf-8")
    return tmp_path


def test_a_model_is_measured_beside_another_with_paired_intervals(sayso: Call, here: Path, tiny_folder: Path) -> None:
    few = ("--set", "generate.max_new_tokens=8", "--set", "max_items=5")
    said = sayso("evaluate", "--task", "write", tiny_folder, "stories.jsonl", *few, "--compare", tiny_folder,
        "--answers", "answers.jsonl", "--json")  # fmt: skip
    first, other = said.json["standings"]
    assert said.json["items"] == 5
    names = [metric["name"] for metric in first["metrics"]]
    assert {"distinct-2", "rep-4", "nats a token", "bits a byte"} <= set(names)
    assert all(metric["low"] <= metric["value"] <= metric["high"] for metric in first["metrics"])
    assert [change["value"] for change in other["changes"]] == [0.0] * len(names)
    kept = exchange.good_responses(here / "answers.jsonl")
    assert len(kept) == 5
    assert kept[0].version == "tiny-llama"
    assert 'with the title "Story' in kept[0].prompt.text


def test_a_baseline_stands_beside_a_model_and_alone(sayso: Call, here: Path, tiny_folder: Path) -> None:
    beside = sayso(
        "evaluate", "--task", "summarize", tiny_folder, "texts.jsonl", "--set", "generate.max_new_tokens=4", "--json"
    )
    assert [one["name"] for one in beside.json["standings"]] == ["tiny-llama", "lead-3"]
    alone = sayso("evaluate", "--task", "retrieval", "baseline", "passages.jsonl")
    assert "bm25" in alone.out
    assert "accuracy@1" in alone.out
    assert "2 items" in alone.out


def test_settings_of_the_task_stand_under_its_name(sayso: Call, here: Path) -> None:
    said = sayso("evaluate", "--task", "summarize", "baseline", "texts.jsonl", "--set", "summarize.lead=1", "--json")
    assert said.json["standings"][0]["name"] == "lead-1"


def test_prompts_that_do_not_fit_have_no_answer_and_that_is_said(sayso: Call, here: Path, tiny_folder: Path) -> None:
    long = {"text": "word " * 80, "summary": "words"}
    (here / "long.jsonl").write_text(json.dumps(long) + "\n", encoding="utf-8")
    said = sayso("evaluate", "--task", "summarize", tiny_folder, "long.jsonl")
    assert "1 prompts are longer than the context" in said.err
    assert said.code == 0


def test_a_dry_run_shows_the_first_prompt_and_writes_nothing(sayso: Call, here: Path) -> None:
    before = prints_of(here)
    said = sayso("evaluate", "--task", "write", "baseline", "stories.jsonl", "--dry-run")
    assert 'Write a story with the title "Story 0".' in said.out
    assert prints_of(here) == before


def test_items_of_a_task_are_learnt(sayso: Call, here: Path, tiny_folder: Path) -> None:
    given = ("finetune", tiny_folder, "stories.jsonl", "--task", "write", "--out", "run", "--set", "train.max_steps=2")
    tuned = sayso(*given, "--set", "train.use_lora=false", "--json")
    assert (tuned.code, tuned.json["steps"], tuned.json["rows"]) == (0, 2, 12)
    (here / "stories.jsonl").write_text(json.dumps(STORIES[0]) + "\n", encoding="utf-8")
    other = sayso(*given, "--set", "train.use_lora=false")
    assert other.code == 2
    assert "holds a run with other settings (files:" in other.err


def test_an_encoder_learns_to_point_at_answers_and_keeps_its_best_weights(
    sayso: Call, here: Path, tiny_folder: Path
) -> None:
    lines = [{"question": f"Which number is {n}?", "passage": f"First {n}, then more.", "answer": str(n)} for n in range(12)]
    (here / "asked.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    small = ("hidden_size=16", "num_hidden_layers=1", "num_attention_heads=2", "intermediate_size=16")
    sets = (
        "train.num_train_epochs=1",
        "data.validation_share=0.3",
        "early_stopping.by=task",
        *(f"model.{key}" for key in small),
    )
    given = ("finetune", "fresh:bert", "asked.jsonl", "--task", "answer", "--tokenizer", tiny_folder, "--out", "run",
        *(word for key in sets for word in ("--set", key)))  # fmt: skip
    tuned = sayso(*given)
    assert tuned.code == 0
    assert "Kept: the weights after step 1 of 1, F1" in tuned.out
    said = sayso("evaluate", "--task", "answer", "run/model", "asked.jsonl", "--json")
    found = {metric["name"]: metric["value"] for metric in said.json["standings"][0]["metrics"]}
    assert found["in passage"] == 1.0
    lines[4]["answer"] = "four"
    (here / "asked.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    wrong = sayso(*given[:-1], given[-1], "--out", "other")
    assert wrong.code == 2
    assert "asked.jsonl:5: the answer 'four' does not stand in its passage" in wrong.err


def test_a_task_becomes_a_round_that_can_be_read(sayso: Call, here: Path) -> None:
    said = sayso("tasks", "round", "write", "stories.jsonl", "--out", "round", "--json")
    assert (said.json["prompts"], said.json["comments"]) == (12, 1)
    prompts = exchange.good_prompts(here / "round/prompts.jsonl")
    assert {prompt.split for prompt in prompts} == {"train", "test"}
    reading = exchange.read_comments(here / "round/comments.jsonl")
    assert reading.faults == ()
    assert reading.comments[0].check is not None
    assert len(reading.comments[0].probes) == 12
    assert len(exchange.good_responses(here / "round/heldout.jsonl")) == sum(prompt.split == "test" for prompt in prompts)
    form = yaml.safe_load((here / "round/round.yaml").read_text(encoding="utf-8"))
    assert form["evaluate"]["heldout"] == "heldout.jsonl"
    again = sayso("tasks", "round", "write", "stories.jsonl", "--out", "round")
    assert again.code == 2
    assert "is there already" in again.err


def test_right_answers_of_a_few_words_are_known_to_the_critic(sayso: Call, here: Path) -> None:
    sayso("tasks", "round", "retrieval", "passages.jsonl", "--out", "round", "--seed", 1)
    form = yaml.safe_load((here / "round/round.yaml").read_text(encoding="utf-8"))
    learnt = {p.id for p in exchange.good_prompts(here / "round/prompts.jsonl") if p.split == "train"}
    assert set(form["critics"]["reference"]["answers"]) == learnt


def test_every_task_is_listed(sayso: Call) -> None:
    found = {one["name"]: one for one in sayso("tasks", "list", "--json").json["tasks"]}
    assert {"summarize", "translate", "answer", "retrieval", "chat", "write"} <= set(found)
    assert found["summarize"]["baseline"] == "lead-3"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("evaluate --task speak baseline texts.jsonl", "unknown task 'speak'"),
        ("evaluate --task summarize", "expected a model and files"),
        ("evaluate model", "are for --task NAME"),
        ("evaluate --task write baseline stories.jsonl", "the task write has no baseline"),
        ("evaluate --task summarize baseline wrong.jsonl", "wrong.jsonl:1: found the keys words; expected a text"),
        ("evaluate --task summarize baseline nowhere.jsonl", "there is no such file or folder"),
        ("evaluate --task summarize baseline texts.jsonl --set lead=1", "unknown key 'lead'"),
        ("evaluate --task summarize baseline texts.jsonl --set summarize.leed=1", "did you mean 'lead'"),
        ("evaluate --task summarize nowhere texts.jsonl", "nowhere"),
        ("finetune TINY wrong.jsonl --task summarize --out run", "wrong.jsonl:1: found the keys words; expected a text"),
        ("tasks round summarize nowhere.jsonl --out round", "there is no such file or folder"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(sayso: Call, here: Path, tiny_folder: Path, line: str, said: str) -> None:
    found = sayso(*(str(tiny_folder) if word == "TINY" else word for word in line.split()))
    assert found.code in (1, 2)
    assert said in found.err
    assert "Traceback" not in found.err
