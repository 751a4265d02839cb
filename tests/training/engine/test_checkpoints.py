"""A run that is stopped, killed or damaged goes on where it was, bit for bit."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from itertools import islice

import pytest
import torch

from sayso.errors import SettingsError, StoreError
from sayso.methods.refine_sft import RefineSft
from sayso.training.engine import checkpoints
from sayso.training.engine.guard import Anchors
from sayso.training.engine.optimizer import optimizers, trainable
from sayso.training.run import keep, read
from sayso.training.settings import Train
from sayso.training.steps import steps

SETTINGS = Train(max_steps=5, per_device_train_batch_size=3, learning_rate=1e-2, save_steps=1, lora_dropout=0.3)


def weights(policy):
    return {name: item.detach().clone() for name, item in trainable(policy.module).items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def guard(rows):
    return Anchors(near=rows[:3], out=rows[3:])


@pytest.fixture(scope="module")
def uninterrupted(ready, _rows):
    rows = list(_rows)
    policy = ready(SETTINGS)
    records = list(steps(RefineSft(), policy, rows, SETTINGS, guard=guard(rows), clock=lambda: 0))
    return records, weights(policy)


NEAR_ANOTHER = [pytest.param(done, marks=pytest.mark.slow) for done in (2, 4)]
"""The first step, one in the middle, the last one and the end are tried with the quick tests."""


@pytest.mark.parametrize("done", [1, 3, 5, 6, *NEAR_ANOTHER])
def test_stopped_after_any_step_it_ends_where_it_would_have(done, ready, rows, uninterrupted, tmp_path):
    whole, expected = uninterrupted
    first = steps(RefineSft(), ready(SETTINGS), rows, SETTINGS, guard=guard(rows), folder=tmp_path, clock=lambda: 0)
    seen = list(islice(first, done))
    first.close()
    policy = ready(SETTINGS)
    again = steps(RefineSft(), policy, rows, SETTINGS, guard=guard(rows), folder=tmp_path, resume=True, clock=lambda: 0)
    records = list(again)
    start = min(done, 5) - (1 if done < 6 else 0)  # a checkpoint follows when the next record is asked for
    assert seen[:start] + records == whole
    assert same(weights(policy), expected)


def test_a_damaged_checkpoint_is_skipped_and_the_next_older_one_used(ready, rows, uninterrupted, tmp_path):
    settings = dataclasses.replace(SETTINGS, save_total_limit=0)
    folder = tmp_path / "checkpoints"
    list(islice(steps(RefineSft(), ready(settings), rows, settings, guard=guard(rows), folder=tmp_path), 5))
    assert checkpoints.newest(folder).step == 4
    weights_file = folder / "step-00000004" / "weights.safetensors"
    content = bytearray(weights_file.read_bytes())
    content[-1] ^= 1
    weights_file.write_bytes(content)
    (folder / "step-00000003" / "optimizer.safetensors").unlink()
    (folder / "step-00000002" / "manifest.json").write_text('{"state.json": ', encoding="utf-8")
    assert checkpoints.newest(folder).step == 1
    policy = ready(settings)
    records = steps(RefineSft(), policy, rows, settings, guard=guard(rows), folder=tmp_path, resume=True)
    assert [record.step for record in records] == [2, 3, 4, 5]
    assert same(weights(policy), uninterrupted[1])


def test_a_half_written_checkpoint_is_no_checkpoint(ready, rows, tmp_path):
    list(islice(steps(RefineSft(), ready(SETTINGS), rows, SETTINGS, folder=tmp_path), 3))
    folder = tmp_path / "checkpoints"
    shutil.copytree(folder / "step-00000002", folder / ".writing-00000003")
    assert checkpoints.newest(folder).step == 2
    list(steps(RefineSft(), ready(SETTINGS), rows, SETTINGS, folder=tmp_path, resume=True))
    assert sorted(path.name for path in folder.iterdir()) == ["step-00000004", "step-00000005"]


def test_only_the_newest_are_kept_and_they_hold_no_pickle(ready, rows, tmp_path):
    settings = dataclasses.replace(SETTINGS, save_steps=2, save_total_limit=1)
    list(steps(RefineSft(), ready(settings), rows, settings, folder=tmp_path))
    (only,) = (tmp_path / "checkpoints").iterdir()
    assert only.name == "step-00000005"
    names = sorted(path.name for path in only.iterdir())
    assert names == ["manifest.json", "optimizer.safetensors", "state.json", "weights.safetensors"]


def test_a_finished_run_has_nothing_left_to_do(ready, rows, tmp_path):
    list(steps(RefineSft(), ready(SETTINGS), rows, SETTINGS, folder=tmp_path))
    policy = ready(SETTINGS)
    assert list(steps(RefineSft(), policy, rows, SETTINGS, folder=tmp_path, resume=True)) == []
    assert not same(weights(policy), weights(ready(SETTINGS)))


@pytest.mark.parametrize("changed", ["settings", "rows", "method", "guard"])
def test_a_run_with_other_settings_or_rows_is_not_resumed(changed, ready, rows, tmp_path):
    list(islice(steps(RefineSft(), ready(SETTINGS), rows, SETTINGS, folder=tmp_path), 3))
    other = dataclasses.replace(SETTINGS, weight_decay=0.5) if changed == "settings" else SETTINGS
    method = RefineSft(learning_rate=1.0) if changed == "method" else RefineSft()
    held = guard(rows) if changed == "guard" else None
    kept = rows[1:] if changed == "rows" else rows
    with pytest.raises(SettingsError, match="other settings or other rows"):
        next(steps(method, ready(SETTINGS), kept, other, guard=held, folder=tmp_path, resume=True))


def test_how_often_is_saved_may_change(ready, rows, tmp_path):
    list(islice(steps(RefineSft(), ready(SETTINGS), rows, SETTINGS, folder=tmp_path), 3))
    rarer = dataclasses.replace(SETTINGS, save_steps=0, save_total_limit=9)
    assert next(steps(RefineSft(), ready(rarer), rows, rarer, folder=tmp_path, resume=True)).step == 3


def test_a_folder_with_a_run_is_not_overwritten(ready, rows, tmp_path):
    list(steps(RefineSft(), ready(SETTINGS), rows, SETTINGS, folder=tmp_path))
    with pytest.raises(SettingsError, match="already holds a run of 5 steps"):
        next(steps(RefineSft(), ready(SETTINGS), rows, SETTINGS, folder=tmp_path))


def test_weights_of_another_shape_are_refused(ready, tmp_path):
    small = ready(SETTINGS)
    named = trainable(small.module)
    saved = checkpoints.save(tmp_path, step=1, fingerprint="x", parameters=named, optimizers=optimizers(named, SETTINGS))
    wide = dataclasses.replace(SETTINGS, lora_r=3)
    other = trainable(ready(wide).module)
    with pytest.raises(StoreError, match="other weights"):
        checkpoints.load(saved, parameters=other, optimizers=optimizers(other, wide))


def test_a_disk_that_refuses_is_said_and_keeps_the_older_checkpoint(ready, tmp_path):
    named = trainable(ready(SETTINGS).module)
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(StoreError, match="could not be written"):
        checkpoints.save(
            tmp_path / "file", step=1, fingerprint="x", parameters=named, optimizers=optimizers(named, SETTINGS)
        )


CHILD = """
import sys, time
from pathlib import Path
from sayso.methods.refine_sft import RefineSft
from sayso.models import local
from sayso.training.engine.optimizer import prepare
from sayso.training.run import keep
from sayso.training.steps import steps
from tests.contracts.method import examples
from tests.training.engine.test_checkpoints import SETTINGS
policy = prepare(local.load(sys.argv[1], device="cpu"), SETTINGS)
rows = list(RefineSft().rows(examples(), policy))
for record in keep(steps(RefineSft(), policy, rows, SETTINGS, folder=Path(sys.argv[2])), Path(sys.argv[2])):
    time.sleep(0.05)
"""


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [1, 3])
def test_killed_in_the_middle_it_ends_where_it_would_have(wanted, ready, rows, tiny_folder, tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, tiny_folder, tmp_path], env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    deadline = time.monotonic() + 120
    while len(read(tmp_path)) < wanted and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, "it ended by itself before it could be killed"
    policy, whole = ready(SETTINGS), ready(SETTINGS)
    run = steps(RefineSft(), policy, rows, SETTINGS, folder=tmp_path, resume=True, clock=lambda: 0)
    list(keep(run, tmp_path))
    expected = list(steps(RefineSft(), whole, rows, SETTINGS))
    assert [record["step"] for record in read(tmp_path)] == [1, 2, 3, 4, 5]
    assert [record["loss"] for record in read(tmp_path)] == [record.loss for record in expected]
    assert same(weights(policy), weights(whole))
