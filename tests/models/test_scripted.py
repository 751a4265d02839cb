"""A writer that says what it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sayso.errors import NotFoundError, RecordError
from sayso.models import scripted
from sayso.models.scripted import load
from sayso.models.writing.sampling import Sampling
from sayso.records import Message, Prompt

SAMPLING = Sampling(seed=3)


def ask(text: str) -> Prompt:
    return Prompt(messages=(Message(role="user", content=text),))


def test_it_says_what_the_script_says_and_remembers_what_it_was_asked() -> None:
    writer = load({"Capital of France?": "Paris."})
    assert writer.generate([ask("Capital of France?")], SAMPLING) == ["Paris."]
    assert writer.asked == [(ask("Capital of France?"), SAMPLING)]


def test_a_list_is_said_in_turn_and_then_again_from_the_first() -> None:
    writer = load({"Joke?": ["one", "two"]})
    assert writer.generate([ask("Joke?")] * 3, SAMPLING) == ["one", "two", "one"]


def test_a_pattern_must_match_the_whole_prompt_and_may_use_its_groups() -> None:
    writer = load({"patterns": {r"Say (\w+)\.": r"\1!"}, "default": "What?"})
    assert writer.generate([ask("Say hi."), ask("Say hi. Now.")], SAMPLING) == ["hi!", "What?"]


def test_an_exact_prompt_goes_before_a_pattern() -> None:
    writer = load({"responses": {"Say hi.": "No."}, "patterns": {".*": "Yes."}})
    assert writer.generate([ask("Say hi."), ask("x\ny")], SAMPLING) == ["No.", "Yes."]


def test_an_unknown_prompt_without_a_default_is_an_error_that_names_it() -> None:
    with pytest.raises(NotFoundError, match=r"'Capital of Spain\?'"):
        load({"Capital of France?": "Paris."}).generate([ask("Capital of Spain?")], SAMPLING)


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_a_script_is_read_from_a_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"script.{ending}"
    path.write_text(json.dumps({"responses": {"你好": "嗨"}, "default": "…"}), encoding="utf-8")
    assert load(path).generate([ask("你好"), ask("?")], SAMPLING) == ["嗨", "…"]


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"script\.yaml"):
        load(tmp_path / "script.yaml")


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ({"responses": {}, "defualt": "x"}, "unknown key 'defualt'"),
        ({"default": 7}, "default: found 7"),
        ({"How many?": 7}, "put it in quotes"),
        ({"How many?": []}, "expected text or a list of texts"),
        ({"patterns": {"(": "x"}}, "is no regular expression"),
        ({"responses": "x"}, "expected a mapping"),
        ({1: "x"}, "found 1, expected text"),
    ],
)
def test_a_script_of_another_form_is_refused(script: Any, says: str) -> None:
    with pytest.raises(RecordError, match=says.replace("(", r"\(")):
        load(script)


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text("- a", encoding="utf-8")
    with pytest.raises(RecordError, match="expected a mapping of prompts to responses"):
        load(path)


def test_the_script_shown_in_the_documentation_works(tmp_path: Path) -> None:
    assert scripted.__doc__ is not None
    path = tmp_path / "script.yaml"
    path.write_text("\n".join(line for line in scripted.__doc__.splitlines() if line.startswith("    ")), encoding="utf-8")
    prompts = [ask("What is 7 plus nothing?"), ask("Tell me a joke."), ask("Hm?")]
    assert load(path).generate(prompts, SAMPLING) == ["7", "Knock knock.", "I do not know."]


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text("a: [", encoding="utf-8")
    with pytest.raises(RecordError, match="not YAML or JSON"):
        load(path)
