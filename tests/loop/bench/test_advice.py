"""The workspaces on which advice is held against a comparison hold what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.recommending import WORKSPACES, Made, _verdict, fill, page

from sayso.loop import recommending
from sayso.loop.workspace import Workspace


def holding(folder: Path, model: Path, made: Made):
    workspace = Workspace.init(folder, model=str(model))
    settings = workspace.settings(assignments=["generate.max_new_tokens=4", 'refine.refiners=["given"]'])
    fill(workspace, settings, made, tests=2)
    found = recommending.recommend(workspace, settings)
    workspace.close()
    return found


def test_there_are_ten_and_no_two_are_alike() -> None:
    assert len({made.name for made in WORKSPACES}) == len(WORKSPACES) == 10


@pytest.mark.slow
@pytest.mark.parametrize("made", WORKSPACES, ids=lambda made: made.name)
def test_a_workspace_holds_what_it_says(tmp_path: Path, tiny_folder: Path, made: Made) -> None:
    found = holding(tmp_path / "w", tiny_folder, made)
    seen = found.holding
    assert seen.failing > 0
    assert seen.refined == pytest.approx(made.refined * seen.failing, abs=made.comments)
    assert seen.everywhere == (made.form == "always")
    assert (seen.pointed > 0) <= (made.form == "bound")
    assert found.ranked, "some method can be used"
    if made.reasons:
        assert seen.said >= 12
    if made.name == "hedged":
        assert seen.near > seen.refined


@pytest.mark.parametrize(
    ("best", "ties", "said"),
    [("cut:a=1", [], "no"), ("cut", ["refine_sft:learning_rate=1"], "yes"), ("", [], "nothing shown")],
)
def test_a_tie_agrees_and_nothing_shown_is_neither(best: str, ties: list[str], said: str) -> None:
    ranking = {"best": best, "ties": ties, "worse": [], "metric": "gain"}
    found = _verdict("refine_sft", {"ranking": ranking, "rows": [], "left_out": []})
    assert found["agrees"] == said
    assert f"| {said} |" in page([{"name": "a", "says": "b", **found}])
