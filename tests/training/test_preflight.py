"""What could not be learnt from is said before anything starts, with the rows named."""

from __future__ import annotations

import dataclasses

import pytest
from tests.contracts.method import examples

from sayso.batches import Row
from sayso.errors import PreflightError
from sayso.methods.cut import Cut
from sayso.methods.edit_weighted import EditWeighted
from sayso.methods.hindsight import Hindsight
from sayso.methods.refine_dpo import RefineDpo
from sayso.methods.refine_sft import RefineSft
from sayso.training.engine.guard import Anchors
from sayso.training.preflight import check_rows, describe, examine, usable


def examined(method, policy, given):
    examine(method, policy, given, list(method.rows(given, policy)))


@pytest.mark.parametrize("method", [RefineSft(), RefineDpo(), Hindsight()])
def test_good_examples_pass(method, tiny):
    examined(method, tiny, examples())


def test_no_examples(tiny):
    with pytest.raises(PreflightError, match="no example to learn from"):
        examine(RefineSft(), tiny, [], [])


@pytest.mark.parametrize(
    ("method", "part", "empty"),
    [(RefineSft(), "refinement", None), (RefineDpo(), "response", None), (Hindsight(), "comment", ())],
)
def test_examples_that_lack_what_the_method_reads_are_named(method, part, empty, tiny):
    given = examples()
    field = "comments" if part == "comment" else part
    given[3] = dataclasses.replace(given[3], **{field: empty})
    with pytest.raises(PreflightError, match=f"1 of 10 examples have no {part}.*: {given[3].prompt.id}"):
        examined(method, tiny, given)
    have, lack = usable(method, given)
    assert lack == [given[3]]
    examined(method, tiny, have)


def test_only_the_first_few_are_named(tiny):
    given = [dataclasses.replace(example, refinement=None) for example in examples()]
    with pytest.raises(PreflightError, match=r"10 of 10 .*, \+ 7;"):
        examined(RefineSft(), tiny, given)


def test_a_refinement_that_changes_nothing_makes_no_pair(tiny):
    given = examples()
    same = dataclasses.replace(given[2].refinement, text=given[2].response.text)
    given[2] = dataclasses.replace(given[2], refinement=same)
    with pytest.raises(PreflightError, match=f"1 of 10 refinements equal .*: {given[2].prompt.id}"):
        examined(RefineDpo(), tiny, given)
    examined(RefineSft(), tiny, given)


def test_a_row_longer_than_the_context_is_named_and_never_cut(tiny):
    given = examples()
    long = dataclasses.replace(given[0].refinement, text="word " * 100)
    given[0] = dataclasses.replace(given[0], refinement=long)
    with pytest.raises(
        PreflightError, match=rf"1 of 10 rows .* context of 256 tokens: {given[0].prompt.id} .*\(\d+ tokens\)"
    ):
        examined(RefineSft(), tiny, given)


def row(*weights, label="r"):
    return Row(ids=tuple(range(len(weights))), weights=weights, label=label)


@pytest.mark.parametrize(
    ("rows", "group", "said"),
    [
        ([], 1, "no rows to learn from"),
        ([row(0, 1)] * 3, 2, "3 rows do not make whole groups of 2"),
        ([row(0, 0), row(0, 0)], 1, "none of the 2 rows carries loss"),
        ([row(0, 1), row(0, 0, label="silent")], 1, "1 of 2 rows carry no loss.*: silent"),
        ([row(1.0, 0)], 1, "none of the 1 rows carries loss"),  # a first token is predicted by nothing
    ],
)
def test_rows_that_teach_nothing(rows, group, said, tiny):
    with pytest.raises(PreflightError, match=said):
        check_rows(rows, tiny, group=group)


