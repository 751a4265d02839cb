"""Language models of every kind are asked in one way, a network too."""

from __future__ import annotations

import pytest
import torch

from sayso.batches import collate, row
from sayso.errors import ModelError, NotFoundError
from sayso.models import textmodel
from sayso.models.writing.sampling import Sampling


@pytest.fixture(scope="module")
def network(tiny_folder):
    return textmodel.load(tiny_folder, device="cpu")


def test_a_networks_tokens_are_as_probable_as_the_policy_says(network, tiny):
    rows = [[1, 5, 6, 7], [1, 9], [1, 5, 6, 8, 9, 10]]
    with torch.no_grad():
        expected = [tiny.token_logprobs(collate([row(ids[:1], ids[1:])], packed=False)).tolist() for ids in rows]
    for found, values in zip(network.logprobs(rows), expected, strict=True):
        assert found.tolist() == pytest.approx(values, abs=1e-5)
    assert network.logprobs([]) == []


def test_a_network_draws_the_same_from_the_same_seed(network):
    sampling = Sampling(max_new_tokens=6, temperature=1.0, seed=3)
    one = network.sample([[1, 5], [1, 5]], sampling)
    assert one == network.sample([[1, 5], [1, 5]], sampling)
    assert one[0] != one[1]


def test_a_long_text_is_cut_and_costs_what_its_parts_cost(network):
    text = "many words " * 60
    cost = textmodel.costs(network, [text])[0]
    assert cost.num_bytes == len(text)
    assert cost.tokens == len(network.tokenizer(text).input_ids) + 1
    assert cost.loss == pytest.approx(cost.nats / cost.tokens)
    assert cost.bits_per_byte > cost.loss


def test_texts_are_scored_many_together_and_cost_what_they_cost_alone(network, monkeypatch):
    texts = ["a few words", "", "many words " * 60, "more", "one two three four five"] * 3
    alone = [textmodel.costs(network, [text])[0] for text in texts]
    asked = []
    whole = network.logprobs
    monkeypatch.setattr(network, "logprobs", lambda rows: asked.append(len(rows)) or whole(rows))
    monkeypatch.setattr(textmodel, "_LOT", 1000)
    found = textmodel.costs(network, iter(texts))
    assert len(asked) < len(texts) / 2 < sum(asked)
    for one, other in zip(found, alone, strict=True):
        assert one.nats == pytest.approx(other.nats, rel=1e-6)
        assert (one.tokens, one.num_bytes) == (other.tokens, other.num_bytes)
    assert textmodel.costs(network, []) == []


def test_a_row_longer_than_the_context_is_refused(network):
    with pytest.raises(ModelError, match="257 tokens"):
        network.logprobs([[1] * 257])


def test_it_counts_its_weights_and_writes_words(network, tiny):
    assert network.num_parameters() == tiny.num_parameters()
    written = textmodel.write(network, ["some words", ""], Sampling(max_new_tokens=3))
    assert [type(text) for text in written] == [str, str]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NotFoundError, match="nothing-here"):
        textmodel.load(tmp_path / "nothing-here")


def test_a_folder_of_no_known_form_is_a_networks(tmp_path):
    assert textmodel.form_of(tmp_path) is None
    (tmp_path / "config.json").write_text("[1]")
    assert textmodel.form_of(tmp_path) is None
    (tmp_path / "config.json").write_text('{"model_type": "sayso_hmm"}')
    assert textmodel.form_of(tmp_path) == "sayso_hmm"
