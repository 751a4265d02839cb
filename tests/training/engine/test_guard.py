"""The anchors: the model's own answers, as rows."""

from __future__ import annotations

from sayso.models.writing.sampling import Sampling
from sayso.records import ask
from sayso.training.engine.guard import Anchors, anchor_rows, own_answers
from sayso.training.settings import Guard


def test_an_anchor_learns_the_models_own_answer_after_its_prompt(tiny):
    prompts = [ask("Why?"), ask("Where to?")]
    pairs = own_answers(tiny, prompts, Sampling(max_new_tokens=5, seed=1))
    assert [prompt for prompt, _ in pairs] == prompts
    assert [text for _, text in pairs] == tiny.generate(prompts, Sampling(max_new_tokens=5, seed=1))
    for made, (prompt, text) in zip(anchor_rows(tiny, pairs), pairs, strict=True):
        context, answer = tiny.encode_prompt(prompt), tiny.encode_response(text)
        assert made.ids == (*context, *answer)
        assert made.weights == (0.0,) * len(context) + (1.0,) * len(answer)
        assert prompt.id in made.label


def test_a_kind_without_rows_or_weight_is_not_used(tiny):
    rows = anchor_rows(tiny, [(ask("Why?"), "So.")])
    assert [name for name, _, _ in Anchors(near=rows, out=rows).kinds()] == ["near", "out"]
    assert [name for name, _, _ in Anchors(out=rows).kinds()] == ["out"]
    assert [name for name, _, _ in Anchors(near=rows, out=rows, settings=Guard(out_weight=0)).kinds()] == ["near"]
    assert Anchors(near=rows, settings=Guard(enabled=False)).kinds() == ()
