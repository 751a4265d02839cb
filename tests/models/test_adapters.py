"""Adapters: fresh, trained further, merged; each with the reference it started from."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from sayso.batches import collate, row
from sayso.errors import ModelError, NotFoundError
from sayso.models.adapters import Lora, attach, compose, merge
from sayso.models.local import LocalModel, load

ROWS = [row([5, 6, 7], [8, 9, 1]), row([20], [21, 22, 23, 24, 1])]


def score(scorer: Any, *, packed: bool = True) -> torch.Tensor:
    return scorer.token_logprobs(collate(ROWS, packed=packed))


def learn(model: LocalModel, steps: int = 3) -> None:
    optimizer = torch.optim.AdamW(model.trainable(), lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        score(model).sum().neg().backward()
        optimizer.step()


@pytest.fixture
def saved(tiny: LocalModel, tmp_path: Path) -> Path:
    """An adapter that has learnt something."""
    model = attach(tiny, Lora(lora_r=4), seed=1)
    learn(model)
    model.save(tmp_path / "adapter")
    return tmp_path / "adapter"


def test_a_fresh_adapter_changes_nothing_and_only_it_learns(tiny: LocalModel) -> None:
    before, whole = score(tiny).detach(), tiny.num_parameters()
    model = attach(tiny, Lora(lora_r=4), seed=1)
    torch.testing.assert_close(score(model).detach(), before, atol=0, rtol=0)
    assert 0 < model.num_parameters(trainable=True) == model.num_parameters() - whole
    assert all("lora_" in name for name, p in model.module.named_parameters() if p.requires_grad)


def test_packed_and_padded_agree_through_an_adapter(saved: Path) -> None:
    model = load(saved)
    torch.testing.assert_close(score(model, packed=True), score(model, packed=False), atol=1e-5, rtol=0)


def test_the_seed_decides_a_fresh_adapter_and_nothing_else_does(tiny_folder: Path) -> None:
    def weights(seed: int) -> torch.Tensor:
        return torch.cat([p.detach().flatten() for p in attach(load(tiny_folder), Lora(lora_r=4), seed=seed).trainable()])

    state = torch.get_rng_state()
    one = weights(1)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    assert torch.equal(one, weights(1))
    assert not torch.equal(one, weights(2))


def test_the_reference_of_a_fresh_adapter_is_the_base(tiny: LocalModel) -> None:
    before = score(tiny).detach()
    model = attach(tiny, Lora(lora_r=4), seed=1)
    learn(model)
    reference = score(model.reference())
    torch.testing.assert_close(reference, before, atol=0, rtol=0)
    assert not reference.requires_grad
    assert (score(model) - before).abs().max() > 1e-2


def test_the_reference_may_be_asked_between_forward_and_backward(saved: Path) -> None:
    def gradient(*, asked: bool) -> torch.Tensor:
        model = load(saved)
        model.reference()
        learn(model, steps=1)
        model.module.zero_grad()
        total = score(model).sum()
        if asked:
            score(model.reference())
        total.backward()
        return torch.cat([p.grad.flatten() for p in model.trainable() if p.grad is not None])

    assert torch.equal(gradient(asked=True), gradient(asked=False))


def test_a_saved_adapter_is_an_adapter_on_its_base_and_gives_the_same_probabilities(tiny_folder: Path, saved: Path) -> None:
    model = load(tiny_folder, adapter=saved)
    assert (score(model) - score(load(tiny_folder))).abs().max() > 1e-2
    assert json.loads((saved / "adapter_config.json").read_text())["base_model_name_or_path"] == str(tiny_folder)
    assert not [path for path in saved.iterdir() if path.suffix in {".bin", ".pt"}]
    torch.testing.assert_close(score(load(saved)), score(model), atol=0, rtol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft uses a name that transformers is about to drop
        base = AutoModelForCausalLM.from_pretrained(tiny_folder, local_files_only=True)
        theirs = PeftModel.from_pretrained(base, saved).eval()
    ids = torch.tensor([[5, 6, 7, 8]])
    torch.testing.assert_close(theirs(input_ids=ids).logits, model.module(input_ids=ids).logits, atol=1e-6, rtol=0)


def test_learning_goes_on_in_the_same_adapter_with_its_start_as_the_reference(
    tiny_folder: Path, saved: Path, tmp_path: Path
) -> None:
    model = load(tiny_folder, adapter=saved)
    start, number = score(model).detach(), model.num_parameters()
    reference = model.reference()
    learn(model)
    assert (score(model) - start).abs().max() > 1e-2
    torch.testing.assert_close(score(reference), start, atol=0, rtol=0)
    end = score(model).detach()
    model.save(tmp_path / "next")
    again = load(tiny_folder, adapter=tmp_path / "next")
    torch.testing.assert_close(score(again), end, atol=0, rtol=0)
    assert again.num_parameters() == number


def test_a_merged_adapter_answers_the_same_and_is_saved_as_a_full_folder(saved: Path, tmp_path: Path) -> None:
    model = load(saved)
    before = score(model).detach()
    merged = merge(model)
    torch.testing.assert_close(score(merged).detach(), before, atol=1e-5, rtol=0)
    assert merged.num_parameters(trainable=True) == merged.num_parameters()
    merged.save(tmp_path / "full")
    again = load(tmp_path / "full")
    assert (tmp_path / "full" / "config.json").is_file()
    torch.testing.assert_close(score(again), score(merged), atol=0, rtol=0)


def test_a_new_adapter_stands_on_a_merged_and_saved_one(saved: Path, tmp_path: Path) -> None:
    merged = merge(load(saved))
    merged.save(tmp_path / "full")
    model = attach(merged, Lora(lora_r=2), seed=3)
    start = score(model).detach()
    learn(model)
    torch.testing.assert_close(score(model.reference()), start, atol=0, rtol=0)
    model.save(tmp_path / "second")
    torch.testing.assert_close(score(load(tmp_path / "second")), score(model), atol=0, rtol=0)


def test_a_merged_model_that_was_not_saved_is_no_base_for_an_adapter_that_is(saved: Path, tmp_path: Path) -> None:
    model = attach(merge(load(saved)), Lora(lora_r=2), seed=3)
    with pytest.raises(ModelError, match="save the merged model first"):
        model.save(tmp_path / "orphan")
    assert not (tmp_path / "orphan").exists()


def test_merging_a_model_without_an_adapter_is_the_model(tiny: LocalModel) -> None:
    assert merge(tiny) is tiny


def test_a_second_adapter_on_the_first_is_refused(saved: Path) -> None:
    with pytest.raises(ModelError, match="carries an adapter already"):
        attach(load(saved), Lora(), seed=0)


def changes(model: LocalModel) -> torch.Tensor:
    """Return all that an adapter changes, in one line."""
    parts = [part for _name, part in model.module.named_modules() if getattr(part, "lora_A", None)]
    return torch.cat([part.get_delta_weight("default").flatten() for part in parts])


def test_adapters_are_composed_to_the_weighted_sum_of_their_changes(tiny_folder: Path, saved: Path, tmp_path: Path) -> None:
    other = attach(load(tiny_folder), Lora(lora_r=2), seed=5)
    learn(other)
    other.save(tmp_path / "other")
    parts = [(saved, 1.0), (tmp_path / "other", -0.5)]
    expected = changes(load(saved)) - 0.5 * changes(other)
    whole = compose(load(tiny_folder), parts)
    torch.testing.assert_close(changes(whole), expected, atol=1e-6, rtol=0)
    whole.save(tmp_path / "both")
    torch.testing.assert_close(score(load(tmp_path / "both")), score(whole), atol=1e-6, rtol=0)
    nearest = changes(compose(load(tiny_folder), parts, combination_type="svd"))
    assert 0 < (nearest - expected).norm() < 0.6 * expected.norm(), "of the rank of one there is less than the sum"
    assert changes(compose(load(tiny_folder), parts, combination_type="ties_svd")).norm() > 0


def test_an_adapter_of_another_base_is_not_composed(saved: Path, tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match="no adapter at"):
        compose(load(tiny_folder), [(saved, 1.0), (tmp_path / "empty", 1.0)])
    note = json.loads((saved / "sayso.json").read_text())
    note["weights"]["sha256"] = "0"
    (saved / "sayso.json").write_text(json.dumps(note))
    with pytest.raises(ModelError, match="belongs to another base"):
        compose(load(tiny_folder), [(saved, 1.0)])


def test_target_modules_may_be_named_and_a_wrong_name_is_told(tiny_folder: Path) -> None:
    model = attach(load(tiny_folder), Lora(lora_target_modules=("q_proj",)), seed=0)
    assert all("q_proj" in name for name, p in model.module.named_parameters() if p.requires_grad)
    with pytest.raises(ModelError, match="lora_target_modules"):
        attach(load(tiny_folder), Lora(lora_target_modules=("no_such",)), seed=0)


def test_an_adapter_of_other_weights_of_the_same_shape_is_refused(tiny: LocalModel, saved: Path, tmp_path: Path) -> None:
    changed = load_file(Path(tiny.base) / "model.safetensors")
    changed["model.layers.0.self_attn.q_proj.weight"] += 0.01
    folder = Path(shutil.copytree(tiny.base, tmp_path / "other"))
    save_file(changed, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="belongs to another base"):
        load(folder, adapter=saved)


def test_an_adapter_of_another_shape_is_refused_without_the_note_of_ours(
    saved: Path, tmp_path: Path, tiny: LocalModel
) -> None:
    (saved / "sayso.json").unlink()
    config = GPT2Config(
        vocab_size=tiny.inner.config.vocab_size, n_embd=32, n_layer=2, n_head=4, eos_token_id=1, bos_token_id=1
    )
    GPT2LMHeadModel(config).save_pretrained(tmp_path / "gpt2")
    tiny.tokenizer.save_pretrained(tmp_path / "gpt2")
    with pytest.raises(ModelError, match="belongs to another base"):
        load(tmp_path / "gpt2", adapter=saved)


def test_an_adapter_of_another_tool_without_our_note_is_opened(tiny_folder: Path, saved: Path) -> None:
    before = score(load(saved))
    (saved / "sayso.json").unlink()
    torch.testing.assert_close(score(load(tiny_folder, adapter=saved)), before, atol=0, rtol=0)


def test_a_missing_pickled_or_damaged_adapter_is_one_clear_line(tiny_folder: Path, saved: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no model folder at"):
        load(tiny_folder, adapter=tmp_path / "nowhere")
    with pytest.raises(NotFoundError, match="no adapter at"):
        load(tiny_folder, adapter=tiny_folder)
    weights = saved / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(ModelError, match="damaged"):
        load(tiny_folder, adapter=saved)
    weights.rename(saved / "adapter_model.bin")
    with pytest.raises(ModelError, match="pickled weights are not opened"):
        load(tiny_folder, adapter=saved)


def test_an_adapter_fits_a_model_with_transposed_matrices(tmp_path: Path, tiny: LocalModel) -> None:
    config = GPT2Config(
        vocab_size=tiny.inner.config.vocab_size, n_embd=32, n_layer=2, n_head=4, eos_token_id=1, bos_token_id=1
    )
    GPT2LMHeadModel(config).save_pretrained(tmp_path / "gpt2")
    tiny.tokenizer.save_pretrained(tmp_path / "gpt2")
    model = attach(load(tmp_path / "gpt2"), Lora(lora_r=4), seed=0)
    learn(model)
    model.save(tmp_path / "adapter")
    torch.testing.assert_close(score(load(tmp_path / "adapter")), score(model), atol=0, rtol=0)


def test_dropout_of_an_adapter_is_on_while_learning_and_off_while_scoring(tiny: LocalModel) -> None:
    model = attach(tiny, Lora(lora_r=4, lora_dropout=0.5), seed=1)
    learn(model)
    one, other = score(model), score(model)
    assert not torch.equal(one, other)
    with torch.no_grad():
        assert torch.equal(score(model), score(model))
    assert torch.equal(score(model.reference()), score(model.reference()))
