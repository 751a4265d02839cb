"""Every method holds the contract on other decoders than Llama, with an adapter and with all weights, packed and padded.

GPT-2 keeps its matrices transposed (Conv1D) and learns positions, GPT-NeoX turns a part of each head and has one matrix for
query, key and value, Qwen normalises both within each head. `test_methods` tries Llama with an adapter and packed.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from tests.contracts import method as contract
from tests.contracts.test_methods import TEACHES_CLASSIFIERS, TRIED, tried

from sayso.models import local
from sayso.models.fresh import fresh
from sayso.models.local import LocalModel

SHAPES = {
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256},
    "gpt_neox": {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "max_position_embeddings": 256,
    },
    "qwen3": {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 256,
    },
}  # fmt: skip
WEIGHTS = {"adapter": True, "full": False}
OF_THE_METHOD_ALONE = (
    contract.is_made_without_arguments, contract.settings_survive_yaml_and_json,
    contract.its_docstring_has_the_four_headings, contract.nothing_to_draw_for_gives_a_clear_error,
    contract.no_rows_give_a_clear_error, contract.rows_are_repeatable_and_leave_the_examples_alone,
    contract.prompt_tokens_carry_no_loss,
)  # fmt: skip
"""Checks that look at no weight."""
OF_ADAPTERS = (contract.drawing_leaves_the_policy_ready_to_learn,)
"""Checks that look for an adapter's dropout."""
OF_ALL_WEIGHTS = (contract.ten_rows_are_overfitted,)
"""Checks that train all weights, whatever the settings say."""
OF_BOTH_FORMS = (contract.packing_changes_nothing, contract.padding_changes_nothing)
"""Checks that pack or pad by themselves."""
ROTATED_TOO = ("refine_sft", "refine_dpo", "hindsight")
"""One of each kind of method is tried on GPT-NeoX besides; the others on Llama, GPT-2 and Qwen."""
UNHEEDING = ("gpt_neox", "hindsight", contract.ten_rows_are_overfitted)
"""So small a GPT-NeoX of random weights hardly heeds a comment: there is next to nothing that its teacher could teach."""
QUICK = (
    ("gpt2", "adapter", "packed", "refine_dpo", contract.micro_batching_changes_nothing),
    ("gpt_neox", "full", "packed", "refine_sft", contract.packing_changes_nothing),
    ("qwen3", "adapter", "packed", "hindsight", contract.packing_changes_nothing),
)
"""Tried with every change; all others with the slow tests."""


def cases():
    """Yield every architecture, kind of training, form of batch, method and check that belong together.

    An adapter is tried packed and all weights padded: batches know nothing of which weights learn. Two checks are of one of
    the two alone, and are tried both ways.
    """
    for architecture in ("llama", *SHAPES):
        for weights, form in (("adapter", "packed"), ("full", "padded"), ("full", "packed")):
            for name in TRIED if architecture != "gpt_neox" else ROTATED_TOO:
                for check in tried(name) if name not in TEACHES_CLASSIFIERS else ():
                    if belongs(architecture, weights, form, check) and (architecture, name, check) != UNHEEDING:
                        yield architecture, weights, form, name, check


def belongs(architecture, weights, form, check):
    """Return whether a check says something new for a combination."""
    return not (
        check in OF_THE_METHOD_ALONE
        or (architecture == "llama" and weights == "adapter" and form == "packed")
        or (check in OF_ADAPTERS and weights == "full")
        or (check in OF_ALL_WEIGHTS and weights == "adapter")
        or (check in OF_BOTH_FORMS and form == "padded")
        or (check not in OF_BOTH_FORMS + OF_ALL_WEIGHTS and (weights, form) == ("full", "packed"))
    )


def made(architecture: str, folder: Path, form: str) -> LocalModel:
    """Return a tiny model with random weights, made to pad its batches where that is asked for."""
    model = local.load(folder, device="cpu")
    if architecture != "llama":
        model = fresh(architecture, SHAPES[architecture], folder, seed=0, device="cpu")
    assert model.packed, model.packed_reason
    model.packed = form == "packed"
    return model


@pytest.mark.parametrize(
    ("architecture", "weights", "form", "name", "check"),
    [
        pytest.param(*case, id="-".join([case[4].__name__, *case[:4]]), marks=[] if case in QUICK else [pytest.mark.slow])
        for case in cases()
    ],
)
def test_method(architecture, weights, form, name, check, tiny_folder, monkeypatch):
    short = dataclasses.replace(contract.SHORT, use_lora=WEIGHTS[weights])
    monkeypatch.setattr(contract, "SHORT", short)
    check(TRIED[name], lambda: made(architecture, tiny_folder, form))


def test_the_quick_ones_are_among_all():
    assert set(QUICK) <= set(cases())
