"""LSTM and GRU language models: they are transformers models, they go on from a state, and every method trains them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from tests.contracts.method import checks_of, packing_changes_nothing
from transformers import AutoModelForCausalLM

from sayso.batches import collate, row
from sayso.errors import SettingsError
from sayso.methods.refine_dpo import RefineDpo
from sayso.methods.refine_sft import RefineSft
from sayso.models import adapters, local
from sayso.models.fresh import fresh
from sayso.models.writing.sampling import Sampling
from sayso.records import ask

CELLS = ("lstm", "gru")
SMALL = {"hidden_size": 64, "num_hidden_layers": 2}
PROMPTS = [ask("Hi."), ask("Tell me of the dog and of the cat."), ask("Why?")]


@pytest.fixture(params=CELLS)
def cell(request):
    return request.param


@pytest.fixture
def made(cell, tiny_folder):
    return fresh(cell, SMALL, tiny_folder, seed=0, device="cpu")


@pytest.fixture(scope="module")
def folders(tiny_folder, tmp_path_factory):
    """A saved model of each kind of cell."""
    found = {cell: tmp_path_factory.mktemp(cell) / "model" for cell in CELLS}
    for cell, folder in found.items():
        fresh(cell, SMALL, tiny_folder, seed=0, device="cpu").save(folder)
    return found


def test_a_saved_folder_is_opened_by_us_and_by_hugging_face(cell, made, folders):
    ours = local.load(folders[cell], device="cpu")
    theirs = AutoModelForCausalLM.from_pretrained(folders[cell]).eval()
    ids = torch.arange(3, 40)[None]
    assert ours.inner.config.cell == cell
    assert ours.max_length == 256
    for module in (ours.inner, theirs):
        assert torch.allclose(module(ids).logits, made.inner(ids).logits, atol=1e-6)


@pytest.mark.slow
def test_one_import_is_all_that_hugging_face_needs(folders):
    """In a process of its own, where nothing else of ours was imported."""
    lines = (
        "import sayso.models.recurrent\n"
        "from transformers import AutoModelForCausalLM\n"
        f"print(type(AutoModelForCausalLM.from_pretrained({str(folders['gru'])!r})).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "RecurrentForCausalLM"


def test_no_token_sees_those_after_it(made):
    one, other = (collate([row([5], [6, 7, last])], packed=False) for last in (8, 9))
    found = [made.token_logprobs(batch) for batch in (one, other)]
    assert torch.equal(found[0][:2], found[1][:2])
    assert found[0][2] != found[1][2]


def test_texts_in_one_line_are_not_told_apart_so_batches_are_padded(made):
    assert not made.packed
    rows = [row([5], [6, 7]), row([8], [9, 10, 11])]
    packed, padded = (collate(rows, packed=packed) for packed in (True, False))
    apart = made.token_logprobs(padded) - made.inner(input_ids=packed.ids).logits[0].log_softmax(1)[
        packed.where, packed.targets
    ]  # fmt: skip
    assert apart[:2].abs().max() < 1e-6
    assert apart[2:].abs().max() > 1e-6


@pytest.mark.parametrize("left", [True, False])
def test_padding_on_either_side_changes_nothing(made, left):
    texts = [[5, 6, 7, 8], [9, 10]]
    alone = [made.inner(torch.tensor([text])).logits[0] for text in texts]
    width = 6
    lines = [[0] * (width - len(text)) + text if left else text + [0] * (width - len(text)) for text in texts]
    mask = torch.tensor([[int(token != 0) for token in line] for line in lines])
    for keeps in (True, False):
        out = made.inner(torch.tensor(lines), attention_mask=mask, use_cache=keeps)
        for number, expected in enumerate(alone):
            assert torch.allclose(out.logits[number][mask[number].bool()], expected, atol=1e-6)


def test_going_on_from_a_state_is_reading_the_whole(made):
    ids = torch.arange(3, 23).reshape(2, 10)
    whole = made.inner(ids).logits
    first = made.inner(ids[:, :4], use_cache=True)
    second = made.inner(ids[:, 4:7], past_key_values=first.past_key_values, use_cache=True)
    third = made.inner(ids[:, 7:], past_key_values=second.past_key_values, use_cache=True)
    assert torch.allclose(torch.cat([first.logits, second.logits, third.logits], dim=1), whole, atol=1e-5)
    assert third.past_key_values.get_seq_length() == 10


def test_what_is_written_does_not_depend_on_the_batch_and_is_what_reading_it_all_again_writes(made):
    sampling = Sampling(max_new_tokens=12, temperature=0.0)
    together = made.write(PROMPTS, sampling)
    assert [answer.ids for answer in together] == [made.write([prompt], sampling)[0].ids for prompt in PROMPTS]
    prompt = made.encode_prompt(PROMPTS[1])
    ids = list(prompt)
    for _ in together[1].ids:
        ids.append(int(made.inner(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    assert tuple(ids[len(prompt) :]) == together[1].ids


def test_hugging_face_generates_with_the_state_as_without_it_alone_padded_and_by_beams(made):
    ids = torch.arange(10, 20).reshape(2, 5)
    how = {"max_new_tokens": 8, "do_sample": False, "eos_token_id": None, "pad_token_id": 0}
    kept = made.inner.generate(ids, attention_mask=torch.ones_like(ids), **how)
    assert torch.equal(kept, made.inner.generate(ids, attention_mask=torch.ones_like(ids), use_cache=False, **how))
    padded = torch.cat([torch.zeros(2, 3, dtype=torch.long), ids], dim=1)
    assert torch.equal(made.inner.generate(padded, attention_mask=(padded > 0).long(), **how)[:, 3:], kept)
    beams = [
        made.inner.generate(ids, attention_mask=torch.ones_like(ids), num_beams=3, use_cache=use, **how)
        for use in (True, False)
    ]
    assert torch.equal(*beams)


def test_the_head_shares_the_embedding_unless_told_not_to(tiny_folder):
    shared, apart = (
        fresh("lstm", {**SMALL, "embedding_size": 16, "tie_word_embeddings": tied}, tiny_folder, seed=0, device="cpu")
        for tied in (True, False)
    )
    assert shared.inner.lm_head.weight is shared.inner.model.embed_tokens.weight
    assert apart.num_parameters() - shared.num_parameters() == apart.inner.lm_head.weight.numel()


def test_dropout_falls_in_training_mode_alone(tiny_folder):
    made = fresh("gru", {**SMALL, "dropout": 0.5}, tiny_folder, seed=0, device="cpu")
    ids = torch.arange(3, 20)[None]
    assert torch.equal(made.inner(ids).logits, made.inner(ids).logits)
    made.inner.train()
    assert not torch.equal(made.inner(ids).logits, made.inner(ids).logits)


def test_an_lstm_begins_by_remembering(tiny_folder):
    made = fresh("lstm", SMALL, tiny_folder, seed=0, device="cpu")
    net = made.inner.model.layers[0].cell
    forgets = (net.bias_ih_l0 + net.bias_hh_l0)[64:128]
    assert torch.equal(forgets, torch.ones(64))
    gate = net.weight_hh_l0[:64]
    assert torch.allclose(gate @ gate.T, torch.eye(64), atol=1e-5)


def test_without_norms_and_sums_it_is_the_plain_net(tiny_folder):
    keys = {**SMALL, "num_hidden_layers": 1, "layer_norm": False, "residual": False}
    made = fresh("gru", keys, tiny_folder, seed=0, device="cpu").inner
    ids = torch.arange(3, 20)[None]
    outputs, _ = made.model.layers[0].cell(made.model.embed_tokens(ids))
    assert torch.allclose(made(ids).logits, made.lm_head(made.model.projection(outputs)), atol=1e-6)


def test_an_adapter_acts_on_the_linear_layer(made):
    adapted = adapters.attach(made, adapters.Lora(lora_r=2), 0)
    names = {name.split(".lora_")[0] for name, item in adapted.module.named_parameters() if item.requires_grad}
    assert names == {"base_model.model.model.projection"}


def test_a_cell_that_is_none_is_refused(tiny_folder):
    with pytest.raises(SettingsError, match=r"refuses these keys: .*expected one of lstm, gru"):
        fresh("lstm", {**SMALL, "cell": "rnn"}, tiny_folder, seed=0, device="cpu")


METHODS = {"refine_sft": RefineSft(), "refine_dpo": RefineDpo()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "check"),
    [
        pytest.param(item, check, id=f"{check.__name__}-{name}")
        for name, item in METHODS.items()
        for check in checks_of(item)
        if check is not packing_changes_nothing
    ],
)
def test_the_contract_of_methods_holds_on_it(method, check, cell, folders):
    check(method, lambda: local.load(folders[cell], device="cpu"))
