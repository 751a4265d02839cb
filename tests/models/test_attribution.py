"""What each word adds to a class: together with what is there without words it is the class's logit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sayso.errors import ModelError, NotFoundError
from sayso.models import headed
from sayso.models.attribution import attribute
from sayso.models.classical import linear
from sayso.models.classical.linear import Examples
from sayso.models.headed import NetworkLabeller
from sayso.records import Message, Prompt

SMALL = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
TEXT = ("It could have been great, not 太慢!", "")
PAIR = ("A fine, fine day", "it rained: all day")


@pytest.fixture(scope="module", params=["bert", "llama", "gpt2"])
def network(request: pytest.FixtureRequest, tiny_folder: Path) -> NetworkLabeller:
    keys: dict[str, Any] = {"n_embd": 16, "n_layer": 1, "n_head": 2} if request.param == "gpt2" else SMALL
    keys = {**keys, "num_key_value_heads": 2} if request.param == "llama" else keys
    return NetworkLabeller(headed.drawn(request.param, keys, tiny_folder, ("no", "yes", "maybe"), seed=3, device="cpu"))


@pytest.fixture(scope="module", params=["two", "three", "paired", "chinese"])
def classical(request: pytest.FixtureRequest) -> linear.Linear:
    texts = [TEXT, ("a dull day", ""), ("great fun", ""), ("not fun, dull", "")]
    if request.param == "paired":
        texts = [PAIR, ("a dull day", "dull"), ("great fun", "fun"), ("not fun", "it rained")]
    if request.param == "chinese":
        texts = [("太慢了，  不好", ""), ("很好很快", ""), ("慢", ""), ("好吃又快", "")]
    classes = [0, 1, 2, 1] if request.param == "three" else [0, 1, 0, 1]
    labels = ("no", "yes", "maybe") if request.param == "three" else ("no", "yes")
    chosen: list[linear.Linear] = []
    grid = iter(range(100, 0, -1))  # the last one tried: with characters too
    found = linear.fit(Examples(texts=texts, classes=classes, weights=[1.0] * 4), texts, lambda _l: -next(grid), labels)
    return chosen[0] if chosen else found


def logit(model: Any, text: tuple[str, str], label: str) -> float:
    found = model.logprobs([text])[0]
    return float(found[model.labels.index(label)] - found.mean())


@pytest.mark.parametrize("text", [TEXT, PAIR, ("  a  lone\nword ", "")])
def test_words_add_up_to_the_logit_of_a_network(network: NetworkLabeller, text: tuple[str, str]) -> None:
    found = attribute(network, text)
    assert found.total + found.rest == pytest.approx(logit(network, text, found.label), abs=1e-4)
    assert found.probability == max(found.probabilities.values())
    assert any(abs(part.value) > 1e-5 for part in found.parts)


@pytest.mark.parametrize("text", [TEXT, PAIR, ("太慢，不好  不好", ""), ("İ dull", "")])
def test_words_add_up_to_the_logit_of_a_linear_classifier(classical: linear.Linear, text: tuple[str, str]) -> None:
    if text[1] and not classical.paired:
        text = (text[0], "")
    found = attribute(classical.calibrated(1.7), text, label="yes")
    assert found.total + found.rest == pytest.approx(logit(classical.calibrated(1.7), text, "yes"), abs=1e-5)


def test_parts_are_the_words_in_their_order(network: NetworkLabeller) -> None:
    parts = attribute(network, PAIR).parts
    assert [part.text for part in parts] == ["A", "fine", ",", "fine", "day", "it", "rained", ":", "all", "day"]
    assert [PAIR[part.turn][part.start : part.end] for part in parts] == [part.text for part in parts]
    chinese = attribute(network, ("don't 太慢", "")).parts
    assert [part.text for part in chinese] == ["don't", "太", "慢"]


def test_the_steps_of_the_way_come_to_the_same(network: NetworkLabeller) -> None:
    few, many = (attribute(network, TEXT, steps=steps) for steps in (64, 400))
    np.testing.assert_allclose([part.value for part in few.parts], [part.value for part in many.parts], atol=1e-4)


def test_nothing_is_left_in_the_model(network: NetworkLabeller) -> None:
    before = network.logprobs([TEXT])
    attribute(network, TEXT, label="maybe")
    np.testing.assert_array_equal(network.logprobs([TEXT]), before)
    assert all(parameter.grad is None for parameter in network.model.module.parameters())
    assert torch.is_grad_enabled()


def test_a_wrong_class_and_a_model_of_another_kind_are_refused(network: NetworkLabeller) -> None:
    with pytest.raises(NotFoundError, match="unknown class 'perhaps'; expected one of no, yes, maybe"):
        attribute(network, TEXT, label="perhaps")

    class Other:
        name, labels = "other", ("a", "b")

        def logprobs(self, texts: Any) -> Any:
            return np.zeros((len(texts), 2))

        def num_parameters(self) -> int:
            return 0

    with pytest.raises(ModelError, match="other: is no network and no linear classifier"):
        attribute(Other(), TEXT)


def test_a_token_stands_where_its_letters_do(network: NetworkLabeller) -> None:
    chat = network.form.chat
    prompt = Prompt(messages=tuple(Message(role=role, content=text) for role, text in
                                   (("system", "read"), ("user", "ab"), ("user", "c d"), ("user", "e"))))  # type: ignore[arg-type]  # fmt: skip
    ids, places = chat.encode_prompt(prompt), chat.places(prompt)
    assert len(ids) == len(places)
    letters = {prompt.messages[place[0]].content[place[1] : place[2]] for place in places if place and place[2] > place[1]}
    assert {"a", "b", "c", "d", "e"} <= letters
