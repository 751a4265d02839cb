"""A program is asked for, found in what was written, and judged by its tests."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from sayso.critics.checking import load_check
from sayso.errors import RecordError
from sayso.tasks.code import Code, at_least_one, program_of
from sayso.tasks.metrics import measure
from sayso.tasks.sandbox import world

needs_sandbox = pytest.mark.skipif(bool(world.missing()), reason=world.missing() or "there is a sandbox")
BY_WORDS = {"text": "Write a function to add two numbers.", "code": "def add(a, b):\r\n    return a + b",
    "test_list": ["assert add(1, 2) == 3", "assert add(0, 0) == 0"], "test_setup_code": ""}  # fmt: skip
BY_HEAD = {"prompt": 'from typing import List\n\ndef total(numbers: List[int]) -> int:\n    """Add them up."""\n',
    "canonical_solution": "    return sum(numbers)\n", "entry_point": "total",
    "test": "def check(candidate):\n    assert candidate([1, 2]) == 3\n    assert candidate([]) == 0"}  # fmt: skip


def written(tmp_path: Path, *rows: dict[str, object]) -> str:
    path = tmp_path / "problems.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_a_problem_in_words_is_asked_with_its_tests(tmp_path: Path) -> None:
    task = Code()
    (item,) = task.items(written(tmp_path, BY_WORDS))
    text = task.prompt(item).text
    assert "add two numbers" in text
    assert "assert add(1, 2) == 3" in text
    assert task.parse(item, task.answer(item)) == "def add(a, b):\n    return a + b"


def test_a_function_to_complete_is_asked_with_its_head(tmp_path: Path) -> None:
    task = Code()
    (item,) = task.items(written(tmp_path, BY_HEAD))
    assert "Complete this Python function" in task.prompt(item).text
    assert "def total" in task.prompt(item).text
    assert "check(" not in task.prompt(item).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Here it is:\n```python\ndef f():\n    return 1\n```\nDone.", "def f():\n    return 1"),
        ("```\nx = 1\n```\nand\n```py\ny = 2\n```", "x = 1\n\ny = 2"),
        ("```python\nx = 1", "x = 1"),
        ("def f():\n    return 1\n", "def f():\n    return 1"),
        ("  \n", None),
    ],
)
def test_the_program_is_found_in_what_was_written(text: str, expected: str | None) -> None:
    assert program_of(text) == expected


def test_what_only_goes_on_is_put_behind_its_beginning() -> None:
    start = "import math\n\ndef root(n):\n"
    whole = "import math\n\ndef root(n):\n    return math.sqrt(n)"
    assert program_of("    return math.sqrt(n)", start=start, entry="root") == whole
    assert program_of("return math.sqrt(n)", start=start, entry="root") == whole
    anew = program_of("```python\ndef root(n):\n    return math.sqrt(n)\n```", start=start, entry="root")
    assert anew == "import math\ndef root(n):\n    return math.sqrt(n)"


@needs_sandbox
def test_programs_are_counted_by_their_tests(tmp_path: Path) -> None:
    task = Code(workers=2)
    items = list(task.items(written(tmp_path, BY_WORDS, BY_WORDS, BY_WORDS, BY_HEAD)))
    said = ["def add(a, b): return a + b", "def add(a, b): return a - b", "def add(a, b) return", "    return sum(numbers)"]
    answers = [task.parse(item, text) for item, text in zip(items, said, strict=True)]
    found = {counted.name: measure(counted).value for counted in task.count(items, answers)}
    assert found == {"pass@1": 0.5, "runs": 0.75}


@needs_sandbox
def test_no_program_at_all_does_not_pass(tmp_path: Path) -> None:
    task = Code()
    items = list(task.items(written(tmp_path, BY_WORDS)))
    assert measure(task.count(items, [None])[0]).value == 0.0


@needs_sandbox
def test_of_several_answers_one_is_enough(tmp_path: Path) -> None:
    task = Code()
    items = list(task.items(written(tmp_path, BY_WORDS)))
    right, wrong = "def add(a, b): return a + b", "def add(a, b): return a"
    found = [measure(counted).value for counted in task.pass_at(items, [[right, wrong, wrong]], [1, 2, 3])]
    assert found == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_one_of_k_is_right_as_often_as_counting_all_draws_says() -> None:
    for n, c, k in [(5, 2, 2), (6, 1, 3), (4, 0, 2), (4, 4, 1)]:
        draws = list(itertools.combinations([True] * c + [False] * (n - c), k))
        assert at_least_one(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))


@needs_sandbox
def test_the_check_says_which_test_failed(tmp_path: Path) -> None:
    (item,) = Code().items(written(tmp_path, BY_WORDS))
    check = load_check(Code().checks(item)[0])
    assert check("```python\ndef add(a, b): return a + b\n```").held
    found = check("```python\ndef add(a, b): return a - b\n```")
    assert not found.held
    assert found.said == "It fails a test: AssertionError (assert add(1, 2) == 3)."
    assert check("").said == "It holds no program; it must."
    assert check("1 / 0").said.startswith("It does not run to its end: ZeroDivisionError")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "Add.", "test_list": []}, "test_list: found .*; expected a list of tests"),
        ({"text": "Add.", "test_list": [3]}, "test_list: found 3, expected text"),
        ({"prompt": "Add.", "test": "def check(f): pass"}, "which function the tests are of"),
        ({"text": "Add."}, "found the keys text; expected"),
    ],
)
def test_a_wrong_problem_is_refused_with_its_line(tmp_path: Path, row: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError, match=message) as caught:
        list(Code().items(written(tmp_path, BY_WORDS, row)))
    assert "problems.jsonl:2" in str(caught.value)


@needs_sandbox
@pytest.mark.slow
@pytest.mark.parametrize(("file", "count"), [("mbpp/mbpp.jsonl", 100), ("humaneval/HumanEval.jsonl.gz", 164)])
def test_known_solutions_pass_their_own_tests(shared: Path, file: str, count: int) -> None:
    task = Code()
    items = list(itertools.islice(task.items(str(shared / "data" / file)), count))
    assert len(items) == count
    answers = [task.parse(item, task.answer(item)) for item in items]
    failed = [item.where for item, found in zip(items, task.outcomes(items, answers), strict=True) if not found.passed]
    assert failed == []
