"""Several processes learn what one would: sums, shares, failures, and whole trainings beside that of one process."""

from __future__ import annotations

import dataclasses
import shutil

import pytest
import torch
from tests.contracts.method import examples
from tests.training.engine.test_drawing import Asked
from tests.training.many import Job, said, together, trained

from sayso.errors import SettingsError
from sayso.methods.feedback_rl import FeedbackRl
from sayso.methods.refine_dpo import RefineDpo
from sayso.methods.scoped import Scoped
from sayso.methods.sft import Sft
from sayso.training.engine.drawing import source
from sayso.training.engine.guard import Anchors
from sayso.training.engine.place import Place, by_first, first_then_others, place
from sayso.training.engine.sharding import expect_possible
from sayso.training.settings import Guard, Train

SETTINGS = Train(
    max_steps=20, per_device_train_batch_size=3, learning_rate=1e-3, save_steps=0, lora_r=4, max_tokens=128, seed=5
)
WHOLE = dataclasses.replace(SETTINGS, use_lora=False)
CLOSE = 1e-5


def test_two_processes_sum_what_they_find_and_share_the_groups(tmp_path):
    first, second = together("tests.training.many:sums", tmp_path)
    for found in (first, second):
        one, other, none = found["gradients"]
        assert torch.equal(one, torch.full((3,), 3.0))
        assert torch.equal(other, torch.ones(2))
        assert none is None
        assert (found["gathered"], found["first"], found["none"]) == ([0, 10], "rank 0", [])
    assert [found["each"] for found in (first, second)] == [0, 1]
    assert (first["rows"], second["rows"]) == (["9", "1", "1"], ["1", "4", "4"])
    assert (first["pairs"], second["pairs"]) == (["9", "1"], ["1", "1", "4", "4"])


def test_alone_everything_is_done_here(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    assert by_first(lambda: 7) == first_then_others(lambda: 7) == 7
    assert place({}) == place({"WORLD_SIZE": "4"}) == Place()


def test_a_launcher_says_which_process_this_is():
    assert place({"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}) == Place(rank=3, size=4, local_rank=1)
    assert place({"RANK": "0", "WORLD_SIZE": "2"}).first


@pytest.mark.parametrize("wrong", [("2", "2"), ("x", "2"), ("-1", "2")])
def test_a_launcher_that_makes_no_sense_is_named(wrong):
    with pytest.raises(SettingsError, match="WORLD_SIZE"):
        place(dict(zip(("RANK", "WORLD_SIZE"), wrong, strict=True)))


@pytest.mark.slow
def test_a_failure_in_one_process_is_the_failure_of_all(tmp_path):
    assert said(together("tests.training.many:fails", tmp_path)) == ["ModelError: process 1 could not"] * 2


@pytest.mark.slow
def test_the_first_says_why_another_left(tmp_path):
    assert said(together("tests.training.many:leaves", tmp_path)) == ["StoreError: the disk 'd' is full"] * 2


def expect_alike(found: dict, expected: dict, what: str, *, close: float = CLOSE) -> None:
    """Expect the losses and the weights of one process."""
    assert len(found["records"]) == len(expected["records"])
    for one, other in zip(found["records"], expected["records"], strict=True):
        for name in ("loss", "grad_norm", "near", "out"):
            assert one[name] == pytest.approx(other[name], abs=close), (what, name, one["step"])
        assert (one["tokens"], one["rows"], one["learning_rate"]) == (other["tokens"], other["rows"], other["learning_rate"])
    for name, value in expected["weights"].items():
        assert torch.allclose(found["weights"][name], value, rtol=0, atol=close), (what, name)


def guard(policy) -> Anchors:
    rows = list(Sft().rows(examples(7), policy))
    return Anchors(near=rows[:1], out=rows[1:], settings=Guard(rows_per_step=3))


def jobs(policy) -> dict[str, Job]:
    """Return the trainings that two processes do beside one."""
    method, given, held = RefineDpo(), examples(), guard(policy)
    learnt = list(Sft().rows(given, policy))
    spread = dataclasses.replace(WHOLE, fsdp=True, save_steps=9)
    few = dataclasses.replace(WHOLE, per_device_train_batch_size=1, max_steps=5)
    drawing, writes = (
        dataclasses.replace(SETTINGS, max_steps=5),
        FeedbackRl(num_generations=2, max_new_tokens=6, must_end=False),
    )
    return {
        "sft": Job(method=Sft(), settings=SETTINGS, rows=learnt, guard=held),
        "sft whole": Job(method=Sft(), settings=WHOLE, rows=learnt, guard=held),
        "dpo": Job(method=method, settings=SETTINGS, rows=list(method.rows(given, policy)), guard=held),
        "dpo whole": Job(method=method, settings=WHOLE, rows=list(method.rows(given, policy)), guard=held),
        "sft in shards": Job(method=Sft(), settings=spread, rows=learnt, guard=held),
        "dpo in shards": Job(method=method, settings=spread, rows=list(method.rows(given, policy)), guard=held),
        "a group a step": Job(method=Sft(), settings=few, rows=learnt),
        "answers written": Job(method=writes, settings=drawing, rows=source(writes, given, policy)),
        "answers drawn": Job(method=Asked(count=9.0), settings=drawing, rows=source(Asked(), given, policy), guard=held),
    }


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_and_go_on_with_what_one_began(tiny_folder, tiny, tmp_path):
    shutil.copytree(tiny_folder, tmp_path / "model")
    named = jobs(tiny)
    alone = {name: trained(job, tmp_path, number) for number, (name, job) in enumerate(named.items())}
    before = {how: dataclasses.replace(named["sft"], folder=how, stop=8) for how in ("by one", "by two")}
    begun = {"by one": trained(before["by one"], tmp_path, 0)}
    torch.save([*named.values(), before["by two"], dataclasses.replace(before["by one"], stop=0)], tmp_path / "jobs.pt")
    first, second = together("tests.training.many:train", tmp_path)
    for (name, expected), found, beside in zip(alone.items(), first, second, strict=False):
        expect_alike(found, expected, name)
        assert found["records"] == beside["records"], name
        assert all(torch.equal(value, beside["weights"][part]) for part, value in found["weights"].items()), name
    begun["by two"] = first[-2]
    late = {"by one": first[-1], "by two": trained(dataclasses.replace(before["by two"], stop=0), tmp_path, 0)}
    for how, found in late.items():
        assert [record["step"] for record in found["records"]] == list(range(9, 21)), how
        expect_alike({**found, "records": begun[how]["records"] + found["records"]}, alone["sft"], how)
    assert [record["answers"] for record in first[8]["records"]] == [7] * 5


@pytest.mark.parametrize(
    ("method", "settings", "said"),
    [(Sft(), SETTINGS, "adapter"), (Sft(), dataclasses.replace(WHOLE, optim="muon"), "muon"), (Scoped(), WHOLE, "method")],
)
def test_what_cannot_be_done_in_shards_is_said(method, settings, said):
    with pytest.raises(SettingsError, match=said):
        expect_possible(method, settings)
    expect_possible(Sft(), WHOLE)
