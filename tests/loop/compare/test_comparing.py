"""Several methods on one workspace: equal data, seeds and budget, taken up where it stopped, and the workspace as it was."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.loop.conftest import clock, write_round

from sayso.errors import NotFoundError, PreflightError, SettingsError
from sayso.loop import demo, importing, learning, rounds
from sayso.loop.compare import comparing, trying
from sayso.loop.compare.budgets import Budget
from sayso.loop.compare.comparing import Asked
from sayso.loop.progress import Progress
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace

TWO_STEPS = Budget(kind="steps", amount=2)
METHODS = "refine_sft,refine_dpo:beta=0.05"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A workspace in which a comparison was made; it is only read."""

    workspace: Workspace
    settings: Settings
    asked: Asked
    result: dict[str, Any]
    before: dict[str, Any]


def standing(workspace: Workspace) -> dict[str, Any]:
    """Return everything of a workspace that a comparison must leave as it was."""
    return {
        "versions": workspace.store.versions(), "champions": list(workspace.store.alias_history("champion")),
        "candidate": workspace.store.alias("candidate"), "evaluations": workspace.store.evaluations(),
        "folders": sorted(path.name for name in ("runs", "models") for path in (workspace.folder / name).iterdir()),
    }  # fmt: skip


def given(workspace: Workspace, folder: Path, *assignments: str) -> Settings:
    """Return the round's settings, its files taken in."""
    found = workspace.settings(rounds.read(folder / "round.yaml"), assignments=["gate.draws=300", *assignments])
    return importing.take_in(workspace, found)


def units(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the finished units by their files' names, without what hangs on the machine."""
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((folder / "units").iterdir())}
    return {name: {key: value for key, value in unit.items() if key != "seconds"} for name, unit in found.items()}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Compared:
    """Two methods, two seeds, two steps on the tiny model."""
    folder = tmp_path_factory.mktemp("compared")
    round_folder = write_round(folder / "round", tiny_folder)
    workspace = Workspace.init(folder / "workspace", model=str(tiny_folder), clock=clock)
    settings = given(workspace, round_folder)
    before = standing(workspace)
    asked = Asked(entries=trying.entries(METHODS), seeds=2, budget=TWO_STEPS)
    result = comparing.compare(workspace, settings, asked)
    return Compared(workspace=workspace, settings=settings, asked=asked, result=result, before=before)


def test_every_method_stands_in_the_table_beside_the_untrained_ways(compared: Compared):
    names = [row["name"] for row in compared.result["rows"]]
    assert names == ["refine_sft", "refine_dpo:beta=0.05", "as it is", "in the prompt", "memory"]
    trained = compared.result["rows"][:2]
    assert all(set(row["figures"]) == {"gain", "leak", "drift", "selectivity", "heldout"} for row in trained)
    assert all(row["spent"]["tokens_trained"] > 0 < row["spent"]["tokens_written"] for row in trained)
    folder = compared.workspace.folder / "compare"
    assert json.loads((folder / "compare.json").read_text("utf-8")) == compared.result
    page = (folder / "compare.md").read_text("utf-8")
    assert all(name in page for name in names)
    assert all(name in (folder / "plane.svg").read_text("utf-8") for name in names)


def test_every_method_has_the_same_steps_seeds_and_data(compared: Compared):
    found = units(compared.workspace.folder / "compare")
    assert {(unit["label"], unit["seed"], unit["steps"]) for unit in found.values()} == {
        (entry.label, seed, 2) for entry in compared.asked.entries for seed in (0, 1)
    }
    materials = [learning.gather(compared.workspace, compared.settings, entry.method()) for entry in compared.asked.entries]
    assert materials[0] == materials[1]
    assert len({tuple(unit["answers"]) for unit in found.values()}) == 1


def test_the_versions_and_aliases_of_the_workspace_are_as_they_were(compared: Compared):
    assert standing(compared.workspace) == compared.before
    assert not (compared.workspace.folder / "compare" / "models").exists()


