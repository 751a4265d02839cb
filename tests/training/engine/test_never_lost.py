"""What becomes of a run when the disk is full, a number is not finite, or it is told to stop; and what is said of it."""

from __future__ import annotations

import dataclasses
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Thread

import pytest
import torch

from sayso.errors import ModelError, StoreError
from sayso.losses.loss import Loss
from sayso.methods.refine_sft import RefineSft
from sayso.training import run
from sayso.training.engine import checkpoints, stopping
from sayso.training.engine.guard import Anchors
from sayso.training.engine.optimizer import optimizers, trainable
from sayso.training.settings import Train
from sayso.training.steps import steps

SETTINGS = Train(max_steps=4, per_device_train_batch_size=6, learning_rate=1e-2, save_steps=1)
ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes, as on a disk that is full; any user may."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def kept(policy, folder, step):
    named = trainable(policy.module)
    return checkpoints.save(folder, step=step, fingerprint="x", parameters=named, optimizers=optimizers(named, SETTINGS))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("size", [0, 100, 4000])
def test_a_disk_that_fills_leaves_the_checkpoint_before_whole_and_nothing_else(size, ready, tmp_path):
    policy = ready(SETTINGS)
    kept(policy, tmp_path, 1)
    with room_for(size), pytest.raises(StoreError, match=r"the one before it, step-00000001, is whole\. Make room"):
        kept(policy, tmp_path, 2)
    assert names(tmp_path) == ["step-00000001"]
    assert checkpoints.newest(tmp_path).step == 1
    assert kept(policy, tmp_path, 2).step == 2


def test_a_first_checkpoint_without_room_says_that_there_is_none_before(ready, tmp_path):
    with room_for(100), pytest.raises(StoreError, match="it would have been the first"):
        kept(ready(SETTINGS), tmp_path, 1)
    assert names(tmp_path) == []


def test_a_run_on_a_full_disk_goes_on_where_it_was_when_there_is_room(ready, rows, tmp_path):
    straight, policy = ready(SETTINGS), ready(SETTINGS)
    expected = list(steps(RefineSft(), straight, rows, SETTINGS, clock=lambda: 0))
    going = run.keep(steps(RefineSft(), policy, rows, SETTINGS, folder=tmp_path, clock=lambda: 0), tmp_path)
    list(islice(going, 2))
    with room_for((tmp_path / "metrics.jsonl").stat().st_size + 10), pytest.raises(StoreError, match="same command again"):
        list(going)
    assert [line["step"] for line in run.read(tmp_path)] == [1, 2]
    resumed = ready(SETTINGS)
    again = steps(RefineSft(), resumed, rows, SETTINGS, folder=tmp_path, resume=True, clock=lambda: 0)
    list(run.keep(again, tmp_path))
    assert [line["loss"] for line in run.read(tmp_path)] == [record.loss for record in expected]
    found, wanted = trainable(resumed.module), trainable(straight.module)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_file_that_does_not_fit_leaves_the_old_one_and_nothing_beside(tmp_path):
    run.write_whole(tmp_path / "report.json", "old")
    with room_for(10), pytest.raises(OSError, match="too large"):
        run.write_whole(tmp_path / "report.json", "new" * 100)
    assert names(tmp_path) == ["report.json"]
    assert (tmp_path / "report.json").read_text(encoding="utf-8") == "old"


def test_what_is_skipped_is_said_and_what_is_half_written_is_removed(ready, rows, tmp_path, caplog):
    first = steps(RefineSft(), ready(SETTINGS), rows, SETTINGS, folder=tmp_path)
    list(islice(first, 3))
    folder = tmp_path / "checkpoints"
    shutil.copytree(folder / "step-00000001", folder / ".writing-00000003")
    (folder / "step-00000002" / "optimizer.safetensors").write_bytes(b"")
    with caplog.at_level(logging.WARNING, logger="sayso"):
        next(steps(RefineSft(), ready(SETTINGS), rows, SETTINGS, folder=tmp_path, resume=True))
    half, cut = [record.getMessage() for record in caplog.records]
    assert "checkpoints/.writing-00000003 is not whole (it was being written" in half
    assert "step-00000002 is not whole (the checksum of optimizer.safetensors differs)" in cut
    assert names(folder) == ["step-00000001", "step-00000002"]


