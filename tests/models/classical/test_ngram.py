"""Counted models: equal to a slow textbook, summing to one, built the same however often they are broken off."""

from __future__ import annotations

import hashlib
import json
import math
import random
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import ModelError, SettingsError
from sayso.models import folders, textmodel
from sayso.models.classical.ngram import model
from sayso.models.classical.ngram.build import Ngram, build, stages
from sayso.models.classical.ngram.smoothing import FALLBACK, discounts
from sayso.models.writing.sampling import Sampling
from sayso.text import tokens
from sayso.text.tokens import Encoded

V = 260  # the tiny tokenizer's vocabulary
ROWS = st.lists(st.lists(st.integers(0, 5), min_size=0, max_size=12), min_size=1, max_size=6).filter(
    lambda rows: any(len(row) > 1 for row in rows)
)


class Textbook:
    """Interpolated modified Kneser–Ney with dictionaries, straight from the formulas."""

    def __init__(self, rows, order, vocab_size, least):
        self.order, self.vocab_size = order, vocab_size
        raw = {
            k: Counter(tuple(r[i - k + 1 : i + 1]) for r in rows for i in range(max(1, k - 1), len(r)))
            for k in range(1, order + 1)
        }
        self.a = {order: raw[order]}
        for k in range(1, order):
            self.a[k] = Counter(gram[1:] for gram in raw[k + 1])
            self.a[k].update(tuple(r[:k]) for r in rows if k > 1 and len(r) >= k)
        self.kept = {k: {g for g in raw[k] if k == 1 or raw[k][g] >= least[k - 1]} for k in raw}
        self.d = {k: self._discounts(self.a[k].values()) for k in self.a}
        self.after = {k: defaultdict(list) for k in self.a}
        for k, found in self.a.items():
            for gram in found:
                self.after[k][gram[:-1]].append(gram)

    @staticmethod
    def _discounts(values):
        n = Counter(values)
        if not all(n[j] for j in (1, 2, 3, 4)):
            return FALLBACK
        y = n[1] / (n[1] + 2 * n[2])
        found = [j - (j + 1) * y * n[j + 1] / n[j] for j in (1, 2, 3)]
        return found if min(found) > 0 else FALLBACK

    def p(self, context, token):
        k = len(context) + 1
        lower = self.p(context[1:], token) if k > 1 else 1 / self.vocab_size
        grams = self.after[k][context]
        if not grams:
            return lower
        total = sum(self.a[k][gram] for gram in grams)
        gamma = sum(self.taken(k, g) if g in self.kept[k] else self.a[k][g] for g in grams) / total
        gram = (*context, token)
        own = (self.a[k][gram] - self.taken(k, gram)) / total if gram in self.kept[k] else 0.0
        return own + gamma * lower

    def taken(self, k, gram):
        return self.d[k][min(self.a[k][gram], 3) - 1] if self.a[k][gram] else 0.0

    def logprobs(self, row):
        return [math.log(self.p(tuple(row[max(0, i - self.order + 1) : i]), row[i])) for i in range(1, len(row))]


@pytest.fixture(scope="module")
def words(tiny_folder):
    return folders.open_tokenizer(tiny_folder)


@pytest.fixture
def made(words, tmp_path):
    """Counts rows of ids and opens what came of it."""

    def make(rows, *, stretch=1 << 20, name="model", told=lambda _stage: None, **chosen):
        return counted(rows, words, tmp_path, stretch=stretch, name=name, told=told, **chosen)

    return make


def counted(rows, words, place, *, stretch=1 << 20, name="model", told=lambda _stage: None, **chosen):
    text = tokens.write(
        place / "tokens", [Encoded(ids=r, learnt=[1] * len(r), num_bytes=1) for r in rows], key="k", vocab_size=V
    )
    build(text, place / name, Ngram(**chosen), vocab_size=V, tokenizer=words, told=told, stretch=stretch)
    return model.load(place / name)


def some_rows(seed=0, *, number=40, length=40):
    """Rows with much repetition, so that all orders have counts of one to four."""
    draw = random.Random(seed)
    return [[1, *(min(int(draw.expovariate(0.5)), 30) for _ in range(draw.randrange(1, length))), 1] for _ in range(number)]


