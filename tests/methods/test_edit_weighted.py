"""Which tokens an edit changes and takes out, which of them a comment marks, and what becomes of their probability."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts.method import CHECKS, examples

from sayso import batches, models
from sayso.batches import collate
from sayso.config import build
from sayso.errors import SettingsError
from sayso.methods.edit_weighted import EditWeighted, align
from sayso.models import local
from sayso.records import Comment, Example, Message, Prompt, Refinement, Response, Span, ask
from sayso.training.engine.optimizer import prepare
from sayso.training.settings import Train
from sayso.training.steps import steps

VARIANTS = [EditWeighted(gate=None, beta=1.0), EditWeighted(kept=0.0, gate=None), EditWeighted(spans="narrow", gate=2.0)]


@pytest.mark.slow
@pytest.mark.parametrize("method", VARIANTS, ids=["ungated", "no kept", "narrow"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_other_settings_hold_the_contract_too(method, check, tiny_copy):
    check(method, tiny_copy)


def example(response, refinement, *comments, prompt=None):
    """Return an example; a comment is its kind and the words of the response that it marks."""
    prompt = prompt or ask("Say it.")
    written = Response(prompt=prompt, text=response)
    said = []
    for kind, *quotes in comments:
        spans = tuple(Span(start=response.index(part), end=response.index(part) + len(part), quote=part) for part in quotes)
        said.append(Comment(text="Mind this.", response=written, spans=spans, kind=kind))
    better = Refinement(response=written, text=refinement)
    return Example(prompt=prompt, response=written, comments=tuple(said), refinement=better)


def words(tiny, row, weight):
    """Return the runs of the row's tokens that have this weight, as text."""
    marked = [item == weight for item in row.weights]
    runs, run = [], []
    for token, held in zip(row.ids, marked, strict=True):
        if held:
            run.append(token)
        elif run:
            runs.append(tiny.tokenizer.decode(run))
            run = []
    return [*runs, tiny.tokenizer.decode(run)] if run else runs


def lowered(tiny, item, **kept):
    rows = list(EditWeighted(**kept).rows([item], tiny))
    return words(tiny, rows[1], -0.5) if len(rows) > 1 else []


def test_a_replaced_word_is_learnt_fully_in_the_refinement_and_pushed_down_in_the_response(tiny):
    better, worse = EditWeighted().rows([example("We met at 9 today", "We met at noon today")], tiny)
    assert words(tiny, better, 1.0) == ["noon", "<|end|>"]
    assert words(tiny, better, 0.2) == ["We met at ", " today"]
    assert words(tiny, worse, -0.5) == ["9"]
    assert [weight for weight in worse.weights if weight] == [-0.5]
    assert worse.label == f"{better.label} (response)"


def test_added_words_make_no_row_of_the_response(tiny):
    (better,) = EditWeighted().rows([example("Come at noon.", "Come at noon. Thanks.")], tiny)
    assert words(tiny, better, 1.0) == [" Thanks.<|end|>"]


def test_a_cut_shows_in_the_token_after_it(tiny):
    better, worse = EditWeighted().rows([example("Come, please, now", "Come now")], tiny)
    assert words(tiny, worse, -0.5) == [", please,"]
    assert words(tiny, better, 1.0) == [" ", "<|end|>"]


def test_all_turns_of_the_prompt_are_context(tiny):
    turns = (("user", "Hi"), ("assistant", "Yes?"), ("user", "Say it."))
    prompt = Prompt(messages=tuple(Message(role=role, content=text) for role, text in turns))
    for row in EditWeighted().rows([example("a b", "a c", prompt=prompt)], tiny):
        context = tiny.encode_prompt(prompt)
        assert list(row.ids[: len(context)]) == context
        assert not any(row.weights[: len(context)])


def test_responses_to_one_prompt_are_examples_of_their_own(tiny):
    prompt = ask("Say it.")
    given = [example("one", "two", prompt=prompt), example("uno", "dos", prompt=prompt)]
    assert len(list(EditWeighted().rows(given, tiny))) == 4


