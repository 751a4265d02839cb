"""Whole words are masked, anew every step, and what is measured is always the same."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from sayso.batches import Row
from sayso.models.fresh import fresh
from sayso.text.corpus import Document
from sayso.training.material import corrupting, masking
from sayso.training.material.corrupting import Correcting
from sayso.training.material.masking import BEGINS, GOES_ON, Masked, WholeWords
from sayso.training.settings import Train
from sayso.training.steps import steps

MASK = Masked(mask_id=99, num_words=100, special_ids=(0, 1))
WORDS = (1, 2, 2, 1, 1, 2, 1, 1, 1, 2, 2, 2, 1, 1, 2, 1, 1, 1, 2, 1)
ROW = Row(ids=(1, *range(10, 30), 1), weights=(0.0, *map(float, WORDS), 0.0), label="r")


def drawn(seed, method=MASK, row=ROW):
    return method.corrupted(row, np.random.default_rng(seed))


def words_of(row):
    begins = [place for place, weight in enumerate(row.weights) if weight == BEGINS]
    return [range(start, end) for start, end in zip(begins, [*begins[1:], len(row.ids) - 1], strict=True)]


def test_only_whole_words_are_taken_out_and_about_their_share():
    for seed in range(50):
        found = drawn(seed)
        assert found.labels == ROW.ids
        taken = {place for place, weight in enumerate(found.weights) if weight}
        assert 1 <= len(taken) <= 3, "15 % of 20 tokens"
        assert all(taken.issuperset(word) or taken.isdisjoint(word) for word in words_of(ROW))
        assert all(found.ids[place] == ROW.ids[place] for place in range(22) if place not in taken)


def test_eighty_of_a_hundred_become_the_mask_ten_another_word_and_ten_stay():
    counts = Counter()
    for seed in range(3000):
        found = drawn(seed)
        for place, weight in enumerate(found.weights):
            if weight:
                now = found.ids[place]
                counts["mask" if now == 99 else "same" if now == ROW.ids[place] else "other"] += 1
                assert now not in (0, 1)
    shares = {name: count / counts.total() for name, count in counts.items()}
    assert shares == {
        "mask": pytest.approx(0.8, abs=0.02),
        "other": pytest.approx(0.1, abs=0.02),
        "same": pytest.approx(0.1, abs=0.02),
    }


def test_a_row_of_one_word_still_teaches():
    found = drawn(0, row=Row(ids=(1, 10, 11, 1), weights=(0.0, 2.0, 2.0, 0.0)))
    assert found.weights == (0.0, 1.0, 1.0, 0.0)


class Small:
    """A tokenizer of whole words and their letters, as BERT cuts them."""

    def __new__(cls):
        entries = [
            "[PAD]",
            "[UNK]",
            "[CLS]",
            "[SEP]",
            "[MASK]",
            *"acstno火车晚点了",
            *(f"##{letter}" for letter in "acstno"),
        ]
        inner = Tokenizer(models.WordPiece({word: n for n, word in enumerate(entries)}, unk_token="[UNK]"))
        inner.normalizer = normalizers.BertNormalizer()
        inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        return PreTrainedTokenizerFast(
            tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
            mask_token="[MASK]", model_max_length=12,
        )  # fmt: skip


def encoded(*texts, longest=12, packing=False):
    encoder = WholeWords(Small(), longest=longest, packing=packing)
    return [*(row for text in texts for row in encoder(Document(where="t", text=text))), *encoder.rest()]


def test_a_word_begins_where_the_tokenizer_says():
    (row,) = encoded("cat so")
    assert list(row.learnt) == [0, BEGINS, GOES_ON, GOES_ON, BEGINS, GOES_ON, 0]
    assert (row.ids[0], row.ids[-1], row.num_bytes) == (2, 3, 6)


def test_chinese_words_are_jiebas_or_else_characters(monkeypatch):
    pytest.importorskip("jieba")
    monkeypatch.setattr(masking, "_cut", lambda run: ["火车", "晚点", "了"])
    (row,) = encoded("火车晚点了 cat")
    assert list(row.learnt)[1:-1] == [BEGINS, GOES_ON, BEGINS, GOES_ON, BEGINS, BEGINS, GOES_ON, GOES_ON]
    monkeypatch.setattr(masking, "_cut", list)
    (row,) = encoded("a火车")
    assert list(row.learnt)[1:-1] == [BEGINS, BEGINS, BEGINS]


def test_bytes_of_one_chinese_character_are_one_word(tiny):
    found = tiny.tokenizer("火车a", add_special_tokens=False, return_offsets_mapping=True)
    got = masking.marks("火车a", found.word_ids(), found.offset_mapping)
    assert got[0] == got[-1] == BEGINS
    assert got[1:3] == [GOES_ON, GOES_ON]
    assert len(got) == 7


def test_where_a_tokenizer_cuts_no_words_they_end_with_white_space():
    words = "a cat\n  sat"
    got = masking.marks(words, [0] * len(words), [(place, place + 1) for place in range(len(words))])
    assert [words[place] for place, mark in enumerate(got) if mark == BEGINS] == ["a", "c", " ", " ", "s"]
    cut = masking.marks("a cat", [0, 1, 1, 1, 1], [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)])
    assert cut == [BEGINS, BEGINS, GOES_ON, GOES_ON, GOES_ON], "where it does, it is asked"


def test_long_texts_are_cut_and_short_ones_share_a_row_only_when_asked():
    assert [len(row.ids) for row in encoded("cat " * 6)] == [12, 10]
    assert [len(row.ids) for row in encoded("cat", "so")] == [5, 4]
    (row,) = encoded("cat", "so", packing=True)
    assert len(row.ids) == 7
    assert row.num_bytes == 5


SMALL = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}


@pytest.fixture
def bert(tiny_folder):
    return fresh("bert", SMALL, tiny_folder, seed=0, device="cpu")


def rows_of(count):
    texts = [[40 + (number * 7 + place) % 60 for place in range(20)] for number in range(count)]
    return [Row(ids=tuple(ids), weights=(1.0,) * 20, label=str(number)) for number, ids in enumerate(texts)]


def test_a_step_draws_the_same_gaps_however_it_is_cut_and_the_next_step_others(bert):
    method = Correcting(objective=Masked(mask_id=260, num_words=261))
    settings = Train(use_lora=False, max_steps=2, per_device_train_batch_size=6, learning_rate=0.0, seed=3)
    found = [
        [record.loss for record in steps(method, bert, rows_of(6), dataclasses.replace(settings, max_tokens=size))]
        for size in (1, 1000)
    ]
    assert found[0] == pytest.approx(found[1], abs=1e-5)
    assert found[0][0] != pytest.approx(found[0][1], abs=1e-5)


def test_it_learns_what_stands_in_the_gaps(bert):
    settings = Train(use_lora=False, max_steps=40, per_device_train_batch_size=8, learning_rate=1e-2)
    losses = [
        record.loss for record in steps(Correcting(objective=Masked(mask_id=260, num_words=261)), bert, rows_of(8), settings)
    ]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


class Held(list):
    """Rows with what a token file says of them."""

    facts = dataclasses.make_dataclass("F", [("num_bytes", int)], frozen=True)(200)
    tokens = 40


def test_what_is_measured_has_the_same_gaps_every_time_whatever_the_seed_of_torch():
    rows = Held(rows_of(4))
    torch.manual_seed(1)
    one = list(corrupting.held(Correcting(objective=MASK), rows))
    torch.manual_seed(2)
    shown = corrupting.held(Correcting(objective=MASK), rows)
    assert list(shown) == one == shown[0:4]
    assert shown.facts.num_bytes == 30
    assert len(shown) == 4
    assert shown[0].labels == rows[0].ids
    assert corrupting.held(Correcting(objective=MASK), None) is None
