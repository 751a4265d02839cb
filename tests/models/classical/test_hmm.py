"""Hidden Markov models: equal to a sum over all paths and to hmmlearn's score, and learnt the same when broken off."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hmmlearn.hmm import CategoricalHMM
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from sayso.errors import ModelError, SettingsError
from sayso.models import folders, textmodel
from sayso.models.classical.hmm import HmmModel, Tables
from sayso.models.writing.sampling import Sampling
from sayso.text import tokens
from sayso.text.tokens import Encoded
from sayso.training.material.hidden import Hmm, learn, symbols_of

V = 260  # the tiny tokenizer's vocabulary


@pytest.fixture(scope="module")
def words(tiny_folder):
    return folders.open_tokenizer(tiny_folder)


def some_tables(seed=0, *, states=3, vocab_size=V, symbols=V):
    draw = np.random.default_rng(seed)

    def rows(*shape):
        found = draw.random(shape) + 0.01
        return found / found.sum(axis=-1, keepdims=True)

    symbol, shares = symbols_of(draw.integers(0, 9, size=vocab_size), symbols)
    return Tables(
        start=rows(states), transition=rows(states, states), emission=rows(states, symbols), symbols=symbol, shares=shares
    )


@pytest.fixture
def found(words):
    return HmmModel(name="hmm", tokenizer=words, tables=some_tables())


def over_all_paths(tables, ids):
    """The probability of ids: every way through the states, added up."""
    emission = tables.emissions()
    total = 0.0
    for path in itertools.product(range(len(tables.start)), repeat=len(ids)):
        value = tables.start[path[0]]
        for place, (state, token) in enumerate(zip(path, ids, strict=True)):
            value *= emission[token, state] * (tables.transition[path[place - 1], state] if place else 1.0)
        total += value
    return total


@settings(max_examples=20, deadline=None)
@given(ids=st.lists(st.integers(0, V - 1), min_size=2, max_size=5), seed=st.integers(0, 99), states=st.integers(1, 3))
def test_a_tokens_probability_is_that_of_all_paths_with_it_over_those_before(words, ids, seed, states):
    tables = some_tables(seed, states=states, symbols=20)
    values = HmmModel(name="hmm", tokenizer=words, tables=tables).logprobs([ids])[0]
    sums = [over_all_paths(tables, ids[:end]) for end in range(1, len(ids) + 1)]
    assert values == pytest.approx([math.log(after / before) for before, after in itertools.pairwise(sums)], abs=1e-10)


def test_a_row_is_as_probable_as_hmmlearn_says(found):
    tables = found.tables
    theirs = CategoricalHMM(n_components=3, n_features=V, init_params="")
    theirs.startprob_, theirs.transmat_, theirs.emissionprob_ = tables.start, tables.transition, tables.emission
    draw = np.random.default_rng(1)
    for length in (2, 17, 400):
        ids = draw.integers(0, V, size=length)
        first = math.log(float(tables.start @ tables.emissions()[ids[0]]))
        assert first + found.logprobs([ids.tolist()])[0].sum() == pytest.approx(theirs.score(ids[:, None]), abs=1e-8)


def test_rows_scored_together_are_scored_as_alone(found):
    rows = [[1, 5, 6], [1, 2, 3, 4, 5, 6, 7, 1], [9], [4, 4], [1, 2, 3, 4, 5, 6, 7]]
    for row, values in zip(rows, found.logprobs(rows), strict=True):
        assert values == pytest.approx(found.logprobs([row])[0], abs=1e-12)
    assert found.logprobs([]) == []


@pytest.mark.parametrize("symbols", [V, 12])
def test_what_comes_next_sums_to_one_and_is_what_rows_are_scored_by(words, symbols):
    model = HmmModel(name="hmm", tokenizer=words, tables=some_tables(3, symbols=symbols))
    values = model.next_logprobs([1, 7, 9])
    assert np.exp(values).sum() == pytest.approx(1.0, abs=1e-12)
    asked = model.logprobs([[1, 7, 9, token] for token in range(V)])
    assert [row[-1] for row in asked] == pytest.approx(values.tolist(), abs=1e-10)


def test_the_rarest_tokens_share_a_symbol_by_their_counts():
    symbols, shares = symbols_of(np.array([5, 0, 9, 1, 7]), 3)
    assert symbols.tolist() == [2, 2, 0, 2, 1]
    assert shares == pytest.approx([6 / 9, 1 / 9, 1.0, 2 / 9, 1.0])
    symbols, shares = symbols_of(np.array([5, 0, 9]), 3)
    assert symbols.tolist() == [0, 1, 2]
    assert shares.tolist() == [1.0, 1.0, 1.0]


def test_what_is_drawn_follows_the_seed_and_the_probabilities(found):
    drawn = found.sample([[1, 7]] * 500, Sampling(temperature=1.0, max_new_tokens=3, seed=4, batch_size=500))
    assert drawn == found.sample([[1, 7]] * 500, Sampling(temperature=1.0, max_new_tokens=3, seed=4, batch_size=64))
    assert drawn != found.sample([[1, 7]] * 500, Sampling(temperature=1.0, max_new_tokens=3, seed=5))
    expected = np.exp(found.next_logprobs([1, 7]))
    often = Counter(ids[0] for ids in drawn)
    likely = expected > np.median(expected)
    share = sum(often[token] for token in np.flatnonzero(likely).tolist()) / 500
    assert share == pytest.approx(expected[likely].sum(), abs=0.1)
    best = found.sample([[1, 7]], Sampling(temperature=0.0, max_new_tokens=1))
    assert best == [[int(expected.argmax())]]


@pytest.fixture
def text(tmp_path):
    """Rows in which 5 and 6 alternate, and then 7 and 8."""
    rows = [[1, *[5, 6] * (3 + number % 4), *[7, 8] * (2 + number % 3), 1] for number in range(30)]
    return tokens.write(
        tmp_path / "text", [Encoded(ids=row, learnt=[1] * len(row), num_bytes=1) for row in rows], key="k", vocab_size=V
    )


def learnt(text, folder, *, seed=0, told=lambda _iteration: None, **chosen):
    return learn(text, folder, Hmm(**{"states": 4, "iterations": 15, **chosen}), vocab_size=V, seed=seed, told=told)


def test_learning_finds_what_alternates(text, tmp_path, words):
    seen = []
    tables = learnt(text, tmp_path / "a", iterations=30, told=seen.append)
    losses = [iteration.loss for iteration in seen]
    assert losses[-1] < losses[0] - 0.5
    assert all(after < before + 1e-9 for before, after in itertools.pairwise(losses))
    model = HmmModel(name="hmm", tokenizer=words, tables=tables)
    near, far = model.logprobs([[1, 5, 6, 5, 6, 7, 8, 7, 8, 1], [1, 6, 6, 8, 5, 7, 5, 8, 8, 1]])
    assert near.sum() > far.sum()
    assert np.isfinite(model.logprobs([[1, 250, 251]])[0]).all()
    assert np.exp(model.next_logprobs([1, 5])).sum() == pytest.approx(1.0, abs=1e-12)


def test_learning_that_is_broken_off_ends_the_same(text, tmp_path):
    whole = learnt(text, tmp_path / "whole", iterations=6, starts=2)

    class StoppedError(Exception):
        pass

    def told(iteration):
        if iteration.step in (3, 9):
            raise StoppedError

    with pytest.raises(StoppedError):
        learnt(text, tmp_path / "parts", iterations=6, starts=2, told=told)
    again = []
    parts = learnt(text, tmp_path / "parts", iterations=6, starts=2, told=again.append)
    for name in Tables.__slots__:
        assert getattr(whole, name).tobytes() == getattr(parts, name).tobytes()
    assert [iteration.step for iteration in again] == list(range(1, len(again) + 1))


def test_of_several_starts_the_likeliest_is_kept(text, tmp_path):
    ends: dict[int, float] = {}
    tables = learnt(text, tmp_path / "a", starts=3, told=lambda seen: ends.update({seen.start: seen.loss}))
    best = min(ends, key=lambda start: ends[start])
    assert len(ends) == 3
    (path,) = (tmp_path / "a").rglob(f"start-{best}.safetensors")
    kept = load_file(path)
    assert tables.emission.tobytes() == kept["emission"].tobytes()


def test_only_so_many_tokens_are_learnt_from(text, tmp_path):
    seen = []
    learnt(text, tmp_path / "a", iterations=1, max_tokens=50, told=seen.append)
    assert seen[0].tokens == 50


def test_a_folder_holds_no_pickle_and_is_opened_like_any_model(found, tmp_path):
    found.save(tmp_path / "model")
    names = {path.name for path in (tmp_path / "model").rglob("*") if path.is_file()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    again = textmodel.load(tmp_path / "model")
    assert again.num_parameters() == 3 + 9 + 3 * V
    assert again.logprobs([[1, 2, 3]])[0].tolist() == found.logprobs([[1, 2, 3]])[0].tolist()
    assert textmodel.costs(again, ["some words"])[0].bits_per_byte > 0
    assert len(textmodel.write(again, ["some"], Sampling(max_new_tokens=4))) == 1


@pytest.mark.parametrize("table", ["start", "transition", "emission", "symbols"])
def test_tables_that_hold_no_probabilities_are_refused(found, tmp_path, table):
    found.save(tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    tables = load_file(path)
    tables[table] = tables[table] + np.ones_like(tables[table])
    if table == "symbols":
        tables[table] = tables[table] + np.int32(V)
    save_file(tables, path)
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        textmodel.load(tmp_path / "model")


def test_a_damaged_folder_is_refused(found, tmp_path):
    found.save(tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        textmodel.load(tmp_path / "model")


def test_a_token_of_another_vocabulary_is_refused(found):
    with pytest.raises(ModelError, match="260"):
        found.logprobs([[1, 260]])


@pytest.mark.parametrize("chosen", [{"states": 0}, {"iterations": 0}, {"starts": 0}, {"vocabulary": 1}, {"smoothing": 0.0}])
def test_settings_that_cannot_be_are_refused(chosen):
    with pytest.raises(SettingsError, match="expected"):
        Hmm(**chosen)
