"""A whole round on a tiny model."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.loop.conftest import clock, write_round

from sayso import records
from sayso.errors import NotFoundError, PreflightError, RecordError, SettingsError
from sayso.loop import rounds
from sayso.loop.progress import Progress
from sayso.loop.workspace import Workspace
from sayso.models import local


def run(workspace: Workspace, folder: Path, *assignments: str) -> dict[str, Any]:
    settings = workspace.settings(rounds.read(folder / "round.yaml"), assignments=assignments)
    return rounds.summary(rounds.run(workspace, settings))


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A round that has ended: where its files and its workspace are, what it came to, and what was told meanwhile."""

    files: Path
    workspace: Path
    found: dict[str, Any]
    told: list[Progress]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Ended:
    """An ordinary round; never written to again."""
    folder = tmp_path_factory.mktemp("ended")
    files, told = write_round(folder / "round", tiny_folder), []
    workspace = Workspace.init(folder / "workspace", model=str(tiny_folder), clock=clock)
    settings = workspace.settings(rounds.read(files / "round.yaml"))
    found = rounds.summary(rounds.run(workspace, settings, watch=told.append))
    workspace.close()
    return Ended(files=files, workspace=folder / "workspace", found=found, told=told)


@pytest.fixture
def afterwards(ended: Ended, tmp_path: Path) -> Workspace:
    """A copy of its workspace, to go on with."""
    shutil.copytree(ended.workspace, tmp_path / "afterwards", symlinks=True)
    return Workspace.open(tmp_path / "afterwards", clock=clock)


def test_a_round_measures_every_comment_and_decides(ended: Ended):
    found = ended.found
    assert found["verdict"] in ("promote", "refuse", "unsure")
    assert found["reason"]
    assert [comment["id"] for comment in found["comments"]] == ["well", "brief"]
    well, brief = found["comments"]
    assert (well["in"]["n"], well["near"]["n"], well["out"]["n"]) == (4, 4, 4)
    assert brief["in"]["n"] == 3  # the test prompts, since it always applies
    assert (brief["near"], brief["leak"]) == (None, None)
    assert found["heldout"]["tokens"] > 0
    assert set(found["seconds"]) >= {"generate", "refine", "learn", "evaluate", "total"}
    assert Path(found["report"]).is_file()


def test_two_rounds_with_one_seed_give_the_same_numbers(ended: Ended, workspace: Workspace, round_folder: Path):
    kept = ("verdict", "reason", "comments", "heldout", "rows", "refined")
    second = run(workspace, round_folder)
    assert {key: ended.found[key] for key in kept} == {key: second[key] for key in kept}


def test_the_same_round_again_takes_the_candidate_it_has(ended: Ended, afterwards: Workspace):
    second = run(afterwards, ended.files)
    assert second["candidate"] == ended.found["candidate"]
    assert second["comments"] == ended.found["comments"]
    assert len(afterwards.store.runs()) == 1


@pytest.mark.parametrize(
    "method",
    [
        "refine_sft", "refine_dpo",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("scoped", "polarity", "hindsight", "conditional", "critique")
        ),
    ],
)  # fmt: skip
def test_each_method_makes_a_candidate_that_can_be_loaded(workspace: Workspace, round_folder: Path, method: str):
    found = run(workspace, round_folder, f"method={method}", "train.learning_rate=0.001")
    version = workspace.version(found["candidate"])
    assert version.form == "adapter"
    model = local.load(workspace.place_of(version.base), adapter=workspace.place_of(version.path))
    assert model.num_parameters() > 0


@pytest.mark.slow
@pytest.mark.parametrize("method", ["{name: conditional, form: chain}", "{name: critique, answer_weight: 0}"])
def test_other_forms_of_a_method_make_a_candidate_too(workspace: Workspace, round_folder: Path, method: str):
    assert run(workspace, round_folder, f"method={method}", "train.learning_rate=0.001")["candidate"] == "v1"


def test_a_contrast_needs_two_comments_that_are_not_met(workspace: Workspace, round_folder: Path):
    contrast = "method={name: hindsight, contrast: shuffled}"
    with pytest.raises(PreflightError, match="the same was said: 'Start with"):
        run(workspace, round_folder, contrast)
    path = round_folder / "comments.jsonl"
    path.write_text(path.read_text("utf-8").replace('"n": 9', '"n": 1'), encoding="utf-8")
    assert run(workspace, round_folder, contrast)["candidate"] == "v1"


def test_comments_without_spans_cannot_be_learnt_by_spans(workspace: Workspace, round_folder: Path):
    with pytest.raises(PreflightError, match="examples have no spans, which this method reads: p-"):
        run(workspace, round_folder, "method={name: hindsight, where: spans}")


def test_settings_that_do_not_go_together_are_said_before_anything_is_written(workspace: Workspace, round_folder: Path):
    with pytest.raises(SettingsError, match="where: spans learns the words of the response"):
        run(workspace, round_folder, "method={name: hindsight, where: spans, answer: refinement}")
    assert workspace.store.responses() == []


def test_full_training_leaves_an_ordinary_model_folder(workspace: Workspace, round_folder: Path):
    found = run(workspace, round_folder, "train.use_lora=false", "train.learning_rate=0.001")
    version = workspace.version(found["candidate"])
    assert version.form == "full"
    assert local.load(workspace.place_of(version.path)).packed


