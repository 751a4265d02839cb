"""`sayso why` says which words made a classifier decide."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sayso.cli.main import group as main
from sayso.loop.workspace import Workspace
from sayso.models import headed
from sayso.models.classical import linear
from sayso.models.classical.linear import Examples

SMALL = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


@pytest.fixture
def classical(tmp_path: Path) -> str:
    texts = [("a lovely day", ""), ("a dull day", ""), ("lovely fun", ""), ("dull and long", "")]
    learnt = Examples(texts=texts, classes=[1, 0, 1, 0], weights=[1.0] * 4)
    linear.fit(learnt, texts, lambda logits: float(logits[0, 1]), ("bad", "good")).save(tmp_path / "linear")
    return str(tmp_path / "linear")


def test_words_are_drawn_with_what_they_add(classical: str) -> None:
    found = CliRunner().invoke(main, ["why", classical, "a lovely but dull film"])
    lines = found.output.splitlines()
    assert lines[0].startswith(("good: ", "bad: "))
    assert [line.split()[0] for line in lines if "+0." in line or "-0." in line][-1] == "(without"
    lovely, dull = (next(line for line in lines if line.strip().startswith(word)) for word in ("lovely", "dull"))
    assert ("++" in lovely) != ("++" in dull)


def test_the_object_holds_every_word_and_every_class(classical: str) -> None:
    found = json.loads(CliRunner().invoke(main, ["why", classical, "lovely day", "--class", "bad", "--json"]).stdout)
    assert (found["label"], found["way"], [part["text"] for part in found["parts"]]) == ("bad", "weights", ["lovely", "day"])
    assert set(found["probabilities"]) == {"bad", "good"}
    assert found["parts"][0]["value"] < 0


def test_a_version_of_a_workspace_is_explained(tmp_path: Path, tiny_folder: Path) -> None:
    headed.drawn("bert", SMALL, tiny_folder, ("no", "yes"), seed=3, device="cpu").save(tmp_path / "model")
    Workspace.init(tmp_path / "work", model=str(tmp_path / "model")).close()
    words = ["-C", str(tmp_path / "work"), "why", "champion", "one", "--pair", "two", "--json"]
    found = json.loads(CliRunner().invoke(main, words).stdout)
    assert [(part["text"], part["turn"]) for part in found["parts"]] == [("one", 0), ("two", 1)]
    assert found["way"] == "integrated gradients"


def test_a_model_that_writes_and_an_unknown_class_are_refused(classical: str, tmp_path: Path, tiny_folder: Path) -> None:
    found = CliRunner().invoke(main, ["why", str(tiny_folder), "x"])
    assert (found.exit_code, "it writes, and has no classes" in found.output) == (1, True)
    found = CliRunner().invoke(main, ["why", classical, "x", "--class", "perhaps"])
    assert "unknown class 'perhaps'; expected one of bad, good" in found.output
    Workspace.init(tmp_path / "work", model=str(tiny_folder)).close()
    found = CliRunner().invoke(main, ["-C", str(tmp_path / "work"), "why", "champion", "x"])
    assert "champion: it writes" in found.output