def test_what_is_damaged_is_removed_once_a_newer_one_is_whole_and_read_once(ready, tmp_path, monkeypatch):
    policy = ready(SETTINGS)
    for step in (1, 2, 3):
        kept(policy, tmp_path, step)
    (tmp_path / "step-00000002" / "state.json").write_text("{}", encoding="utf-8")
    checkpoints.prune(tmp_path, 2)
    assert names(tmp_path) == ["step-00000001", "step-00000003"]
    monkeypatch.setattr(checkpoints, "_sha256", None)  # both were read already
    checkpoints.prune(tmp_path, 1)
    assert names(tmp_path) == ["step-00000003"]


def test_weights_that_are_no_numbers_are_never_kept(ready, tmp_path):
    policy = ready(SETTINGS)
    kept(policy, tmp_path, 1)
    name, weight = next(iter(trainable(policy.module).items()))
    with torch.no_grad():
        weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="after step 2 the model has weights that are no finite numbers: " + name):
        kept(policy, tmp_path, 2)
    assert names(tmp_path) == ["step-00000001"]


class _Spoilt:
    """A method with which some rows, and only they, come to a loss or a gradient that is not finite."""

    group, uses_reference, learning_rate, wants = 1, False, 1e-2, frozenset[str]()

    def __init__(self, labels, spoil):
        self.labels, self.spoil = labels, spoil

    def loss(self, policy, reference, batch):
        total = -policy.token_logprobs(batch)
        bad = torch.tensor([batch.rows[number].label in self.labels for number in batch.row_of.tolist()])
        return Loss(total=self.spoil(total[bad]).sum() + total[~bad].sum(), count=float(len(total)))


SPOILS = {
    "the loss": lambda total: total * float("nan"),
    "the gradient": lambda total: (total * 0).sqrt(),
}  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_of_a_batch_only_the_rows_that_spoil_it_are_named(spoil, ready, rows, tmp_path):
    rows = [dataclasses.replace(item, label=f"r{number}") for number, item in enumerate(rows)]
    settings = dataclasses.replace(SETTINGS, train_sampling_strategy="sequential", max_tokens=100_000)
    policy = ready(settings)
    good = steps(RefineSft(), policy, rows, settings, folder=tmp_path)
    list(islice(good, 2))
    before = names(tmp_path / "checkpoints")
    with pytest.raises(ModelError, match=r"at step 1, on r1 \(\d+ tokens\), r4 \(\d+ tokens\); no update was made"):
        next(steps(_Spoilt({"r1", "r4"}, spoil), policy, rows, settings))
    assert names(tmp_path / "checkpoints") == before
    assert all(item.grad is None for item in policy.module.parameters())


def test_an_anchor_that_spoils_the_loss_is_named(ready, rows):
    weights = tuple(weight * float("inf") if weight else weight for weight in rows[0].weights)
    bad = dataclasses.replace(rows[0], label="anchor p-bad", weights=weights)
    with pytest.raises(ModelError, match="on anchor p-bad"):
        next(steps(RefineSft(), ready(SETTINGS), rows, SETTINGS, guard=Anchors(out=[bad])))


@pytest.mark.parametrize("number", stopping.HEARD)
def test_the_first_signal_is_held_back_and_the_second_is_not(number):
    heard: list[int] = []
    before = signal.signal(number, lambda given, _frame: heard.append(given))
    try:
        with stopping.signals() as stop:
            assert not stop()
            stop.leave()
            os.kill(os.getpid(), number)
            assert (stop(), stop.number, heard) == (True, number, [])
            os.kill(os.getpid(), number)
            assert heard == [number]
            with pytest.raises(KeyboardInterrupt) as left:
                stop.leave()
        assert left.value.args == (number,)
        os.kill(os.getpid(), number)
        assert heard == [number, number]
    finally:
        signal.signal(number, before)


def test_a_signal_that_is_not_heard_stays_unheard():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping.signals() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert not stop()
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_is_held_back():
    found = []

    def look() -> None:
        with stopping.signals() as stop:
            found.append((stop(), signal.getsignal(signal.SIGTERM)))

    before = signal.getsignal(signal.SIGTERM)
    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert found == [(False, before)]


@pytest.mark.slow
def test_killed_damaged_and_out_of_room_it_ends_where_it_would_have():
    command = [sys.executable, ROOT / "benchmarks" / "dying.py", "--times", "2", "--seed", "7", "--steps", "8"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"killed": "2 of 2", "damaged": "2 of 2", "full": "2 of 2"' in done.stdout