def test_a_second_round_goes_on_from_a_promoted_adapter(ended: Ended, afterwards: Workspace):
    afterwards.promote(ended.found["candidate"])
    second = run(afterwards, ended.files, "model_name_or_path=champion")
    assert second["candidate"] != ended.found["candidate"]
    assert afterwards.version(second["candidate"]).parent == ended.found["candidate"]


def test_progress_is_told_as_values(ended: Ended):
    assert {"generate", "learn"} <= {progress.stage for progress in ended.told}
    assert all(0 <= progress.done <= progress.total for progress in ended.told)


def test_only_the_comments_of_the_rounds_file_are_learnt(workspace: Workspace, round_folder: Path):
    workspace.comment(sayso_comment("Say nothing."))
    found = run(workspace, round_folder)
    assert {comment["id"] for comment in found["comments"]} == {"well", "brief"}


def test_a_comment_edited_under_its_id_is_learnt_in_its_new_form(afterwards: Workspace, round_folder: Path):
    path = round_folder / "comments.jsonl"
    path.write_text(path.read_text("utf-8").replace("At most nine words.", "At most 9 words."), encoding="utf-8")
    found = run(afterwards, round_folder)
    assert "At most 9 words." in {comment["text"] for comment in found["comments"]}
    assert {comment.status for comment in afterwards.store.comments(status=None)} == {"open", "superseded"}


def test_a_wrong_line_stops_the_round_before_anything_is_kept(workspace: Workspace, round_folder: Path):
    with (round_folder / "comments.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"text": 7}\n')
    with pytest.raises(RecordError, match=r"comments\.jsonl:3: text"):
        run(workspace, round_folder)
    assert workspace.store.comments(status=None) == []


def test_a_wrong_method_is_said_before_anything_is_written(workspace: Workspace, round_folder: Path):
    with pytest.raises(NotFoundError, match="did you mean 'refine_sft'"):
        run(workspace, round_folder, "method=refine_stf")
    assert workspace.store.responses() == []


def test_a_wrong_setting_of_a_method_is_named(workspace: Workspace, round_folder: Path):
    with pytest.raises(SettingsError, match="did you mean 'beta'"):
        run(workspace, round_folder, "method={name: refine_dpo, betta: 1}")


def test_a_missing_file_is_named(round_folder: Path):
    (round_folder / "prompts.jsonl").unlink()
    with pytest.raises(NotFoundError, match=r"prompts\.jsonl"):
        rounds.read(round_folder / "round.yaml")


def test_a_round_in_which_every_comment_is_met_says_that_nothing_is_to_be_learnt(workspace: Workspace, round_folder: Path):
    (round_folder / "comments.jsonl").write_text(
        '{"id": "x", "text": "At most 999 words.", "check": {"name": "max_words", "args": {"n": 999}}}\n', encoding="utf-8"
    )
    with pytest.raises(PreflightError, match="nothing is left to learn"):
        run(workspace, round_folder)
    assert workspace.store.runs() == []


def test_a_scoped_comment_with_a_single_wording_is_named(workspace: Workspace, round_folder: Path):
    (round_folder / "comments.jsonl").write_text(
        '{"id": "x", "text": "No questions.", "scope_text": "bad news", "check": {"name": "excludes", '
        '"args": {"text": "?"}}, "probes": {"in": ["I lost my keys."], "near": ["I found my keys."], '
        '"out": ["What is your name?"]}}\n',
        encoding="utf-8",
    )
    with pytest.raises(PreflightError, match="'x' has no prompt in its scope to learn from"):
        run(workspace, round_folder)


def test_comments_on_a_response_with_a_refinement_are_learnt(workspace: Workspace, round_folder: Path):
    (round_folder / "comments.jsonl").write_text(
        "".join(
            f'{{"prompt": "Tell me about {number}.", "response": "No {number}.", "text": "Be kind.", '
            f'"refinement": "Gladly: {number}."}}\n'
            for number in range(6)
        ),
        encoding="utf-8",
    )
    found = run(workspace, round_folder)
    assert found["rows"] == 6
    assert found["verdict"] == "unsure"  # nothing here can be counted


def sayso_comment(text: str) -> records.Comment:
    return records.Comment(text=text)


def test_a_round_says_what_was_left_out_and_why(workspace: Workspace, round_folder: Path):
    path = round_folder / "comments.jsonl"
    lines = [
        {"text": "Be kind.", "prompt": "How are you?", "response": "Fine."},
        {"id": "idle", "text": "Be short in letters.", "scope_text": "letters", "check": BRIEF},
    ]
    path.write_text(path.read_text("utf-8") + "".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = run(workspace, round_folder, "refine.refiners=[given, edit]")["left_out"]
    assert found["responses"] == 1
    assert "has no check" in found["reason"]
    assert found["comments"] == [{"id": "idle", "text": "Be short in letters."}]


def test_a_round_that_learns_from_everything_leaves_nothing_out(workspace: Workspace, round_folder: Path):
    found = run(workspace, round_folder, "refine.refiners=[given, edit]")["left_out"]
    assert found == {"responses": 0, "reason": "", "comments": []}


BRIEF = {"name": "max_words", "args": {"n": 9}}


def test_comments_without_anything_to_learn_from_are_said_to_lack_refinements(workspace: Workspace, round_folder: Path):
    (round_folder / "comments.jsonl").write_text('{"id": "kind", "text": "Be kind."}\n', encoding="utf-8")
    with pytest.raises(PreflightError, match="none of the 6 responses with comments that are not met has a refinement"):
        run(workspace, round_folder, "refine.refiners=[given, edit]")