def test_a_plan_counts_and_shows_what_would_be_learnt(tiny):
    given = examples()
    rows = list(RefineDpo().rows(given, tiny))
    plan = describe(RefineDpo(), given, rows, decode=tiny.tokenizer.decode, anchors=Anchors(near=rows[:4], out=rows[:7]))
    assert (plan.rows, plan.groups, plan.families, plan.near_anchors, plan.out_anchors) == (20, 10, 10, 4, 7)
    assert plan.tokens == sum(len(item.ids) for item in rows)
    assert plan.targets == sum(len(item.ids) for item in rows) - 2 * sum(
        len(tiny.encode_prompt(example.prompt)) for example in given
    )
    assert plan.longest == max(len(item.ids) for item in rows)
    assert plan.shown[0] == "<|user|>Tell me of dog 0.<|assistant|>«Dog 0 ran away.<|end|>»"
    assert plan.shown[1].endswith("«It ran away.<|end|>»")
    assert len(plan.shown) == 3
    assert 0 < plan.edit_ratio < 1
    assert len(plan.warnings) == 2
    assert "10 different kinds" in plan.warnings[0]
    assert "7 anchors" in plan.warnings[1]


def test_enough_prompts_and_anchors_give_no_warning(tiny):
    given = examples(20)
    rows = list(RefineSft().rows(given, tiny))
    plan = describe(RefineSft(), given, rows, decode=tiny.tokenizer.decode, anchors=Anchors(out=rows * 5))
    assert plan.warnings == ()
    (bare,) = describe(RefineSft(), given, rows, decode=tiny.tokenizer.decode).warnings
    assert "no anchors" in bare


def test_the_edit_ratio_is_the_share_of_words_that_differ(tiny):
    (example, *_) = examples(1)
    refinement = dataclasses.replace(example.refinement, text="It ran home.")  # two of three words kept
    plan = describe(RefineSft(), [dataclasses.replace(example, refinement=refinement)], [], decode=tiny.tokenizer.decode)
    assert plan.edit_ratio == pytest.approx(1 / 3)


def planned(method, policy, given):
    return describe(method, given, list(method.rows(given, policy)), decode=policy.tokenizer.decode)


def test_the_plan_tells_what_is_pushed_down_from_what_is_learnt(tiny):
    plan = planned(EditWeighted(kept=0.0, spans="ignore"), tiny, examples())
    assert plan.shown[0].startswith("<|user|>Tell me of dog 0.<|assistant|>«Dog 0» ran away.«<|end|>»")
    assert plan.shown[1] == "<|user|>Tell me of dog 0.<|assistant|>‹It› ran away.<|end|>"


def test_refinements_that_say_everything_anew_are_warned_of_where_edits_are_learnt(tiny):
    given = examples()
    assert not any("change" in item for item in planned(EditWeighted(), tiny, given).warnings)
    anew = [
        dataclasses.replace(item, refinement=dataclasses.replace(item.refinement, text="Nothing is as before here."))
        for item in given
    ]
    assert any("change 100% of the words" in item for item in planned(EditWeighted(), tiny, anew).warnings)
    assert not any("of the words" in item for item in planned(RefineDpo(), tiny, anew).warnings)


def commented(given, **kind):
    return [
        dataclasses.replace(item, comments=tuple(dataclasses.replace(said, **kind) for said in item.comments))
        for item in given
    ]


def test_praise_alone_is_refused_where_faults_are_learnt(tiny):
    given = examples()
    examined(Cut(), tiny, given)
    with pytest.raises(PreflightError, match=f"all of the 10 examples are praised.*: {given[0].prompt.id}"):
        examined(Cut(), tiny, commented(given, kind="keep", polarity=None))


def test_comments_that_only_ask_are_refused_where_faults_are_learnt(tiny):
    given = examples()
    given[3:4] = commented(given[3:4], kind="question", polarity=None)
    with pytest.raises(PreflightError, match=f"1 of 10 examples have no fault or praise.*: {given[3].prompt.id}"):
        examined(Cut(), tiny, given)
