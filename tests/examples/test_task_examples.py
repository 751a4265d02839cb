"""The examples of tasks can be read, and their round made."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.critics.checking import load_check
from sayso.registry import load
from sayso.tasks import TASKS
from sayso.tasks.metrics import measure

FOLDER = Path(__file__).resolve().parents[2] / "examples"
FILES = {
    "summaries/texts.jsonl": ("summarize", 8), "translation/en-zh.txt": ("translate", 12),
    "translation/captions.en": ("translate", 12), "question-answering/questions.jsonl": ("answer", 7),
    "question-answering/passages.jsonl": ("retrieval", 6), "writing/stories.jsonl": ("write", 5),
    "writing/poems.jsonl": ("write", 4),
}  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_the_items_are_read_and_their_right_answers_are_the_best_there_are(file: str) -> None:
    name, count = FILES[file]
    task = load(TASKS, name, kind="task")()
    items = list(task.items(str(FOLDER / file)))
    assert len(items) == count
    answers = [task.parse(item, task.answer(item)) for item in items]
    best = next(found for found in task.count(items, answers) if found.name == task.first)
    if name != "write":
        assert measure(best).value == pytest.approx(100 if name == "translate" else 1)


@pytest.mark.parametrize("file", FILES)
def test_the_right_answers_pass_the_checks(file: str) -> None:
    task = load(TASKS, FILES[file][0], kind="task")()
    for item in task.items(str(FOLDER / file)):
        assert [check.name for check in task.checks(item) if not load_check(check)(task.answer(item)).held] == []


def test_every_file_of_an_example_is_named_on_its_page() -> None:
    for file in FILES:
        page = (FOLDER / file).parent / "README.md"
        assert Path(file).name in page.read_text(encoding="utf-8")
