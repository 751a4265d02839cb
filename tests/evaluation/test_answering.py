"""A model's answers are read and counted, and how probable it finds the right ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch

from sayso.evaluation import answering
from sayso.models.local import LocalModel
from sayso.models.writing.sampling import Sampling
from sayso.records import Prompt
from sayso.tasks.items import Item
from sayso.tasks.summarize import Summarize
from sayso.tasks.write import Write

GREEDY = Sampling(max_new_tokens=4, temperature=0.0, batch_size=2)


class Says:
    """Answers every prompt with the same words."""

    name = "says"

    def __init__(self, words: str) -> None:
        self.words = words

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        return [self.words] * len(prompts)


def stories(*texts: str) -> list[Item]:
    return [Item(inputs={"kind": "story", "title": "t", "opening": "", "form": ""}, answers=(text,)) for text in texts]


def values(found: answering.Answered) -> dict[str, float]:
    return {metric.name: metric.value for metric in found.metrics()}


def nothing(_done: int) -> None:
    """Watch nothing."""


def test_what_a_writer_says_is_read_and_counted() -> None:
    items = [Item(inputs={"text": "It rained. All day."}, answers=("It rained",))] * 3
    told: list[int] = []
    found = answering.by_model(Says("Summary: It rained"), Summarize(), items, GREEDY, name="says", told=told.append)
    assert values(found)["rougeL"] == 1.0
    assert "nats a token" not in values(found)
    assert told == [2, 3]


def test_the_cost_of_right_answers_is_that_of_the_model(tiny: LocalModel) -> None:
    task, items = Write(), stories("One two three.", "A much longer story than the other one.")
    found = values(answering.by_model(tiny, task, items, GREEDY, name="tiny", told=nothing))
    nats, tokens, size = 0.0, 0, 0
    for item in items:
        context, said = tiny.encode_prompt(task.prompt(item)), tiny.encode_response(item.answers[0])
        with torch.no_grad():
            logits = tiny.module(torch.tensor([[*context, *said]])).logits[0, len(context) - 1 : -1]
        nats -= float(logits.log_softmax(1).gather(1, torch.tensor(said)[:, None]).sum())
        tokens, size = tokens + len(said), size + len(item.answers[0].encode())
    assert found["nats a token"] == pytest.approx(nats / tokens, rel=1e-4)
    assert found["bits a byte"] == pytest.approx(nats / math.log(2) / size, rel=1e-4)


def test_a_prompt_that_is_too_long_is_counted_as_unanswered(tiny: LocalModel) -> None:
    items = [Item(inputs={"text": "a " * 200}, answers=("b",)), Item(inputs={"text": "a"}, answers=("b",))]
    found = answering.by_model(tiny, Summarize(form="{text}"), items, GREEDY, name="tiny", told=nothing)
    assert found.too_long == 1
    assert found.written[0] == ""


def test_two_models_are_compared_on_the_same_items() -> None:
    items = [Item(inputs={"text": "x"}, answers=(f"word {n} here",)) for n in range(20)]
    good = answering.by_file(Summarize(), items, [item.answers[0] for item in items], name="good")
    bad = answering.by_file(Summarize(), items, ["word"] * 20, name="bad")
    change = {metric.name: metric for metric in answering.changes(good, bad)}
    assert change["rougeL"].value == pytest.approx(0.5)
    assert change["rougeL"].low > 0.4


def test_a_task_without_a_baseline_has_none() -> None:
    assert answering.by_guess(Write(), stories("a b")) is None
    found = answering.by_guess(Summarize(), [Item(inputs={"text": "One. Two."}, answers=("One.",))])
    assert found is not None
    assert found.name == "lead-3"
