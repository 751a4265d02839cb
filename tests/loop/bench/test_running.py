"""A run on the tiny model: it is finished unit by unit, goes on where it was, and refuses what does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.loop.bench.conftest import TIER

from sayso.errors import NotFoundError, SaysoError, SettingsError
from sayso.loop.bench import results, running, scoring, suite
from sayso.loop.bench.running import Job
from sayso.loop.bench.tiers import SMALL_RATES
from sayso.loop.progress import Progress


def files(job: Job) -> dict[str, bytes]:
    return {str(path.relative_to(job.folder)): path.read_bytes() for path in job.folder.rglob("*.json")}


@pytest.fixture(scope="module")
def seen() -> list[Progress]:
    """What a watcher of the finished run saw."""
    return []


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path, small_suite: Path, seen: list[Progress]) -> Job:
    """A job that was run to its end."""
    job = Job(
        model=str(tiny_folder), adapter=None, methods=("refine_sft", "hindsight"), tier=TIER, tier_name="quick",
        folder=tmp_path_factory.mktemp("takes") / "run", suite=small_suite,
    )  # fmt: skip
    results.measure(job, running.run(job, watch=seen.append))
    return job


def test_every_unit_has_a_file_and_progress_ends_at_the_total(finished: Job, seen: list[Progress]) -> None:
    found = running.plan(finished, suite.load(finished.suite))
    assert found.done == found.units
    assert all(found.units[stage] for stage in running.STAGES)
    last = {progress.stage: progress for progress in seen}
    assert len(last) == len(running.STAGES)
    assert all(progress.done == progress.total for progress in last.values())


def test_a_run_that_was_killed_goes_on_and_ends_where_it_would_have(
    job: Job, finished: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(job, tier=replace(job.tier, comments=1, sequences=0, together=(), curve=(), controls="shuffled"))
    work, done = running.work, []

    def killed(some: Job, task: running.Task) -> None:
        if len(done) == 4:
            raise KeyboardInterrupt
        done.append(task)
        work(some, task)

    monkeypatch.setattr(running, "work", killed)
    with pytest.raises(KeyboardInterrupt):
        running.run(small)
    half = files(small)
    again: list[running.Task] = []
    monkeypatch.setattr(running, "work", lambda some, task: (again.append(task), work(some, task)))
    known = running.run(small)
    assert {name: data for name, data in files(small).items() if name in half} == half
    assert not {task.files() for task in again if task.stage == "teach"} & {task.files() for task in done}
    assert answers(small) == {key: texts for key, texts in answers(finished).items() if key in answers(small)}
    again.clear()
    assert running.run(small) == known
    assert again == []


def answers(job: Job) -> dict[tuple[str, str, int], list[str]]:
    found = scoring.scores(job, suite.load(job.suite))
    return {(one.condition, one.item, one.drafts): [each.after for each in one.outcomes] for one in found}


def test_a_file_is_written_whole_or_not_at_all(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    path = running.place(job, "base", "x")
    path.parent.mkdir(parents=True)
    monkeypatch.setattr(Path, "replace", lambda *_args: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        running.write_whole(path, "{}")
    assert list(path.parent.iterdir()) == []


@pytest.mark.slow
def test_a_method_may_be_added_later_and_processes_do_what_one_does(job: Job, finished: Job) -> None:
    small = replace(job, tier=replace(job.tier, sequences=0, together=(), curve=()))
    running.run(small, workers=2)
    before = files(small)
    more = replace(small, methods=finished.methods)
    running.run(more)
    assert {name: data for name, data in files(more).items() if name in before and name != running.RUN} == {
        name: data for name, data in before.items() if name != running.RUN
    }
    assert answers(more) == {key: texts for key, texts in answers(finished).items() if key in answers(more)}


def test_the_tokens_of_all_methods_are_alike(finished: Job) -> None:
    rows = {row["name"]: row for row in results.load(finished.folder)["conditions"]}
    one, other = (rows[name]["tokens_trained"] for name in finished.methods)
    assert one > 0
    assert 0.5 < one / other < 2  # as many rows; those of hindsight hold the comment as well


def test_the_result_says_what_was_measured_and_holds_no_path(finished: Job) -> None:
    found = results.load(finished.folder)
    assert found["format"] == results.FORMAT
    assert found["suite"]["sha256"] == suite.load(finished.suite).sha256
    assert found["model"]["sha256"] == running.weights(finished)
    assert found["small_rates"] == SMALL_RATES
    text = (finished.folder / results.RESULT).read_text(encoding="utf-8")
    assert str(finished.folder.parent) not in text
    assert str(Path(finished.model).parent) not in text
    assert "Infinity" not in text
    assert "NaN" not in text


def test_every_control_stands_in_the_table(finished: Job) -> None:
    names = [row["name"] for row in results.load(finished.folder)["conditions"]]
    assert names == [
        "refine_sft", "refine_sft, shuffled comment", "refine_sft, guard off", "refine_sft, own refinements",
        "refine_sft, empty comment", "refine_sft, praise only", "refine_sft, correctness only", "hindsight",
        "hindsight, shuffled comment", "random drafts", "in the prompt", "memory", "in context",
    ]  # fmt: skip
    page = (finished.folder / results.TABLE).read_text(encoding="utf-8")
    assert all(f"| {name} |" in page for name in names)


def test_every_answer_is_kept(finished: Job) -> None:
    lines = [json.loads(line) for line in (finished.folder / results.ANSWERS).read_text(encoding="utf-8").splitlines()]
    tier = finished.tier
    full = [line for line in lines if line["condition"] == "refine_sft" and line["drafts"] == tier.drafts]
    assert len(full) == tier.comments * tier.tests * 3 * tier.seeds
    assert {line["scope"] for line in full} == {"in", "near", "out"}
    assert len([line for line in lines if line["condition"] == "in context"]) == tier.comments * tier.tests


def test_comments_learnt_at_once_stand_beside_each_alone(finished: Job) -> None:
    found = {each["method"]: each for each in results.load(finished.folder)["at_once"]}
    assert set(found) == set(finished.methods)
    assert (found["hindsight"]["size"], found["hindsight"]["comments"], found["hindsight"]["units"]) == (2, 2, 2)
    assert "| hindsight | 2 | 2 |" in (finished.folder / results.TABLE).read_text(encoding="utf-8")
    lines = [json.loads(line) for line in (finished.folder / results.ANSWERS).read_text(encoding="utf-8").splitlines()]
    assert len([line for line in lines if line["condition"] == "refine_sft, 2 at once"]) == 2 * 3 * finished.tier.tests


def test_every_method_is_confirmed_against_its_shuffled_comment(finished: Job) -> None:
    found = results.load(finished.folder)["confirmations"]
    assert [each["method"] for each in found] == list(finished.methods)
    assert all(each["interaction"] or each["why"] == "all answers are alike" for each in found)
    assert (
        "all answers are alike" in (finished.folder / results.TABLE).read_text(encoding="utf-8") or found[0]["interaction"]
    )


def test_the_plane_is_a_picture_that_does_not_change(finished: Job) -> None:
    from sayso.loop.bench import plane

    drawn = (finished.folder / results.PLANE).read_text(encoding="utf-8")
    assert drawn.startswith("<?xml")
    assert "refine_sft, guard off" in drawn
    assert plane.draw(results.load(finished.folder)) == drawn


def test_another_run_in_the_same_folder_is_refused(finished: Job, tmp_path: Path) -> None:
    known = suite.load(finished.suite)
    for other, key in (
        (replace(finished, tier=replace(finished.tier, tests=2)), "tier"), (replace(finished, model="."), "model"),
    ):  # fmt: skip
        with pytest.raises(SaysoError, match=key if key == "tier" else "model|safetensors"):
            running.check(other, known)
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(SettingsError, match="holds no benchmark"):
        running.check(replace(finished, folder=tmp_path), known)


def test_a_run_at_other_rates_is_not_gone_on_with(finished: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    known = suite.load(finished.suite)
    running.check(finished, known)
    monkeypatch.setitem(SMALL_RATES, "hindsight", 1.0)
    with pytest.raises(SettingsError, match="another rates"):
        running.check(finished, known)


def test_what_cannot_be_run_is_said_before_anything_is(job: Job) -> None:
    known = suite.load(job.suite)
    cases = [
        (replace(job, methods=()), SettingsError, "--methods"),
        (replace(job, methods=("refine_stf",)), NotFoundError, "did you mean 'refine_sft'"),
        (replace(job, methods=("refine_sft", "refine_sft")), SettingsError, "twice"),
        (replace(job, tier=replace(job.tier, comments=1000)), SettingsError, "comments: found 1000"),
        (replace(job, tier=replace(job.tier, tests=0)), SettingsError, "tests: found 0"),
        (replace(job, tier=replace(job.tier, seeds=0)), SettingsError, "seeds"),
        (replace(job, tier=replace(job.tier, together=(2, 1))), SettingsError, "together: found 1"),
        (replace(job, methods=("refine_sft", "sft")), SettingsError, "sft learns from no feedback"),
    ]
    for wrong, kind, said in cases:
        with pytest.raises(kind, match=said):
            running.check(wrong, known)
    assert not job.folder.exists()


@pytest.mark.slow
def test_an_adapter_is_measured_as_it_stands(job: Job, tmp_path: Path) -> None:
    from sayso.models import adapters, local

    taught = adapters.attach(local.load(job.model), adapters.Lora(lora_r=2), seed=0)
    for parameter in taught.trainable():
        parameter.data += 0.3  # what was learnt shows in every answer
    taught.save(tmp_path / "adapter")
    small = replace(job, tier=replace(job.tier, comments=1, sequences=0, together=(), curve=(), controls="shuffled"))
    adapted = replace(small, adapter=str(tmp_path / "adapter"), folder=tmp_path / "adapted")
    found = [results.measure(some, running.run(some)) for some in (small, adapted)]
    assert found[0]["model"]["sha256"]["model"] == found[1]["model"]["sha256"]["model"]
    assert found[1]["model"]["adapter"] == "adapter"
    before = [
        running.read(running.place(some, "base", suite.load(job.suite).items[0].id))["in"] for some in (small, adapted)
    ]
    assert before[0] != before[1]


@pytest.mark.slow
def test_methods_of_praise_and_of_scope_are_taught_in_lessons_and_sequences(job: Job) -> None:
    tier = replace(TIER, curve=(), controls="shuffled", train=replace(TIER.train, max_steps=2))
    asked = replace(job, methods=("polarity", "scoped"), tier=tier)
    results.measure(asked, running.run(asked))
    lessons = [json.loads(path.read_text("utf-8")) for path in (asked.folder).rglob("*.json")]
    taught = [lesson for lesson in lessons if isinstance(lesson, dict) and lesson.get("tokens_trained")]
    assert len(taught) >= 4
    assert not [lesson["refused"] for lesson in taught if lesson.get("refused")]
