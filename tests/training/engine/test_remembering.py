"""The model before training is asked once about each row, in this run, in the next epoch and after a stop."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sayso.batches import Batch, Row, collate, row
from sayso.errors import StoreError
from sayso.methods.refine_dpo import RefineDpo
from sayso.models.local import LocalModel
from sayso.training.engine.optimizer import prepare
from sayso.training.engine.remembering import Remembering, row_key, write
from sayso.training.settings import Train
from sayso.training.steps import steps

ROWS = [row([5, 6], [7, 8]), row([5, 6], [9]), row([10], [11, 12, 13]), Row(ids=(4, 5), weights=(1.0, 0.0), labels=(2, 0))]


class Counted:
    """A scorer that says numbers of its own making, and what it was asked."""

    def __init__(self, weights: str = "these") -> None:
        self.asked: list[Row] = []
        self.weights = weights

    def identity(self) -> str:
        return self.weights

    def token_logprobs(self, batch: Batch) -> torch.Tensor:
        self.asked += batch.rows
        return -(batch.targets + 100.0 * batch.positions.flatten()[batch.where]) / 7

    def distributions(self, batch: Batch) -> torch.Tensor:
        return torch.zeros(len(batch.targets), 3)


def packed(*rows: Row) -> Batch:
    return collate(rows, packed=True)


def test_a_row_is_asked_about_once_and_what_was_said_stays_the_same() -> None:
    inner = Counted()
    remembering = Remembering(inner)
    remembering.token_logprobs(packed(ROWS[0], ROWS[2]))
    found = remembering.token_logprobs(packed(*ROWS, ROWS[0]))
    assert torch.equal(found, Counted().token_logprobs(packed(*ROWS, ROWS[0])))
    assert inner.asked == [ROWS[0], ROWS[2], ROWS[1], ROWS[3]]
    assert remembering.distributions(packed(ROWS[0])).shape == (2, 3)


def test_a_row_is_known_by_its_words_and_by_which_of_them_are_foretold() -> None:
    one = row([5, 6], [7, 8])
    assert row_key(one) == row_key(row([5, 6], [7, 8], weight=0.5, label="another name"))
    others = [row([5], [6, 7, 8]), row([5, 6], [8, 7]), Row(ids=one.ids, weights=one.weights, labels=(0, 0, 1, 2))]
    assert len({row_key(item) for item in (one, *others)}) == 4


def test_what_is_kept_is_read_by_the_next_run_of_the_same_weights(tmp_path: Path, caplog: Any) -> None:
    first = Remembering(Counted(), tmp_path)
    said = first.token_logprobs(packed(*ROWS))
    first.keep()
    first.keep()  # nothing new
    assert len(list(tmp_path.iterdir())) == 1
    again = Counted()
    assert torch.equal(Remembering(again, tmp_path).token_logprobs(packed(*ROWS)), said)
    assert again.asked == []
    other = Counted("others")
    Remembering(other, tmp_path).token_logprobs(packed(*ROWS))
    assert other.asked == ROWS
    assert "another model" in caplog.text


@pytest.mark.parametrize("damage", ["cut", "changed", "foreign", "empty"])
def test_a_damaged_or_foreign_file_is_left_out_and_said(damage: str, tmp_path: Path, caplog: Any) -> None:
    path = write(tmp_path, "these", {row_key(ROWS[0]): b"\0" * 8})
    content = path.read_bytes()
    changed = {"cut": content[:-3], "changed": content[:-1] + b"\1", "foreign": b"{}", "empty": b""}
    path.write_bytes(changed[damage])
    inner = Counted()
    found = Remembering(inner, tmp_path).token_logprobs(packed(ROWS[0]))
    assert torch.equal(found, Counted().token_logprobs(packed(ROWS[0])))
    assert "is left out" in caplog.text


def test_beyond_its_limit_rows_are_asked_about_again_and_that_is_said_once(caplog: Any) -> None:
    inner = Counted()
    remembering = Remembering(inner, limit=250)
    for _ in range(2):
        remembering.token_logprobs(packed(*ROWS))
    assert inner.asked == [*ROWS, *ROWS[2:]]
    assert caplog.text.count("scored anew") == 1


def test_a_disk_that_refuses_is_an_error_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="could not be kept"):
        write(tmp_path / "file", "these", {row_key(ROWS[0]): b"\0" * 8})


def pairs(number: int) -> list[Row]:
    words = [[5 + place % 90, *range(20, 40)] for place in range(number)]
    return [row(asked, [40 + place, answer]) for place, asked in enumerate(words) for answer in (7, 8)]


SETTINGS = Train(max_steps=6, per_device_train_batch_size=2, learning_rate=1e-3, use_lora=False, save_steps=2)


def trained(model: LocalModel, folder: Path | None = None, *, stop_after: int = 9, resume: bool = False) -> Any:
    policy = prepare(model, SETTINGS)
    run = steps(RefineDpo(), policy, pairs(6), SETTINGS, folder=folder, resume=resume, clock=lambda: 0.0)
    records = []
    for record in run:
        records.append(record)
        if record.step == stop_after:
            run.close()  # as kill would: before the checkpoint of this step
    return records, torch.cat([parameter.detach().flatten() for parameter in policy.module.parameters()])


def test_a_run_taken_up_again_ends_bit_for_bit_as_one_that_was_not_stopped(
    tiny_copy: Callable[[], LocalModel], tmp_path: Path
) -> None:
    whole, weights = trained(tiny_copy(), tmp_path / "whole")
    begun, _ = trained(tiny_copy(), tmp_path / "run", stop_after=5)
    rest, found = trained(tiny_copy(), tmp_path / "run", resume=True)
    assert [*begun[:4], *rest] == whole
    assert torch.equal(found, weights)
    assert list((tmp_path / "run" / "reference").glob("*.safetensors"))
    in_memory, found = trained(tiny_copy())
    assert in_memory == whole
    assert torch.equal(found, weights)


def test_the_reference_is_asked_about_fixed_rows_once(
    tiny_copy: Callable[[], LocalModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, asked = tiny_copy(), 0
    frozen = model.reference()
    score = frozen.token_logprobs

    def counted(batch: Batch) -> torch.Tensor:
        nonlocal asked
        asked += batch.num_rows
        return score(batch)

    monkeypatch.setattr(frozen, "token_logprobs", counted)
    trained(model)
    assert asked == len(pairs(6))


def test_weights_have_one_identity_with_and_without_training_and_another_when_they_differ(
    tiny_copy: Callable[[], LocalModel],
) -> None:
    model = prepare(tiny_copy(), Train(use_lora=False))
    before = model.reference().identity()
    with torch.no_grad():
        next(model.module.parameters()).mul_(1.5)
    assert model.reference().identity() == before
    assert model.carrying(copy.deepcopy(model.module), continued=False).reference().identity() != before
    adapted = prepare(tiny_copy(), Train())
    switched_off = adapted.reference().identity()
    with torch.no_grad():
        for parameter in adapted.trainable():
            parameter.add_(1.0)
    assert adapted.reference().identity() == switched_off