def test_what_is_measured_is_what_learn_and_evaluate_would_measure(compared: Compared, tmp_path: Path):
    folder = tmp_path / "workspace"
    compared.workspace.close()
    shutil.copytree(compared.workspace.folder, folder, symlinks=True)
    workspace = Workspace.open(folder, clock=clock)
    settings = replace(
        compared.settings, method={"name": "refine_dpo", "beta": 0.05}, train=replace(compared.settings.train, max_steps=2)
    )
    workspace.learn(settings=settings)
    found = workspace.evaluate(settings=settings)
    unit = next(unit for name, unit in units(folder / "compare").items() if name.endswith(".s0") and "dpo" in name)
    assert {item.prompt.id: item.after for item in found.outcomes} == unit["answers"]
    assert found.heldout is not None
    assert found.heldout.loss_after == pytest.approx(unit["heldout_loss"], abs=1e-6)
    before = json.loads((folder / "compare" / "untrained.json").read_text("utf-8"))
    assert found.heldout.loss_before == pytest.approx(before["heldout_loss"], abs=1e-6)


def test_a_comparison_that_was_killed_does_only_what_is_missing_and_ends_the_same(
    compared: Compared, workspace: Workspace, round_folder: Path
):
    def stop(progress: Progress) -> None:
        if progress.stage == "compare" and progress.done == 2:
            raise KeyboardInterrupt

    trained: list[str] = []

    def note(progress: Progress) -> None:
        if progress.unit == "steps" and progress.done == progress.total:
            trained.append(progress.stage)

    settings = given(workspace, round_folder)
    with pytest.raises(KeyboardInterrupt):
        comparing.compare(workspace, settings, compared.asked, watch=stop)
    folder = workspace.folder / "compare"
    assert len(units(folder)) == 2
    half = folder / "units" / ".refine_sft.s1.json.123.tmp"
    half.write_text("{", encoding="utf-8")  # what a write leaves that was broken off
    comparing.compare(workspace, settings, compared.asked, watch=note)
    half.unlink()
    assert len(trained) == 2
    assert units(folder) == units(compared.workspace.folder / "compare")
    comparing.compare(workspace, settings, compared.asked, watch=note)
    assert len(trained) == 2


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("guard.out_weight=3", "guard.out_weight"),
        ("train.lora_r=4", "train.lora_r"),
        ("evaluate.max_new_tokens=9", "evaluate.max_new_tokens"),
    ],
)
def test_changed_settings_are_refused_with_the_way_out(compared: Compared, change: str, named: str):
    key, value = change.split("=")
    room, name = key.split(".")
    part = replace(getattr(compared.settings, room), **{name: int(value)})
    with pytest.raises(SettingsError, match=rf"another {named} .* --out"):
        comparing.compare(compared.workspace, replace(compared.settings, **{room: part}), compared.asked)


def test_another_budget_is_refused_and_seeds_may_be_added(compared: Compared):
    more = replace(compared.asked, budget=Budget(kind="steps", amount=3))
    with pytest.raises(SettingsError, match=r"another budget.amount \(then 2, now 3\)"):
        comparing.compare(compared.workspace, compared.settings, more)
    seen = comparing.preview(compared.workspace, compared.settings, replace(compared.asked, seeds=3)).numbers
    assert (seen["units"], seen["done"]) == (6, 4)


def test_changed_comments_and_refinements_are_refused(workspace: Workspace, round_folder: Path, compared: Compared):
    settings = given(workspace, round_folder)
    shutil.copytree(compared.workspace.folder / "compare", workspace.folder / "compare")
    workspace.withdraw("brief", "no longer wanted")
    with pytest.raises(SettingsError, match=r"another comments .*then 2 comments.*now 1 comments"):
        comparing.compare(workspace, settings, compared.asked)


