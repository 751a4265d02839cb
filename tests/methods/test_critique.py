"""`critique`: the comment is a target, beside the refinement or alone."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tests.contracts import method as contract

from sayso.batches import collate
from sayso.errors import PreflightError, SettingsError
from sayso.methods.critique import Critique
from sayso.methods.refine_sft import RefineSft
from sayso.models import local
from sayso.models.templates import ASKED_FOR_COMMENT
from sayso.records import Comment, Example, Message, Prompt, Response
from sayso.training.preflight import describe, examine

ALONE = Critique(answer_weight=0)
READ = (
    contract.rows_are_repeatable_and_leave_the_examples_alone,
    contract.prompt_tokens_carry_no_loss,
    contract.packing_changes_nothing,
    contract.micro_batching_changes_nothing,
)
"""The checks of the contract that a choice of rows could break."""


def learnt(row):
    return [token for token, weight in zip(row.ids, row.weights, strict=True) if weight]


@pytest.mark.parametrize("method", [ALONE, Critique(answer_weight=0.5, critique_weight=2.0)], ids=repr)
@pytest.mark.parametrize("check", READ, ids=lambda check: check.__name__)
def test_every_choice_holds_the_contract(check, method, tiny_copy):
    check(method, tiny_copy)


def test_the_refinement_is_imitated_and_the_comment_predicted(tiny):
    (example, *_) = contract.examples()
    answer, said = Critique().rows([example], tiny)
    assert tiny.tokenizer.decode(answer.ids) == "<|user|>Tell me of dog 0.<|assistant|>Dog 0 ran away.<|end|>"
    assert tiny.tokenizer.decode(said.ids) == (
        f"<|user|>Tell me of dog 0.<|assistant|>It ran away.<|end|><|user|>{ASKED_FOR_COMMENT}<|assistant|>Say who.<|end|>"
    )
    assert tiny.tokenizer.decode(learnt(said)) == "Say who.<|end|>"
    assert set(answer.weights) == {0.0, 1.0}
    assert set(said.weights) == {0.0, 0.2}
    assert said.kind == "critique"
    assert example.comments[0].id in said.label


def test_several_comments_are_a_line_each_and_a_conversation_stays_whole(tiny):
    turns = (
        Message(role="user", content="Hi."),
        Message(role="assistant", content="Yes?"),
        Message(role="user", content="Go."),
    )
    response = Response(prompt=Prompt(messages=turns), text="Went.")
    comments = tuple(Comment(text=text, response=response) for text in ("Say where.", "Say when."))
    (row,) = ALONE.rows([Example(prompt=response.prompt, response=response, comments=comments)], tiny)
    assert tiny.tokenizer.decode(learnt(row)) == "Say where.\nSay when.<|end|>"
    assert "Yes?<|end|><|user|>Go.<|assistant|>Went.<|end|>" in tiny.tokenizer.decode(row.ids)


def test_several_responses_to_a_prompt_are_criticised_each(tiny):
    (example, *_) = contract.examples()
    other = Response(prompt=example.prompt, text="Away!")
    second = dataclasses.replace(example, response=other, comments=(Comment(text="Politer.", response=other),))
    rows = list(ALONE.rows([example, second], tiny))
    assert [tiny.decode(learnt(row)) for row in rows] == ["Say who.", "Politer."]


@pytest.mark.parametrize("missing", [{"response": None}, {"comments": ()}, {"refinement": None}])
def test_an_example_without_what_it_wants_makes_no_row(missing, tiny):
    (example, *_) = contract.examples()
    part = dataclasses.replace(example, **missing)
    assert list(Critique().rows([part], tiny)) == []
    assert len(list(ALONE.rows([part], tiny))) == (1 if "refinement" in missing else 0)


def test_the_loss_by_hand():
    """Two tokens of a refinement with probabilities 1/2 and 1/4, one of a comment with 1/8 and weight .2."""
    from sayso.losses.likelihood import nll

    loss = nll(torch.tensor([0.5, 0.25, 0.125]).log(), torch.tensor([1.0, 1.0, 0.2]))
    assert (loss.total / loss.count).item() == pytest.approx((3 + 0.2 * 3) * 0.6931472 / 2.2)


def test_the_loss_equals_the_two_parts_scored_apart(tiny):
    method = Critique(answer_weight=0.5, critique_weight=0.3)
    given = contract.examples(5)
    rows = list(method.rows(given, tiny))
    loss = method.loss(tiny, tiny, collate(rows, group=2, packed=tiny.packed, pad_id=tiny.pad_id))

    def apart(other):
        whole = other.loss(tiny, tiny, collate(list(other.rows(given, tiny)), packed=False, pad_id=tiny.pad_id))
        return whole.total.item(), whole.count

    (answers, answer_tokens), (said, said_weight) = apart(RefineSft()), apart(Critique(answer_weight=0, critique_weight=1))
    assert loss.total.item() == pytest.approx(0.5 * answers + 0.3 * said, rel=1e-5)
    assert loss.count == pytest.approx(0.5 * answer_tokens + 0.3 * said_weight)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_alone_it_equals_trls_fine_tuning_on_prompts_that_ask_for_the_comment(tiny_folder, tiny, tmp_path):
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    given = contract.examples(6)
    data = [
        {
            "prompt": [
                {"role": "user", "content": item.prompt.text},
                {"role": "assistant", "content": item.response.text},
                {"role": "user", "content": ASKED_FOR_COMMENT},
            ],
            "completion": [{"role": "assistant", "content": item.comments[0].text}],
        }
        for item in given
    ]
    arguments = SFTConfig(
        output_dir=str(tmp_path), use_cpu=True, report_to=[], per_device_train_batch_size=6, bf16=False,
        gradient_checkpointing=False, dataloader_pin_memory=False, loss_type="nll",
    )  # fmt: skip
    trainer = SFTTrainer(
        model=local.load(tiny_folder, device="cpu").module, args=arguments, train_dataset=Dataset.from_list(data),
        processing_class=tiny.tokenizer,
    )  # fmt: skip
    (inputs,) = list(trainer.get_train_dataloader())
    rows = list(ALONE.rows(given, tiny))
    lines = sorted(
        tuple(token for token, kept in zip(ids, mask, strict=True) if kept)
        for ids, mask in zip(inputs["input_ids"].tolist(), (inputs["labels"] != -100).tolist(), strict=True)
    )
    assert lines == sorted(tuple(learnt(row)) for row in rows)
    model = trainer.model.eval()
    theirs = trainer.compute_loss(model, {name: value.to("cpu") for name, value in inputs.items()})
    theirs.backward()
    mine = ALONE.loss(tiny, tiny, collate(rows, packed=tiny.packed, pad_id=tiny.pad_id))
    (mine.total / mine.count).backward()
    assert (mine.total / mine.count).item() == pytest.approx(theirs.item(), abs=1e-5)
    for (name, one), other in zip(tiny.module.named_parameters(), model.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-5), name


def test_alone_it_is_warned_of(tiny):
    given = contract.examples()
    plans = [describe(method, given, list(method.rows(given, tiny)), decode=tiny.decode) for method in (ALONE, Critique())]
    assert ["may criticise" in " ".join(plan.warnings) for plan in plans] == [True, False]


def test_an_example_without_a_refinement_is_named_before_training(tiny):
    given = contract.examples()
    given[4] = dataclasses.replace(given[4], refinement=None)
    with pytest.raises(PreflightError, match=f"1 of 10 examples have no refinement.*: {given[4].prompt.id}"):
        examine(Critique(), tiny, given, list(Critique().rows(given, tiny)))
    examine(ALONE, tiny, given, list(ALONE.rows(given, tiny)))


@pytest.mark.parametrize("weights", [{"answer_weight": -1}, {"critique_weight": 0}])
def test_weights_that_learn_no_comment_are_refused(weights):
    with pytest.raises(SettingsError, match="expected an answer_weight of 0 or more"):
        Critique(**weights)
