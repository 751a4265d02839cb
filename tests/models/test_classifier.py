"""Classifiers: the linear one is saved without pickles, a network with a head is a policy whose words are its classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sayso.batches import Row, collate, row
from sayso.errors import ModelError, NotFoundError, PreflightError, SettingsError
from sayso.models import headed, labelling, local
from sayso.models.classical import linear
from sayso.models.classical.linear import Examples
from sayso.models.forms import classifier
from sayso.models.forms.classifier import Classifier
from sayso.models.headed import NetworkLabeller
from sayso.models.writing.sampling import Sampling
from sayso.records import Message, Prompt

LABELS = ("no", "yes", "maybe")
SMALL = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
TEXTS = [("a fine day", ""), ("it rains, and rains", ""), ("who knows", "nobody does")]


def _prompt(*texts: str) -> Prompt:
    return Prompt(messages=tuple(Message(role="user", content=text) for text in texts))


@pytest.fixture(scope="module", params=["bert", "llama", "gpt2"])
def drawn(request: pytest.FixtureRequest, tiny_folder: Path) -> local.LocalModel:
    keys = {"n_embd": 16, "n_layer": 1, "n_head": 2} if request.param == "gpt2" else SMALL
    keys = {**keys, "num_key_value_heads": 2} if request.param == "llama" else keys
    return headed.drawn(request.param, keys, tiny_folder, LABELS, seed=3, device="cpu")


def test_a_class_is_the_one_token_of_an_answer(drawn: local.LocalModel) -> None:
    assert drawn.encode_response("maybe") == [2]
    assert drawn.generate([_prompt("a fine day")], Sampling(temperature=0.0))[0] in LABELS
    with pytest.raises(ModelError, match="'perhaps' is no class of this model; expected one of no, yes, maybe"):
        drawn.encode_response("perhaps")


def test_a_row_with_a_label_and_a_row_with_the_class_as_its_token_are_the_same(drawn: local.LocalModel) -> None:
    ids = drawn.encode_prompt(_prompt("a fine day"))
    longer = drawn.encode_prompt(_prompt("it rains, and rains"))
    labelled = [
        Row(ids=tuple(text), weights=(*(0.0 for _ in text[1:]), 1.0), labels=(2,) * len(text)) for text in (ids, longer)
    ]
    written = [row(text, drawn.encode_response("maybe")) for text in (ids, longer)]
    with torch.no_grad():
        found = [drawn.token_logprobs(collate(rows, packed=False, pad_id=drawn.pad_id)) for rows in (labelled, written)]
    torch.testing.assert_close(found[0], found[1])


def test_padding_changes_nothing(drawn: local.LocalModel) -> None:
    model = NetworkLabeller(drawn)
    together = model.logprobs(TEXTS)
    alone = np.concatenate([model.logprobs([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.exp(together).sum(axis=1), 1.0)


def test_a_saved_classifier_opens_as_what_it_is(drawn: local.LocalModel, tmp_path: Path) -> None:
    classifier.set_temperature(drawn, 2.0)
    try:
        drawn.save(tmp_path / "model")
        opened = labelling.load(tmp_path / "model", device="cpu")
        assert opened.labels == LABELS
        np.testing.assert_allclose(opened.logprobs(TEXTS), NetworkLabeller(drawn).logprobs(TEXTS), atol=1e-5)
        again = headed.headed(str(tmp_path / "model"), LABELS, device="cpu")
        np.testing.assert_allclose(NetworkLabeller(again).logprobs(TEXTS), opened.logprobs(TEXTS), atol=1e-5)
    finally:
        classifier.set_temperature(drawn, 1.0)


def test_a_model_that_writes_gets_a_new_head(tiny_folder: Path) -> None:
    model = headed.headed(str(tiny_folder), LABELS, seed=1, device="cpu")
    body = local.load(tiny_folder, device="cpu").module.get_input_embeddings().weight
    torch.testing.assert_close(model.module.get_input_embeddings().weight, body)
    assert isinstance(model.form, Classifier)
    assert model.form.chat.labels == LABELS
    with pytest.raises(ModelError, match="it writes, and has no classes"):
        labelling.load(tiny_folder, device="cpu")


def test_with_a_frozen_body_the_head_alone_learns(tiny_folder: Path) -> None:
    model = headed.headed(str(tiny_folder), LABELS, device="cpu")
    classifier.freeze_body(model)
    assert {name for name, parameter in model.module.named_parameters() if parameter.requires_grad} == {"score.weight"}


def test_long_texts_are_cut(drawn: local.LocalModel) -> None:
    ids = drawn.encode_prompt(_prompt("x" * 10_000))
    assert len(ids) < drawn.max_length
    assert drawn.generate([_prompt("x" * 10_000)], Sampling(temperature=0.0))[0] in LABELS


def test_unknown_architectures_and_keys_are_refused(tiny_folder: Path) -> None:
    with pytest.raises(NotFoundError, match="did you mean 'bert'"):
        headed.drawn("bertt", {}, tiny_folder, LABELS, seed=0)
    with pytest.raises(SettingsError, match="did you mean 'hidden_size'"):
        headed.drawn("bert", {"hiden_size": 4}, tiny_folder, LABELS, seed=0)


def _learnt() -> Examples:
    texts = [(f"{word} thing {n % 7}", "") for n in range(30) for word in ("lovely", "awful")]
    return Examples(texts=texts, classes=[n % 2 for n in range(60)], weights=[1.0] * 60)


def _linear() -> linear.Linear:
    learnt = _learnt()
    return linear.fit(
        learnt, learnt.texts, lambda logits: float(logits[1::2, 1].mean() - logits[::2, 1].mean()), ("good", "bad")
    )


def test_the_linear_classifier_learns_is_saved_and_opens_the_same(tmp_path: Path) -> None:
    found = _linear().calibrated(1.5)
    found.save(tmp_path / "model")
    assert {path.suffix for path in (tmp_path / "model").iterdir()} == {".json", ".safetensors"}
    opened = labelling.load(tmp_path / "model")
    texts = [("a lovely day", ""), ("an awful day", "")]
    np.testing.assert_allclose(opened.logprobs(texts), found.logprobs(texts), atol=1e-6)
    assert opened.logprobs(texts).argmax(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize("kind", ["logistic", "svm"])
def test_many_classes_are_saved_in_their_order(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "GRID", (linear.Learner(kind=kind, c=10.0),))
    words = ("red", "green", "blue", "grey")
    texts = [(f"{words[n % 3]} thing {n}", "") for n in range(60)]
    learnt = Examples(texts=texts, classes=[n % 3 for n in range(60)], weights=[1.0] * 60)
    found = linear.fit(learnt, texts, lambda _logits: 0.0, words)
    found.save(tmp_path / "model")
    opened = labelling.load(tmp_path / "model")
    logprobs = opened.logprobs(texts)
    np.testing.assert_allclose(logprobs, found.logprobs(texts), atol=1e-5)
    assert logprobs.argmax(axis=1).tolist() == list(learnt.classes)
    assert logprobs.argmin(axis=1).tolist() == [3] * 60  # a class that was never seen


def test_it_says_which_words_speak_for_a_class() -> None:
    assert _linear().words(("a lovely thing", ""), "good")[0][0].strip() in ("lovely", "lovely thing")
    assert _linear().words(("an awful thing", ""), "good")[0][1] < 0


def test_one_class_alone_cannot_be_learnt() -> None:
    with pytest.raises(PreflightError, match="all texts to learn from are of the class 'good'"):
        linear.fit(Examples(texts=[("x", "")], classes=[0], weights=[1.0]), [], lambda _logits: 0.0, ("good", "bad"))


def test_a_damaged_linear_classifier_is_named(tmp_path: Path) -> None:
    _linear().save(tmp_path / "model")
    (tmp_path / "model" / "vocabulary.json").write_text("[")
    with pytest.raises(ModelError, match="is no whole linear classifier"):
        labelling.load(tmp_path / "model")