def test_a_folder_with_something_else_is_left_alone(compared: Compared, tmp_path: Path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine", encoding="utf-8")
    asked = replace(compared.asked, out=tmp_path / "other")
    with pytest.raises(SettingsError, match="holds no comparison"):
        comparing.compare(compared.workspace, compared.settings, asked)
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["thesis.txt"]


def test_a_method_that_lacks_what_it_reads_is_left_out_with_the_reason(
    workspace: Workspace, round_folder: Path, tmp_path: Path
):
    settings = given(workspace, round_folder, "refine.refiners=[]")
    asked = Asked(entries=trying.entries("refine_sft,hindsight"), seeds=1, budget=TWO_STEPS, out=tmp_path / "out", keep=True)
    found = comparing.compare(workspace, settings, asked)
    assert [item["name"] for item in found["left_out"]] == ["refine_sft"]
    assert "has a refinement" in found["left_out"][0]["reason"]
    assert [row["name"] for row in found["rows"] if row["kind"] == "method"] == ["hindsight"]
    assert (tmp_path / "out" / "models" / "hindsight.s0" / "adapter_model.safetensors").is_file()
    with pytest.raises(PreflightError, match=r"none of the methods can learn .*refine_sft: none of the"):
        comparing.compare(workspace, settings, replace(asked, entries=trying.entries("refine_sft"), out=tmp_path / "none"))


def test_without_a_check_nothing_could_be_counted(workspace: Workspace, tiny_folder: Path, tmp_path: Path):
    folder = write_round(tmp_path / "plain", tiny_folder)
    lines = [json.loads(line) for line in (folder / "comments.jsonl").read_text("utf-8").splitlines()]
    text = "".join(json.dumps({key: value for key, value in line.items() if key != "check"}) + "\n" for line in lines)
    (folder / "comments.jsonl").write_text(text, encoding="utf-8")
    settings = given(workspace, folder, "refine.refiners=[]")
    asked = Asked(entries=trying.entries("hindsight"), seeds=1, budget=TWO_STEPS)
    with pytest.raises(PreflightError, match="nothing could be counted"):
        comparing.compare(workspace, settings, asked)


def test_the_winners_command_learns_what_its_first_seed_learnt():
    from sayso.loop.compare import comparison

    entries = trying.entries("refine_sft,refine_dpo:beta=0.05:learning_rate=1e-4")
    told = comparison.Told(
        workspace="/my work", parent="base", budget=TWO_STEPS, seeds=(3, 4), comments=(), left_out=(),
        words=("--config", "round.yaml"), entries=entries,
    )  # fmt: skip
    records = [{"label": entries[1].label, "seed": seed, "steps": seed + 7} for seed in (4, 3)]
    words = shlex.split(comparison._command(told, entries[1].label, records))
    assert words[:6] == ["sayso", "-C", "/my work", "learn", "--method", "refine_dpo"]
    assert words[6:8] == ["--config", "round.yaml"]
    assert words[9::2] == [
        "method.beta=0.05",
        'method.learning_rate="1e-4"',
        "train.learning_rate=null",
        "train.max_steps=10",
    ]


def test_methods_are_read_with_their_settings():
    first, second = trying.entries("refine_sft, refine_dpo:beta=0.05")
    assert (first.name, dict(first.settings)) == ("refine_sft", {})
    assert (second.label, second.name, dict(second.settings)) == ("refine_dpo:beta=0.05", "refine_dpo", {"beta": 0.05})
    own = trying.entries("sayso.methods.refine_sft:RefineSft:learning_rate=0.1")[0]
    assert (own.name, own.own_rate) == ("sayso.methods.refine_sft:RefineSft", True)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "expected names"), ("refine_sft,refine_sft", "twice"), ("refine_sft:betta=1", "unknown key 'betta'")],
)
def test_wrong_methods_are_said(text: str, said: str):
    with pytest.raises(SettingsError, match=said):
        trying.entries(text)


def test_an_unknown_method_is_said_with_the_nearest():
    with pytest.raises(NotFoundError, match="refine_sft"):
        trying.entries("refine_sfd")


@pytest.mark.slow
def test_a_process_a_device_does_what_one_does(compared: Compared, workspace: Workspace, round_folder: Path):
    settings = given(workspace, round_folder)
    comparing.compare(workspace, settings, compared.asked, places=("", ""))
    assert units(workspace.folder / "compare") == units(compared.workspace.folder / "compare")


@pytest.mark.slow
def test_a_method_that_learns_is_told_from_one_that_hardly_does(tmp_path: Path):
    demo.prepare(tmp_path / "demo", [])
    workspace = Workspace.init(tmp_path / "demo", model=str(demo.model()), clock=clock)
    settings = given(workspace, tmp_path / "demo")
    asked = Asked(
        entries=trying.entries("refine_sft,refine_sft:learning_rate=1e-6"),
        seeds=1,
        budget=Budget(kind="tokens", amount=150_000),
    )
    found = comparing.compare(workspace, settings, asked)
    workspace.close()
    rows = {row["name"]: row for row in found["rows"]}
    learnt, idle = rows["refine_sft"], rows["refine_sft:learning_rate=1e-6"]
    assert learnt["figures"]["gain"][1] > 0.2
    assert abs(idle["figures"]["gain"][0]) < 0.1
    assert idle["verdict"] == "no gain"
    assert learnt["spent"]["tokens_trained"] == pytest.approx(150_000, rel=0.1)
    difference = next(item for item in found["differences"] if item["metric"] == "gain" and item["one"] == idle["name"])
    assert difference["figure"][2] < 0
    assert difference["p"] < 0.05
