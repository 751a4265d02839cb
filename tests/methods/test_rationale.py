"""The method `rationale`: which tokens are held down, that only they are, and that it teaches classifiers alone."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from sayso.batches import collate
from sayso.errors import PreflightError, SettingsError
from sayso.methods.rationale import Rationale
from sayso.models import headed, local
from sayso.records import Comment, Example, Refinement, Response, ask
from sayso.training.engine.optimizer import prepare
from sayso.training.settings import Train
from sayso.training.steps import steps

SMALL = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
TEXTS = {
    "It could have been great.": "could have been",
    "A dull, long day.": "dull",
    "Fine.": "nothing of it",
    "dull day": "dull",
}
WHOLE = Train(use_lora=False, max_steps=25, learning_rate=1e-2, per_device_train_batch_size=4)


def example(text: str, quote: str, *, right: str = "no") -> Example:
    response = Response(prompt=ask(text), text="yes")
    comment = Comment(text=f"{right}: '{quote}' says so", response=response)
    better = Refinement(response=response, text=right, addresses=(comment.id,))
    return Example(prompt=response.prompt, response=response, comments=(comment,), refinement=better)


EXAMPLES = [example(text, quote) for text, quote in TEXTS.items()]


@pytest.fixture(params=["bert", "llama"])
def policy(request: pytest.FixtureRequest, tiny_folder: Path) -> local.LocalModel:
    keys = {**SMALL, "num_key_value_heads": 2} if request.param == "llama" else SMALL
    model = headed.drawn(request.param, keys, tiny_folder, ("no", "yes"), seed=3, device="cpu")
    with torch.no_grad():  # as drawn, a model hardly heeds what it reads
        for parameter in model.module.parameters():
            parameter.mul_(4 if parameter.ndim > 1 else 1)
    return model


def value(method: Rationale, policy: Any, rows: list[Any]) -> tuple[float, float, torch.Tensor]:
    batch = collate(rows, packed=False, pad_id=policy.pad_id)
    policy.module.zero_grad()
    loss = method.loss(policy, policy, batch)
    loss.total.backward()
    gradient = torch.cat([item.grad.flatten() for item in policy.trainable() if item.grad is not None])
    return float(loss.total.detach()), loss.sums["beside"], gradient.clone()


def test_what_is_not_marked_is_held_down_and_a_text_without_marks_is_not(policy: local.LocalModel) -> None:
    rows = list(Rationale().rows(EXAMPLES, policy))
    first = policy.decode  # a class alone has a name; the letters are the tokenizer's
    assert first([0]) == "no"
    letters = [policy.tokenizer.decode([rows[0].ids[place]]) for place in rows[0].beside]
    assert "".join(letters) == "It  great."
    assert rows[2].beside == ()
    assert [row.ids[-1] for row in rows] == [0, 0, 0, 0]


def test_padding_and_batching_change_nothing(policy: local.LocalModel) -> None:
    rows, method = list(Rationale().rows(EXAMPLES, policy)), Rationale(penalty=2.0)
    together = value(method, policy, rows)
    alone = [value(method, policy, [row]) for row in rows]
    assert together[0] == pytest.approx(sum(item[0] for item in alone), rel=1e-4)
    assert torch.allclose(together[2], torch.stack([item[2] for item in alone]).sum(dim=0), rtol=1e-3, atol=1e-4)
    assert together[1] > 0


def test_without_a_penalty_it_is_likelihood(policy: local.LocalModel) -> None:
    rows = list(Rationale().rows(EXAMPLES, policy))
    batch = collate(rows, packed=False, pad_id=policy.pad_id)
    likely = float(-policy.token_logprobs(batch).sum().detach())
    assert value(Rationale(penalty=0.0), policy, rows)[0] == pytest.approx(likely, rel=1e-5)


def test_what_the_answer_rests_on_beside_the_marks_becomes_less(policy: local.LocalModel) -> None:
    mixed = [example(text, quote, right=("no", "yes")[number % 2]) for number, (text, quote) in enumerate(TEXTS.items())]
    start, found = copy.deepcopy(policy.module.state_dict()), []
    for penalty in (0.0, 10.0):
        policy.module.load_state_dict(start)
        trained = prepare(policy, WHOLE)
        rows = list(Rationale().rows(mixed, trained))
        list(steps(Rationale(penalty=penalty), trained, rows, WHOLE))
        sums = Rationale().loss(trained, trained, collate(rows, packed=False, pad_id=trained.pad_id)).sums
        found.append((sums["beside"], sums["nll"] / len(rows)))
    assert found[1][0] < 0.5 * found[0][0]
    assert found[1][1] < 0.5, "the classes are learnt all the same"


def test_with_an_adapter_gradients_reach_the_words_though_the_embeddings_are_frozen(tiny_folder: Path) -> None:
    model = headed.drawn("bert", SMALL, tiny_folder, ("no", "yes"), seed=3, device="cpu")
    adapted = prepare(model, Train(lora_r=2))
    rows = list(Rationale().rows(EXAMPLES, adapted))
    _total, beside, gradient = value(Rationale(penalty=100.0), adapted, rows)
    assert beside > 0
    assert gradient.abs().max() > 0


def test_a_model_that_writes_is_refused_before_training(tiny: local.LocalModel) -> None:
    with pytest.raises(
        PreflightError, match=r"the method rationale teaches classifiers, and .* writes; take a method such as"
    ):
        list(Rationale().rows(EXAMPLES, tiny))


def test_a_negative_penalty_is_refused() -> None:
    with pytest.raises(SettingsError, match="penalty: found -1; expected 0 or more"):
        Rationale(penalty=-1)
