"""The methods against other people's code: transformers' cross-entropy, and TRL's trainers on the same pairs."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tests.contracts.method import examples

from sayso.batches import collate
from sayso.methods.polarity import Polarity
from sayso.methods.refine_dpo import RefineDpo
from sayso.methods.refine_sft import RefineSft
from sayso.models import local


def test_refine_sft_equals_transformers_cross_entropy(tiny):
    rows = list(RefineSft().rows(examples(), tiny))
    batch = collate(rows, packed=False, pad_id=tiny.pad_id)
    loss = RefineSft().loss(tiny, tiny, batch)
    labels = torch.full_like(batch.ids, -100)
    for line, row in enumerate(rows):
        for place, weight in enumerate(row.weights):
            if weight:
                labels[line, place] = row.ids[place]
    theirs = tiny.module(input_ids=batch.ids, attention_mask=batch.mask.long(), labels=labels).loss
    assert (loss.total / loss.count).item() == pytest.approx(theirs.item(), abs=1e-6)


def perturbed(folder):
    """Return a model some way from its reference."""
    policy = local.load(folder, device="cpu")
    policy.reference()
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in policy.module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
    return policy


def trl_trainer(folder, policy, given, output, **settings):
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    def turns(role, text):
        return [{"role": role, "content": text}]

    pairs = [
        {
            "prompt": turns("user", example.prompt.text),
            "chosen": turns("assistant", example.refinement.text),
            "rejected": turns("assistant", example.response.text),
        }
        for example in given
    ]
    other = local.load(folder, device="cpu")
    other.module.load_state_dict(policy.module.state_dict())
    arguments = DPOConfig(
        output_dir=str(output), use_cpu=True, report_to=[], per_device_train_batch_size=len(given), bf16=False,
        gradient_checkpointing=False, dataloader_pin_memory=False, disable_dropout=True, **settings,
    )  # fmt: skip
    return DPOTrainer(
        model=other.module, ref_model=local.load(folder, device="cpu").module, args=arguments,
        train_dataset=Dataset.from_list(pairs), processing_class=policy.tokenizer,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (RefineDpo(beta=0.3, sft_weight=0.0), {"beta": 0.3}),
        (RefineDpo(beta=0.3, sft_weight=0.0, loss_type="apo_zero"), {"beta": 0.3, "loss_type": ["apo_zero"]}),
        (RefineDpo(beta=0.1, sft_weight=0.3), {"beta": 0.1, "loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.3]}),
        (RefineDpo(beta=0.3, sft_weight=0.0, loss_type="apo_down"), {"beta": 0.3, "loss_type": ["apo_down"]}),
        (RefineDpo(beta=0.3, sft_weight=0.0, loss_type="ipo"), {"beta": 0.3, "loss_type": ["ipo"]}),
        (RefineDpo(beta=0.3, sft_weight=0.0, ld_alpha=0.4), {"beta": 0.3, "ld_alpha": 0.4}),
        (
            RefineDpo(beta=0.3, sft_weight=0.2, loss_type="ipo", ld_alpha=0.4),
            {"beta": 0.3, "ld_alpha": 0.4, "loss_type": ["ipo", "sft"], "loss_weights": [1.0, 0.2]},
        ),
    ],
    ids=["sigmoid", "apo_zero", "sigmoid+sft", "apo_down", "ipo", "ld_alpha", "ipo+sft+ld_alpha"],
)
def test_refine_dpo_equals_trl(ours, theirs, tiny_folder, tmp_path):
    policy = perturbed(tiny_folder)
    given = examples()
    if ours.sft_weight:  # TRL averages over the tokens of a batch, we over each response: equal where lengths are
        given = [
            dataclasses.replace(item, refinement=dataclasses.replace(item.refinement, text="It ran!")) for item in given
        ]
    trainer = trl_trainer(tiny_folder, policy, given, tmp_path, **theirs)
    (inputs,) = list(trainer.get_train_dataloader())
    rows = list(ours.rows(given, policy))
    pairs = list(zip(rows[0::2], rows[1::2], strict=True))
    lines = [tuple(ids[:length].tolist()) for ids, length in zip(
        inputs["input_ids"], inputs["attention_mask"].sum(1).tolist(), strict=True
    )]  # fmt: skip
    chosen, rejected = lines[: len(given)], lines[len(given) :]
    assert sorted(zip(chosen, rejected, strict=True)) == sorted((one.ids, other.ids) for one, other in pairs)
    model = trainer.model.eval()
    loss = trainer.compute_loss(model, {name: value.to("cpu") for name, value in inputs.items()})
    loss.backward()
    mine = ours.loss(policy, policy.reference(), collate(rows, group=2, packed=policy.packed, pad_id=policy.pad_id))
    (mine.total / mine.count).backward()
    assert (mine.total / mine.count).item() == pytest.approx(loss.item(), abs=1e-5)
    for (name, one), other in zip(policy.module.named_parameters(), model.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-5), name


def praised_and_blamed():
    """Return four examples: a response praised, one blamed, and again, of different lengths."""
    given = [dataclasses.replace(item, refinement=None) for item in examples(4)]
    kinds = ("keep", "fix", "keep", "concern")
    return [
        dataclasses.replace(
            item, comments=tuple(dataclasses.replace(each, kind=kind, polarity=None) for each in item.comments)
        )
        for item, kind in zip(given, kinds, strict=True)
    ]


def kto_trainer(folder, policy, given, output, **settings):
    from datasets import Dataset
    from trl import KTOConfig, KTOTrainer

    lines = [
        {
            "prompt": [{"role": "user", "content": example.prompt.text}],
            "completion": [{"role": "assistant", "content": example.response.text}],
            "label": example.comments[0].kind == "keep",
        }
        for example in given
    ]
    other, before = local.load(folder, device="cpu"), perturbed(folder)
    other.module.load_state_dict(policy.module.state_dict())
    arguments = KTOConfig(
        output_dir=str(output), use_cpu=True, report_to=[], per_device_train_batch_size=len(given), bf16=False,
        gradient_checkpointing=False, dataloader_pin_memory=False, disable_dropout=True, **settings,
    )  # fmt: skip
    return KTOTrainer(
        model=other.module, ref_model=before.module, args=arguments,
        train_dataset=Dataset.from_list(lines), processing_class=policy.tokenizer,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Polarity(beta=0.3), {"beta": 0.3}),
        (
            Polarity(beta=0.1, desirable_weight=1.5, undesirable_weight=0.5),
            {"beta": 0.1, "desirable_weight": 1.5, "undesirable_weight": 0.5},
        ),
        (Polarity(beta=0.3, loss_type="apo_zero_unpaired"), {"beta": 0.3, "loss_type": "apo_zero_unpaired"}),
    ],
    ids=["kto", "kto, weighted", "apo_zero_unpaired"],
)
def test_polarity_equals_trl(ours, theirs, tiny_folder, tmp_path):
    policy = perturbed(tiny_folder)  # the reference; the model itself then goes the other way, so that z0 is above 0
    policy._reference = None
    policy.reference()
    policy.module.load_state_dict(local.load(tiny_folder, device="cpu").module.state_dict())
    given = praised_and_blamed()
    # TRL pairs a prompt with the response before it, ours with the next one: the same, the other way round.
    trainer = kto_trainer(tiny_folder, policy, given[::-1], tmp_path, **theirs)
    (inputs,) = list(trainer.get_train_dataloader())
    rows = list(ours.rows(given, policy))
    assert len(rows) == ours.group * len(given) // (ours.group_size if ours.group > 1 else 1)
    model = trainer.model.eval()
    loss = trainer.compute_loss(model, {name: value.to("cpu") for name, value in inputs.items()})
    loss.backward()
    batch = collate(rows, group=ours.group, packed=policy.packed, pad_id=policy.pad_id)
    mine = ours.loss(policy, policy.reference(), batch)
    (mine.total / mine.count).backward()
    if ours.loss_type == "kto":
        assert mine.sums["point"] / mine.count == pytest.approx(trainer._metrics["eval"]["kl"][-1], abs=1e-4)
        assert mine.sums["point"] > 0, "a reference point of 0 compares nothing"
    assert (mine.total / mine.count).item() == pytest.approx(loss.item(), abs=1e-5)
    for (name, one), other in zip(policy.module.named_parameters(), model.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-5), name
