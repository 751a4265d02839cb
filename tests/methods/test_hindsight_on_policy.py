"""Hindsight on the model's own new answers: who reads what, what is reported, and what is refused."""

from __future__ import annotations

import dataclasses
from statistics import fmean

import pytest
import torch
from tests.contracts.method import _sharpened, examples

from sayso.errors import PreflightError, SettingsError
from sayso.methods.hindsight import Hindsight
from sayso.records import Comment
from sayso.training.engine.drawing import source
from sayso.training.engine.optimizer import prepare
from sayso.training.settings import Train
from sayso.training.steps import steps

FRESH = Hindsight(on_policy=True, max_new_tokens=24)


def learnt(row):
    return tuple(token for token, weight in zip(row.ids, row.weights, strict=True) if weight)


def drawn(method, given, policy, step=0):
    return method.draw(policy, method.tasks(given, policy), step=step, seed=0)


def test_the_teacher_told_the_comment_reads_the_very_words_the_student_drew(tiny):
    found = drawn(FRESH, examples(3), tiny)
    assert len(found.rows) == 6
    for example, student, teacher in zip(examples(3), found.rows[::2], found.rows[1::2], strict=True):
        assert learnt(student) == learnt(teacher)
        assert learnt(student) != tuple(tiny.encode_response(example.response.text))
        assert list(student.ids[: -len(learnt(student))]) == tiny.encode_prompt(example.prompt)
        assert "Say who." in tiny.tokenizer.decode(teacher.ids[: -len(learnt(teacher))])
        assert "Say who." not in tiny.tokenizer.decode(student.ids)


def test_the_reward_is_reported_where_all_comments_have_a_check_and_not_otherwise(tiny):
    found = drawn(FRESH, examples(4), tiny)
    assert found.answers == 4
    assert 0 < found.reward <= 1
    assert found.count is None
    loose = dataclasses.replace(examples(1)[0], comments=(Comment(text="Say who."),))
    assert drawn(FRESH, [loose, *examples(4)[1:]], tiny).reward is None


def test_a_contrast_is_drawn_beside_it(tiny):
    given = [
        dataclasses.replace(item, comments=(dataclasses.replace(item.comments[0], text=f"Say {word}.", id=""),))
        for item, word in zip(examples(3), ("who", "where", "when"), strict=True)
    ]
    method = dataclasses.replace(FRESH, contrast="shuffled")
    rows = drawn(method, given, tiny).rows
    assert len(rows) == 9
    for student, told, other in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        assert learnt(student) == learnt(told) == learnt(other)
        assert told.ids != other.ids
    (one,) = method.draw(tiny, method.tasks(given, tiny)[:1], step=0, seed=0).rows[::3]
    assert one == rows[0], "what an example is compared with does not hang on the others of its step"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"where": "spans"}, "where: spans has nothing to point at"),
        ({"answer": "refinement"}, "answer: refinement has nothing to point at"),
        ({"max_new_tokens": 0}, "max_new_tokens: found 0"),
        ({"temperature": 0.0}, "temperature: found 0.0"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, said):
    with pytest.raises(SettingsError, match=said):
        Hindsight(on_policy=True, **settings)


def test_a_prompt_that_leaves_the_teacher_no_room_is_named(tiny):
    given = examples(2)
    long = dataclasses.replace(given[1], comments=(dataclasses.replace(given[1].comments[0], text="word " * 40, id=""),))
    with pytest.raises(PreflightError, match=f"leave no room for the 24 tokens .*: {long.prompt.id};"):
        FRESH.tasks([given[0], long], tiny)


def test_a_student_that_went_astray_comes_back_to_its_teacher_on_its_own_words(tiny_copy):
    settings = Train(max_steps=20, per_device_train_batch_size=10, learning_rate=3e-3, use_lora=False, warmup_ratio=0)
    policy = prepare(_sharpened(tiny_copy()), settings)
    policy.reference()  # the teacher is the model as it is now
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in policy.module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
    records = list(steps(FRESH, policy, source(FRESH, examples(), policy), settings))
    first, last = (fmean(record.sums["gap"] for record in part) for part in (records[:4], records[-4:]))
    assert last < 0.75 * first
