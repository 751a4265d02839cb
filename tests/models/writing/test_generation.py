"""How a local model writes: the same text whatever else is in the batch, and ends where it must."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sayso.errors import ModelError
from sayso.models import local
from sayso.models.writing.generation import choose, write
from sayso.models.writing.sampling import Sampling
from sayso.records import Message, Prompt

TEXTS = ["a", "Tell me of the sea, please.", "bb", "Why?", "x" * 40, "Now then", "one two three four", "好"]


def ask(text: str) -> Prompt:
    return Prompt(messages=(Message(role="user", content=text),))


PROMPTS = [ask(text) for text in TEXTS]
SAMPLINGS = {
    "greedy": Sampling(temperature=0, max_new_tokens=12),
    "warm": Sampling(temperature=1.0, max_new_tokens=12, seed=5),
    "narrow": Sampling(temperature=0.7, top_p=0.8, top_k=20, max_new_tokens=12, seed=5),
}


@pytest.mark.parametrize("name", SAMPLINGS)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_text_depends_neither_on_the_batch_size_nor_on_the_order(tiny: Any, name: str, batch_size: int) -> None:
    sampling = SAMPLINGS[name]
    whole = tiny.generate(PROMPTS, sampling)
    keys = {slot: getattr(sampling, slot) for slot in sampling.__slots__}
    assert tiny.generate(PROMPTS, Sampling(**{**keys, "batch_size": batch_size})) == whole
    assert tiny.generate(PROMPTS[::-1], sampling) == whole[::-1]
    assert tiny.generate(PROMPTS[2:3], sampling) == whole[2:3]


def test_the_same_seed_writes_the_same_and_another_seed_writes_something_else(tiny: Any) -> None:
    one, same, other = (tiny.generate(PROMPTS, Sampling(seed=seed, max_new_tokens=12)) for seed in (1, 1, 2))
    assert one == same
    assert sum(a != b for a, b in zip(one, other, strict=True)) >= 6


def test_a_prompt_asked_twice_gets_two_texts_and_the_first_is_the_one_it_gets_alone(tiny: Any) -> None:
    sampling = Sampling(seed=1, temperature=1.0, max_new_tokens=12)
    first, second = tiny.generate([PROMPTS[1], PROMPTS[1]], sampling)
    assert first != second
    assert tiny.generate([PROMPTS[1]], sampling) == [first]
    assert tiny.generate([PROMPTS[0], PROMPTS[1], PROMPTS[2], PROMPTS[1]], sampling)[1::2] == [first, second]


def test_a_longer_text_begins_like_a_shorter_one(tiny: Any) -> None:
    short, long = (write_one(tiny, Sampling(temperature=1.0, seed=4, max_new_tokens=n)) for n in (5, 19))
    assert long[: len(short)] == short
    assert len(short) == 5


def write_one(tiny: Any, sampling: Sampling) -> list[int]:
    return write(tiny.inner, [[9, 8, 7]], sampling, stop_ids=frozenset(), max_length=256)[0]


def test_greedy_writing_is_what_transformers_writes(tiny: Any) -> None:
    prompts = [tiny.encode_prompt(prompt) for prompt in PROMPTS]
    sampling = Sampling(temperature=0, max_new_tokens=20)
    ours = write(tiny.inner, prompts, sampling, stop_ids=tiny.chat.stop_ids, max_length=tiny.max_length)
    for ids, found in zip(prompts, ours, strict=True):
        asked = torch.tensor([ids])
        theirs = tiny.inner.generate(
            input_ids=asked, attention_mask=torch.ones_like(asked), max_new_tokens=20, do_sample=False
        )
        answer = theirs[0, len(ids) :].tolist()
        ends = [place for place, token in enumerate(answer) if token in tiny.chat.stop_ids]
        assert found == answer[: ends[0] if ends else None]


def test_a_line_that_ends_leaves_while_the_others_go_on(tiny: Any) -> None:
    prompts = [tiny.encode_prompt(prompt) for prompt in PROMPTS]
    free = write(tiny.inner, prompts, SAMPLINGS["warm"], stop_ids=frozenset(), max_length=256)
    stop = free[3][4]
    stopped = write(tiny.inner, prompts, SAMPLINGS["warm"], stop_ids=frozenset({stop}), max_length=256)
    for ids, found in zip(free, stopped, strict=True):
        assert found == (ids[: ids.index(stop)] if stop in ids else ids)


def test_a_full_context_ends_a_text(tiny: Any) -> None:
    prompts = [[7] * 250, [8] * 100, [9] * 255]
    found = write(tiny.inner, prompts, Sampling(max_new_tokens=20), stop_ids=frozenset(), max_length=256)
    assert [len(ids) for ids in found] == [6, 20, 1]


def test_nothing_is_written_when_no_tokens_are_allowed(tiny: Any) -> None:
    assert tiny.generate(PROMPTS[:2], Sampling(max_new_tokens=0)) == ["", ""]
    assert tiny.generate([], Sampling()) == []


def test_a_prompt_that_fills_the_context_is_named_with_both_numbers(tiny: Any) -> None:
    prompt = Prompt(messages=(Message(role="user", content="x" * 300),), id="p-long")
    with pytest.raises(ModelError, match=r"'p-long' has 302 tokens.* 256 "):
        tiny.generate([PROMPTS[0], prompt], Sampling())


def test_writing_leaves_the_model_as_it_was(tiny: Any) -> None:
    before = {name: tensor.clone() for name, tensor in tiny.module.state_dict().items()}
    state = torch.get_rng_state()
    tiny.generate(PROMPTS, Sampling(max_new_tokens=3))
    assert all(torch.equal(tensor, before[name]) for name, tensor in tiny.module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert not tiny.module.training


LOGITS = torch.tensor([[0.0, 3.0, 1.0, 2.0]]).log_softmax(1)  # probabilities .032 .644 .087 .237


@pytest.mark.parametrize(
    ("number", "settings_", "token"),
    [
        (0.01, {}, 0),
        (0.1, {}, 1),
        (0.7, {}, 2),
        (0.99, {}, 3),
        (0.99, {"top_k": 1}, 1),
        (0.7, {"top_k": 2}, 1),  # .644 of .881 is .731
        (0.74, {"top_k": 2}, 3),
        (0.99, {"top_p": 0.5}, 1),
        (0.99, {"top_p": 0.7}, 3),
        (0.99, {"temperature": 0.0}, 1),
    ],
)
def test_a_token_is_read_off_the_cumulated_probabilities(number: float, settings_: dict[str, Any], token: int) -> None:
    sampling = Sampling(**{"temperature": 1.0, **settings_})
    assert choose(LOGITS, torch.tensor([number], dtype=torch.float64), sampling).tolist() == [token]


@pytest.mark.parametrize("size", [5, 128, 1000])
@pytest.mark.parametrize("how", [{}, {"top_k": 3}, {"top_p": 0.6}, {"top_p": 0.999}])
def test_tokens_come_as_often_as_they_are_probable(size: int, how: dict[str, Any]) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(size)
        logits = torch.randn(size) * 3
    numbers = (torch.arange(4_000, dtype=torch.float64) + 0.5) / 4_000
    found = choose(logits.expand(len(numbers), -1), numbers, Sampling(temperature=1.0, **how)).bincount(minlength=size)
    probable = logits.double().softmax(0)
    order = probable.argsort(descending=True)
    kept = order[: how["top_k"]] if "top_k" in how else order
    if "top_p" in how:
        kept = order[: int((probable[order].cumsum(0) < how["top_p"]).sum()) + 1]
    expected = torch.zeros(size, dtype=torch.float64)
    expected[kept] = probable[kept] / probable[kept].sum()
    assert (found / len(numbers) - expected).abs().max() < 2 / len(numbers)


@pytest.mark.parametrize("size", [7, 128, 384, 400])
def test_the_first_of_the_likeliest_is_chosen_in_a_vocabulary_of_any_size(size: int) -> None:
    draw = torch.Generator().manual_seed(size)
    logits = torch.randint(-4, 5, (50, size), generator=draw).float()  # many that are equal
    expected = [line.index(max(line)) for line in logits.tolist()]
    assert choose(logits, torch.zeros(50, dtype=torch.float64), Sampling(temperature=0)).tolist() == expected


@settings(max_examples=60, deadline=None)
@given(
    logits=arrays.arrays(
        "float32",
        (3, 7),
        elements=st.integers(-30, 30),  # no two apart by mere rounding
    ),
    number=st.floats(0, 1, exclude_max=True),
    top_k=st.integers(0, 9),
    top_p=st.floats(0.05, 1.0),
)
def test_a_chosen_token_is_always_one_that_may_be_chosen(logits: Any, number: float, top_k: int, top_p: float) -> None:
    found = choose(
        torch.from_numpy(logits), torch.full((3,), number, dtype=torch.float64), Sampling(top_k=top_k, top_p=top_p)
    )
    for line, token in zip(logits, found.tolist(), strict=True):
        assert 0 <= token < 7
        if top_k:
            assert (line > line[token]).sum() < top_k


@pytest.mark.slow
def test_a_fixed_mask_buffer_near_a_full_context_is_no_obstacle(shared: Path) -> None:
    model = local.load(shared / "models" / "tinytalk3m")
    prompts = [[7] * 250, list(range(100, 150)), [9] * 200]
    sampling = Sampling(temperature=0, max_new_tokens=60)
    together = write(model.inner, prompts, sampling, stop_ids=frozenset(), max_length=256)
    alone = [write(model.inner, [ids], sampling, stop_ids=frozenset(), max_length=256)[0] for ids in prompts]
    assert [len(ids) for ids in together] == [6, 60, 56]
    assert together == alone


def test_what_was_drawn_is_told_token_by_token_and_whether_it_was_ended(tiny: Any) -> None:
    sampling = Sampling(temperature=1.0, max_new_tokens=120, seed=5)
    found = tiny.write(PROMPTS, sampling)
    assert [answer.text for answer in found] == tiny.generate(PROMPTS, sampling)
    assert {answer.ended for answer in found} == {True, False}, "the seed should give answers of both kinds"
    for answer in found:
        *words, last = answer.ids
        assert tiny.decode(answer.ids) == answer.text
        assert not tiny.chat.stop_ids.intersection(words)
        assert (last in tiny.chat.stop_ids) is answer.ended
        assert answer.ended or len(answer.ids) == 120