def test_a_span_is_pushed_down_beside_what_the_edit_removed(tiny):
    item = example("Dear all, bye now", "Yo all, bye", ("fix", "bye"))
    assert lowered(tiny, item) == ["Dear", "bye now"]
    assert lowered(tiny, item, spans="ignore") == ["Dear", " now"]


def test_the_spans_of_all_comments_count_and_praise_protects(tiny):
    item = example("ab cd ef gh", "x", ("fix", "ab"), ("concern", "cd"), ("keep", "ef"), ("question", "gh"))
    assert lowered(tiny, item) == ["ab cd ", " gh"]
    kept = example("ab cd ef gh", "ab xx ef gh", ("keep", "ab", "cd"), ("question", "gh"))
    assert lowered(tiny, kept) == []


def test_narrow_pushes_down_of_the_edit_only_what_is_marked(tiny):
    assert lowered(tiny, example("ab cd", "xy zw", ("fix", "cd")), spans="narrow") == ["cd"]
    assert lowered(tiny, example("ab cd", "xy zw", ("fix",)), spans="narrow") == ["ab", "cd"]


def test_marked_words_that_the_refinement_begins_with_are_left_alone(tiny):
    item = example("Well done. More.", "Well done. Less.", ("fix", "done. More"))
    assert lowered(tiny, item) == ["More"]


def test_a_mark_on_everything_points_at_nothing(tiny):
    item = example(" Too long here. ", "Hi. Too long here. ", ("fix", "Too long here."))
    assert lowered(tiny, item) == []


def test_spans_of_another_response_are_not_read(tiny):
    item, other = example("ab cd", "x ab cd"), example("ab zz", "zz", ("fix", "ab"))
    assert lowered(tiny, dataclasses.replace(item, comments=other.comments)) == []
    assert lowered(tiny, example("ab cd", "x ab cd", ("fix", "ab"))) == ["ab"]


def test_white_space_at_the_ends_of_a_span_marks_nothing_beyond_its_words(tiny):
    assert lowered(tiny, example("ab cd ef", "x", ("fix", " cd ")), spans="narrow") == ["cd"]
    assert lowered(tiny, example("ab cd", "zab cd", ("fix", " "))) == []


def test_a_span_of_chinese_words_takes_all_bytes_of_them_and_no_others(tiny):
    item = example("你好,世界很大", "x 你好,世界很大", ("fix", "世界"))
    assert lowered(tiny, item) == ["世界"]
    weights = list(EditWeighted().rows([item], tiny))[1].weights
    assert sum(weight < 0 for weight in weights) == 6


@pytest.mark.parametrize("marked", ["世界", "naïve", "away", "🙂"])
def test_with_longer_tokens_every_token_that_holds_a_marked_word_is_pushed_down_and_no_other(marked):
    model = local.load(Path(models.__file__).parent / "teachable", device="cpu")
    text = "They went away, naïve 🙂 as ever. 你好,世界很大"
    (worse,) = EditWeighted(alpha=0.0, kept=0.0).rows([example(text, f"So\n{text}", ("fix", marked))], model)
    context = len(worse.ids) - len(model.encode_response(text))
    places = [place for place, weight in enumerate(worse.weights) if weight]
    assert places == list(range(places[0], places[-1] + 1))
    before, after = (model.tokenizer.decode(part) for part in (worse.ids[context : places[0]], worse.ids[places[-1] + 1 :]))
    assert text.startswith(before)
    assert len(before) in (text.index(marked), text.index(marked) - 1)  # the space before a word is in its token
    assert after.startswith(text[text.index(marked) + len(marked) :])


