"""GEPA as a rival: what a text is scored on, what is said of answers, and the best text it finds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.loop.conftest import clock, write_round

from sayso.errors import MissingExtraError, PreflightError
from sayso.loop import importing, rounds
from sayso.loop.compare import comparing, prompting, trying, untrained
from sayso.loop.compare.budgets import Budget
from sayso.loop.compare.comparing import Asked
from sayso.loop.compare.prompting import Task
from sayso.loop.progress import Progress
from sayso.loop.scopes import Placed
from sayso.loop.workspace import Workspace
from sayso.models import scripted
from sayso.models.writing.sampling import Sampling
from sayso.records import Check, Comment, Prompt, ask

GREEDY = Sampling(max_new_tokens=8, temperature=0.0)
BYE = Comment(text="Say goodbye at the end.", scope_text="letters", check=Check(name="ends_with", args={"text": "goodbye"}))
LETTER, LIST = ask("a letter"), ask("a list")


@dataclass
class Obeying:
    """Says goodbye where its system turn asks for it: of letters if that names them, else of everything."""

    max_length: int = 200
    asked: list[str] = field(default_factory=list)

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        return [1] * sum(len(message.content.split()) for message in prompt.messages)

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        return [self._answer(prompt) for prompt in prompts]

    def _answer(self, prompt: Prompt) -> str:
        system = prompt.messages[0].content if prompt.messages[0].role == "system" else ""
        self.asked.append(system)
        meant = "goodbye" in system and ("only letters" not in system or "letter" in prompt.text)
        return "goodbye" if meant else "text"


def two_tasks() -> list[Task]:
    placed = [Placed(prompt=LETTER, scopes={BYE.id: "in"}), Placed(prompt=LIST, scopes={BYE.id: "near"})]
    return prompting.tasks(placed, [BYE], {LETTER.id: "text", LIST.id: "text"})


def searched(reflector: Any, *, first: str = "Say goodbye at the end.", **more: Any) -> prompting.Found:
    model: Any = more.pop("model", Obeying())
    return prompting.search(model, reflector, two_tasks(), first, calls=20, sampling=GREEDY, **more)


def test_a_text_is_scored_where_a_comment_applies_and_where_it_does_not() -> None:
    assert two_tasks() == [
        Task(prompt=LETTER, applying=(BYE,), others=()), Task(prompt=LIST, applying=(), others=((BYE, False),)),
    ]  # fmt: skip
    assert prompting.tasks([Placed(prompt=LETTER, scopes={BYE.id: "in"})], [], {LETTER.id: ""}) == []


def test_the_text_that_keeps_to_its_scope_is_found_from_words_about_the_answers() -> None:
    reflector = scripted.load({"default": "I would write:\n```\nSay goodbye in only letters.\n```"})
    seen: list[Progress] = []
    found = searched(reflector, watch=seen.append)
    assert (found.text, found.first_score, found.score) == ("Say goodbye in only letters.", 0.5, 1.0)
    assert 0 < found.calls <= 24
    told = reflector.asked[0][0].text
    assert "Say goodbye at the end." in told
    assert "must not change the answer here: Say goodbye at the end. (it is for: letters)" in told
    assert "This is right." in told
    assert seen[-1].total == 20
    assert searched(reflector) == found, "the same seed finds the same"


def test_a_worse_text_is_not_taken() -> None:
    found = searched(scripted.load({"default": "```Say nothing.```"}))
    assert (found.text, found.score) == ("Say goodbye at the end.", 0.5)


def test_a_text_that_leaves_no_room_for_an_answer_is_a_bad_one() -> None:
    model = Obeying()
    found = searched(scripted.load({"default": "```" + "goodbye only letters " * 100 + "```"}), model=model)
    assert found.text == "Say goodbye at the end."
    assert not any(len(system) > 1000 for system in model.asked)


def test_without_a_prompt_in_scope_there_is_nothing_to_search_for() -> None:
    asked = [task for task in two_tasks() if not task.applying]
    model: Any = Obeying()
    with pytest.raises(PreflightError, match="no prompt to learn from is in the scope"):
        prompting.search(model, scripted.load({}), asked, "", calls=9, sampling=GREEDY)


def test_without_the_library_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gepa", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sayso\[gepa\]'"):
        searched(scripted.load({}))


@pytest.mark.slow
def test_in_a_comparison_the_text_stands_beside_the_other_untrained_ways(tmp_path: Path, tiny_folder: Path) -> None:
    round_folder = write_round(tmp_path / "round", tiny_folder)
    workspace = Workspace.init(tmp_path / "workspace", model=str(tiny_folder), clock=clock)
    found = workspace.settings(rounds.read(round_folder / "round.yaml"), assignments=["gate.draws=300"])
    settings = importing.take_in(workspace, found)
    asked = Asked(entries=trying.entries("refine_sft"), seeds=1, budget=Budget(kind="steps", amount=1))
    before = comparing.compare(workspace, settings, asked)
    result = comparing.compare(workspace, settings, Asked(**{**_parts(asked), "reflector": str(tiny_folder), "calls": 6}))
    rows = [row["name"] for row in result["rows"]]
    assert untrained.SEARCHED not in [row["name"] for row in before["rows"]]
    assert untrained.SEARCHED in rows
    assert result["searched"]["reflector"] == str(tiny_folder)
    assert "The prompt that GEPA found" in Path(result["files"]["page"]).read_text(encoding="utf-8")
    assert before["searched"] is None
    assert rows[: len(before["rows"])] == [row["name"] for row in before["rows"]]


def _parts(asked: Asked) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in ("entries", "seeds", "budget")}