@pytest.mark.parametrize("least", [(1,), (1, 1, 2, 3)])
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_it_equals_the_slow_textbook(made, order, least):
    rows = some_rows()
    found = made(rows, order=order, min_counts=least)
    slow = Textbook(rows, order, V, (*least, *[least[-1]] * order))
    asked = [*rows[:4], [1, 200, 3, 2, 2, 201], [7, 7], [4, 0, 1, 1, 2]]
    for row, values in zip(asked, found.logprobs(asked), strict=True):
        assert values == pytest.approx(slow.logprobs(row), abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(rows=ROWS, order=st.integers(1, 4), stretch=st.integers(4, 20))
def test_it_equals_the_textbook_on_any_rows_however_the_text_is_taken(words, rows, order, stretch):
    with tempfile.TemporaryDirectory() as folder:
        found = counted(rows, words, Path(folder), order=order, stretch=stretch)
        slow = Textbook(rows, order, V, (1,) * order)
        for row in [*rows, [0, 1, 2, 3, 4, 5, 6]]:
            assert found.logprobs([row])[0] == pytest.approx(slow.logprobs(row), abs=1e-9)


@settings(max_examples=8, deadline=None)
@given(rows=ROWS, least=st.sampled_from([(1,), (1, 2), (1, 1, 3)]), context=st.lists(st.integers(0, 6), max_size=4))
def test_the_probabilities_after_any_context_sum_to_one(words, rows, least, context):
    with tempfile.TemporaryDirectory() as folder:
        found = counted(rows, words, Path(folder), order=4, min_counts=least)
        values = found.next_logprobs(context)
        assert np.exp(values).sum() == pytest.approx(1.0, abs=1e-12)
        if context:
            asked = [[*context, token] for token in range(V)]
            if len(context) < found.order:
                assert [row[-1] for row in found.logprobs(asked)] == pytest.approx(values.tolist(), abs=1e-9)


def test_a_token_never_seen_has_a_probability(made):
    found = made([[1, 2, 3, 2, 3, 1]], order=3)
    assert np.isfinite(found.logprobs([[1, 250, 251]])[0]).all()
    assert found.logprobs([[1, 2]])[0] > found.logprobs([[1, 250]])[0]


def test_the_discounts_are_those_of_the_formula():
    found, computed = discounts([8, 4, 2, 1])
    assert found == pytest.approx((0.5, 2 - 3 * 0.5 * 0.5, 3 - 4 * 0.5 * 0.5))
    assert computed


@pytest.mark.parametrize("counts", [[0, 4, 2, 1], [8, 0, 2, 1], [8, 4, 2, 0], [8, 1, 90, 1]])
def test_discounts_that_cannot_be_computed_are_the_usual_ones(counts):
    assert discounts(counts) == (FALLBACK, False)


def test_the_folder_says_where_the_usual_discounts_were_used(made, tmp_path):
    made([[1, 2, 3, 1]], order=2)
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["fallback_orders"] == [1, 2]
    assert config["num_ngrams"] == [V, 3]


def test_rare_ngrams_can_be_left_out(made):
    rows = some_rows(3)
    whole, pruned = made(rows, order=3, name="whole"), made(rows, order=3, min_counts=(1, 2, 3), name="pruned")
    assert len(pruned.layers[2]) < len(whole.layers[2])
    assert pruned.num_parameters() < whole.num_parameters()


def test_half_the_disk_is_nearly_as_exact(made):
    rows = some_rows(4)
    exact, half = made(rows, order=3, name="a"), made(rows, order=3, dtype="float32", name="b")
    assert half.layers[2].logprobs.dtype == np.float32
    assert np.concatenate(half.logprobs(rows)) == pytest.approx(np.concatenate(exact.logprobs(rows)), abs=1e-5)


def test_a_build_that_is_broken_off_anywhere_ends_with_the_same_bytes(words, tmp_path):
    rows = some_rows(5, number=12)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    seen = []
    counted(rows, words, tmp_path / "a", order=3, stretch=100, told=seen.append)
    text = tokens.kept(tmp_path / "a" / "tokens", "k")
    assert text is not None
    assert len(seen) == stages(text, Ngram(order=3), stretch=100)

    class StoppedError(Exception):
        pass

    for number in range(len(seen)):
        stops = iter(range(len(seen)))

        def told(_stage, number=number, stops=stops):
            if next(stops) == number:
                raise StoppedError

        with pytest.raises(StoppedError):
            counted(rows, words, tmp_path / "b", order=3, stretch=100, told=told)
        assert not (tmp_path / "b" / "model").exists()
    counted(rows, words, tmp_path / "b", order=3, stretch=100)
    assert digests(tmp_path / "a" / "model") == digests(tmp_path / "b" / "model")
    assert not list((tmp_path / "b").glob(".*"))


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def test_how_much_is_taken_at_once_changes_no_byte_of_the_arrays(made, tmp_path):
    rows = some_rows(6)
    made(rows, order=4, name="a")
    made(rows, order=4, stretch=137, name="b")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_rows_scored_together_are_scored_as_alone(made, monkeypatch):
    rows = some_rows(7)
    found = made(rows, order=4)
    alone = [found.logprobs([row])[0] for row in rows]
    monkeypatch.setattr(model, "_TOGETHER", 16)
    for one, other in zip(alone, found.logprobs(rows), strict=True):
        assert one.tolist() == other.tolist()
    assert found.logprobs([]) == []


def test_what_is_drawn_follows_the_seed_and_the_probabilities(made):
    rows = [[1, *[2, 3] * 10, 1] for _ in range(5)]
    found = made(rows, order=3)
    likeliest = found.sample([[1], [1, 2]], Sampling(temperature=0.0, max_new_tokens=4))
    assert likeliest == [[2, 3, 2, 3], [3, 2, 3, 2]]
    one = found.sample([[1]] * 20, Sampling(seed=1, temperature=1.0, max_new_tokens=30))
    assert one == found.sample([[1]] * 20, Sampling(seed=1, temperature=1.0, max_new_tokens=30))
    assert one != found.sample([[1]] * 20, Sampling(seed=2, temperature=1.0, max_new_tokens=30))
    assert len({tuple(ids) for ids in one}) > 1
    assert any(ids[-1] == found.end_id for ids in one)
    assert all(found.end_id not in ids[:-1] for ids in one)


def test_what_is_drawn_comes_as_often_as_it_is_probable(made):
    found = made(some_rows(8), order=2)
    drawn = Counter(
        ids[0] for ids in found.sample([[5]] * 4000, Sampling(temperature=1.0, max_new_tokens=1, batch_size=4000))
    )
    expected = np.exp(found.next_logprobs([5]))
    for token in range(4):
        assert drawn[token] / 4000 == pytest.approx(expected[token], abs=4 * math.sqrt(expected[token] / 4000))


def test_texts_cost_and_are_written_as_with_any_model(made, words, tmp_path):
    ids = words("ab ab ab ab").input_ids
    made([[1, *ids, 1]] * 3, order=4)
    found = textmodel.load(tmp_path / "model")
    near, far = textmodel.costs(found, ["ab ab", "zq zq"])
    assert near.tokens == far.tokens == 6
    assert near.bits_per_byte < far.bits_per_byte
    assert textmodel.write(found, ["ab a"], Sampling(temperature=0.0, max_new_tokens=4)) == ["b ab"]


def test_a_folder_that_was_changed_is_refused(made, tmp_path):
    made(some_rows(9), order=2)
    path = tmp_path / "model" / "logprob-2.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\x01")
    with pytest.raises(ModelError, match="SHA-256"):
        textmodel.load(tmp_path / "model")
    path.write_bytes(whole[:-8])
    with pytest.raises(ModelError, match=r"logprob-2\.npy"):
        textmodel.load(tmp_path / "model")
    path.unlink()
    with pytest.raises(ModelError, match=r"logprob-2\.npy"):
        textmodel.load(tmp_path / "model")


def test_a_config_without_its_keys_is_refused(made, tmp_path):
    made(some_rows(9), order=2)
    path = tmp_path / "model" / "config.json"
    config = json.loads(path.read_text())
    del config["num_ngrams"]
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match="num_ngrams"):
        textmodel.load(tmp_path / "model")


def test_a_token_of_another_vocabulary_is_refused(made):
    found = made(some_rows(9), order=2)
    with pytest.raises(ModelError, match="260"):
        found.logprobs([[1, 260]])


@pytest.mark.parametrize("chosen", [{"order": 0}, {"order": 17}, {"min_counts": (2, 2)}, {"min_counts": (1, 3, 2)}])
def test_settings_that_cannot_be_are_refused(chosen):
    with pytest.raises(SettingsError, match="expected"):
        Ngram(**chosen)