@settings(max_examples=60, deadline=None)
@given(before=st.lists(st.integers(0, 3), max_size=9), after=st.lists(st.integers(0, 3), max_size=9))
def test_what_was_neither_removed_nor_put_in_is_the_same_in_both(before, after):
    edit = align([*before, 9], [*after, 9])
    stayed = [token for place, token in enumerate([*before, 9]) if place not in edit.removed]
    assert len(edit.changed) == len(after) + 1
    assert edit.changed[-1]
    assert sum(edit.changed) >= len(after) + 1 - len(stayed)
    kept = [token for token, new in zip([*after, 9], edit.changed, strict=True) if not new]
    left = iter(stayed)
    assert all(token in left for token in kept)  # a subsequence
    assert before[: edit.shared] == after[: edit.shared]


def test_a_long_answer_is_aligned_in_spite_of_words_that_are_everywhere():
    before = [1, 2] * 300
    edit = align([*before, 9], [*before[:300], 7, *before[300:], 9])
    assert edit.removed == set()
    assert [place for place, new in enumerate(edit.changed) if new] == [300, 601]


def test_with_equal_weights_and_nothing_pushed_down_it_is_transformers_cross_entropy(tiny):
    method = EditWeighted(alpha=1.0, kept=1.0, beta=0.0)
    rows = list(method.rows(examples(), tiny))
    batch = collate(rows, packed=False, pad_id=tiny.pad_id)
    loss = method.loss(tiny, tiny, batch)
    labels = torch.full_like(batch.ids, -100)
    for line, row in enumerate(rows):
        for place, weight in enumerate(row.weights):
            if weight:
                labels[line, place] = row.ids[place]
    theirs = tiny.module(input_ids=batch.ids, attention_mask=batch.mask.long(), labels=labels).loss
    assert (loss.total / loss.count).item() == pytest.approx(theirs.item(), abs=1e-6)


def test_the_loss_equals_one_token_at_a_time(tiny):
    method = EditWeighted(alpha=2.0, kept=0.3, beta=0.7, gate=5.4)
    rows = list(method.rows([example("We met at 9", "We met at noon", ("fix", "met")), example("a", "ab")], tiny))
    loss = method.loss(tiny, tiny, collate(rows, packed=True, pad_id=tiny.pad_id))
    total = count = 0.0
    for row in rows:
        logits = tiny.module(input_ids=torch.tensor([row.ids])).logits[0].detach()
        for place, weight in enumerate(row.weights):
            probability = logits[place - 1].softmax(0)[row.ids[place]].item()
            count += abs(weight)
            if weight > 0:
                total -= weight * math.log(probability)
            elif -math.log(probability) < 5.4:
                total += weight * math.log(1 - probability)
    assert loss.total.item() == pytest.approx(total, rel=1e-4)
    assert loss.count == pytest.approx(count, rel=1e-5)


def test_words_are_pushed_down_until_the_model_would_hardly_write_them(tiny):
    item = example("We met at 9 today", "We met at noon today")
    hard = Train(max_steps=60, per_device_train_batch_size=2, learning_rate=1e-2, use_lora=False)
    policy = prepare(tiny, hard)
    learnt = [batches.row(policy.encode_prompt(item.prompt), policy.encode_response(item.response.text))]
    list(steps(EditWeighted(), policy, learnt, hard))
    (worse,) = EditWeighted(alpha=0.0, kept=0.0, beta=1.0).rows([item], policy)
    one = collate([worse], packed=True)
    assert policy.token_logprobs(one).exp().item() > 0.9
    gentle = Train(max_steps=60, learning_rate=3e-4, use_lora=False)
    records = list(steps(EditWeighted(), policy, [worse], gentle))
    assert records[0].sums["pushed"] == 1.0
    assert records[-1].sums["pushed"] == 0.0
    assert 0.01 < policy.token_logprobs(one).exp().item() < math.exp(-0.6)


@pytest.mark.parametrize("key", ["alpha", "kept", "beta", "gate"])
def test_a_weight_below_nothing_is_refused(key):
    with pytest.raises(SettingsError, match=f"{key}: found -1"):
        build(EditWeighted, {key: -1}, where="method")
