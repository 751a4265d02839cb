"""What each method reads of an example, and what it leaves alone."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tests.contracts.method import examples

from sayso.batches import collate
from sayso.methods.hindsight import Hindsight
from sayso.methods.refine_dpo import RefineDpo
from sayso.methods.refine_sft import RefineSft


def learnt(row):
    return [token for token, weight in zip(row.ids, row.weights, strict=True) if weight]


def test_refine_sft_learns_the_refinement_and_nothing_else(tiny):
    (example, *_) = examples()
    (row,) = RefineSft().rows([example], tiny)
    assert tiny.tokenizer.decode(row.ids) == "<|user|>Tell me of dog 0.<|assistant|>Dog 0 ran away.<|end|>"
    assert tiny.tokenizer.decode(learnt(row)) == "Dog 0 ran away.<|end|>"
    assert row.label == f"{example.prompt.id} {example.comments[0].id}"


def test_refine_dpo_chooses_the_refinement_over_the_response(tiny):
    (example, *_) = examples()
    chosen, rejected = RefineDpo().rows([example], tiny)
    assert tiny.tokenizer.decode(learnt(chosen)) == "Dog 0 ran away.<|end|>"
    assert tiny.tokenizer.decode(learnt(rejected)) == "It ran away.<|end|>"


def test_hindsights_teacher_reads_the_comment_before_the_same_words(tiny):
    (example, *_) = examples()
    student, teacher = Hindsight().rows([example], tiny)
    assert learnt(student) == learnt(teacher) == tiny.encode_response("It ran away.")
    told = tiny.tokenizer.decode(teacher.ids)
    assert "Say who." in told
    assert told.count("It ran away.") == 1
    assert "Say who." not in tiny.tokenizer.decode(student.ids)


@pytest.mark.parametrize(
    ("settings", "shown"),
    [({"show_response": True}, True), ({"template": "refine"}, True), ({"template": "told"}, False)],
)
def test_the_template_decides_whether_the_teacher_sees_the_response(settings, shown, tiny):
    (example, *_) = examples()
    _, teacher = Hindsight(**settings).rows([example], tiny)
    assert ("It ran away." in tiny.tokenizer.decode(teacher.ids[: -len(learnt(teacher))])) is shown


def test_hindsight_can_score_the_refinement(tiny):
    method = Hindsight(answer="refinement")
    assert "refinement" in method.wants
    student, teacher = method.rows(examples(1), tiny)
    assert learnt(student) == learnt(teacher) == tiny.encode_response("Dog 0 ran away.")


@pytest.mark.parametrize(
    ("method", "missing"),
    [(RefineSft(), {"refinement": None}), (RefineDpo(), {"response": None}), (Hindsight(), {"comments": ()})],
)
def test_an_example_without_what_it_wants_makes_no_row(method, missing, tiny):
    (example, *_) = examples()
    assert list(method.rows([dataclasses.replace(example, **missing)], tiny)) == []


def test_a_comment_that_changes_nothing_teaches_nothing(tiny):
    """The teacher's row is made the student's own: not one gradient differs from zero."""
    rows = list(Hindsight().rows(examples(), tiny))
    same = [row for row in rows[::2] for _ in range(2)]
    loss = Hindsight(teacher="live").loss(tiny, tiny, collate(same, group=2, packed=True, pad_id=tiny.pad_id))
    loss.total.backward()
    assert loss.sums["gap"] == 0
    assert all(parameter.grad.abs().max() == 0 for parameter in tiny.module.parameters())


def test_the_teacher_follows_its_setting(tiny):
    rows = list(Hindsight().rows(examples(), tiny))
    batch = collate(rows, group=2, packed=True, pad_id=tiny.pad_id)
    reference = tiny.reference()
    at_start = [Hindsight(teacher=kind).loss(tiny, reference, batch).total.item() for kind in ("live", "reference")]
    assert at_start[0] == at_start[1]
    with torch.no_grad():
        tiny.module.get_output_embeddings().weight.mul_(3)
    live, frozen = (Hindsight(teacher=kind).loss(tiny, reference, batch).sums["gap"] for kind in ("live", "reference"))
    assert live < frozen
