"""Code: a Python program that does what is asked, judged by running its tests in the sandbox.

Read are records with `text` and `test_list` (as MBPP's), with `prompt`, `test` and `entry_point` (as HumanEval's), or with
`prompt` and `test` where the prompt ends in the head of the function.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import comb

from sayso.errors import RecordError
from sayso.records import Check, Prompt, ask
from sayso.tasks import sources, wording
from sayso.tasks.items import Item
from sayso.tasks.metrics import Counted, mean
from sayso.tasks.sandbox.running import Outcome, Program, run_all
from sayso.tasks.sandbox.world import Limits
from sayso.tasks.sources import Named
from sayso.text.files.streams import Record

KNOWN = {
    "mbpp": Named(hub="google-research-datasets/mbpp", configuration="full"),
    "humaneval": Named(hub="openai/openai_humaneval"),
}
_FENCED = re.compile(r"```[ \t]*(?:python|py|python3)?[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL | re.IGNORECASE)
_DEFINED = re.compile(r"^(?:async +)?def +(\w+)", re.MULTILINE)
_FORMS = {
    "en": ("{text}\n\nYour code must pass these tests:\n\n```python\n{tests}\n```\n\nAnswer with the code in a code block.",
        "Complete this Python function. Answer with the whole function in a code block.\n\n```python\n{start}\n```"),
    "zh": ("{text}\n\n你写的 Python 代码必须通过这些测试：\n\n```python\n{tests}\n```\n\n请把代码写在代码块里。",
        "请补全这个 Python 函数，把整个函数写在代码块里。\n\n```python\n{start}\n```"),
}  # fmt: skip
_SHOWN = 3
"""Tests of an item that the prompt shows, as MBPP's own prompts do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """Python that does what is asked; measured by its tests, which run in a sandbox."""

    limits: Limits = field(default_factory=Limits)
    """What a program may use."""
    workers: int = 0
    """Programs that run at a time; 0: as many as there are processors."""

    @property
    def name(self) -> str:
        """Its name in TASKS."""
        return "code"

    @property
    def first(self) -> str:
        """The metric by which models are chosen."""
        return "pass@1"

    def items(self, source: str, *, split: str = "") -> Iterator[Item]:
        """Yield problems with their tests.

        Raises:
            RecordError: a record has no tests, or nothing says which function they are of.
        """
        for record in sources.records(source, split=split, known=KNOWN):
            yield _item(record)

    def prompt(self, item: Item) -> Prompt:
        """Ask for a program: by words and tests, or by the head of the function."""
        given = item.inputs
        form = _FORMS[wording.language_of(given["text"])][bool(given["start"])]
        shown = "\n".join(given["tests"].splitlines()[:_SHOWN])
        words = form.replace("{text}", given["text"]).replace("{tests}", shown).replace("{start}", given["start"].rstrip())
        return ask(words, family=item.family or None)

    def answer(self, item: Item) -> str:
        """Return the known solution, in a code block."""
        return f"```python\n{item.answers[0].strip()}\n```"

    def parse(self, item: Item, written: str) -> str | None:
        """Return the program in what was written."""
        return program_of(written, start=item.inputs["start"], entry=item.inputs["entry"])

    def count(self, items: Sequence[Item], answers: Sequence[str | None]) -> list[Counted]:
        """Return the share of programs that pass, and of those that at least run until a test fails.

        Raises:
            SettingsError: there is no sandbox here.
        """
        found = self.outcomes(items, answers)
        families = tuple(item.family for item in items) if any(item.family for item in items) else ()
        return [
            mean("pass@1", [float(outcome.passed) for outcome in found], families=families),
            mean("runs", [float(outcome.verdict in ("passed", "failed")) for outcome in found], families=families),
        ]

    def outcomes(self, items: Sequence[Item], answers: Sequence[str | None]) -> list[Outcome]:
        """Run every program with its item's tests; an answer that holds no program is an empty one.

        Raises:
            SettingsError: there is no sandbox here.
        """
        programs = [
            Program(text=answer or "", tests=item.inputs["tests"]) for item, answer in zip(items, answers, strict=True)
        ]
        return list(run_all(programs, self.limits, workers=self.workers))

    def pass_at(self, items: Sequence[Item], samples: Sequence[Sequence[str | None]], ks: Sequence[int]) -> list[Counted]:
        """Return pass@k for several answers an item (as many for each): how often one of k drawn answers passes.

        Source: Chen et al. 2021 (arXiv 2107.03374), equation 1: the mean over items of 1 - C(n - c, k) / C(n, k).

        Raises:
            SettingsError: there is no sandbox here.
        """
        flat = [(item, answer) for item, some in zip(items, samples, strict=True) for answer in some]
        passed = iter(self.outcomes([item for item, _answer in flat], [answer for _item, answer in flat]))
        right = [(len(some), sum(next(passed).passed for _ in some)) for some in samples]
        return [mean(f"pass@{k}", [at_least_one(n, c, k) for n, c in right]) for k in ks]

    def checks(self, item: Item) -> tuple[Check, ...]:
        """Return: it passes the tests."""
        given = item.inputs
        return (
            Check(name="passes_tests", args={"tests": given["tests"], "start": given["start"], "entry": given["entry"]}),
        )


def at_least_one(n: int, c: int, k: int) -> float:
    """Return the probability that of k answers drawn without return from n, of which c are right, one is right."""
    assert 0 < k <= n, "as many answers as are drawn"
    return 1.0 - comb(n - c, k) / comb(n, k)


def program_of(written: str, *, start: str = "", entry: str = "") -> str | None:
    """Return the program in an answer: its code blocks, or all of it; what only goes on with `start` is put behind it."""
    blocks = _FENCED.findall(written)
    text = "\n\n".join(block.rstrip() for block in blocks) if blocks else written.strip("\n")
    if not text.strip():
        return None
    if not start or (entry and entry in _DEFINED.findall(text)):
        return text if not start else f"{_imports(start)}{text}"
    if not text[0].isspace() and not blocks:
        text = "\n".join(f"    {line}" for line in text.splitlines())
    return f"{start.rstrip()}\n{text}"


def _imports(start: str) -> str:
    """Return the lines of a beginning that import something: a whole function written anew may do without them."""
    lines = [line for line in start.splitlines() if line.startswith(("import ", "from "))]
    return "".join(f"{line}\n" for line in lines)


def _item(record: Record) -> Item:
    fields = record.fields
    if "test_list" in fields or "tests" in fields:
        return _by_words(record)
    start = sources.given(record, ("prompt",), meaning="the beginning of a program")
    tests = sources.given(record, ("test",), meaning="its tests")
    entry = str(fields.get("entry_point") or (_DEFINED.findall(start) or [""])[-1])
    if not entry:
        raise RecordError(
            "{where}: nothing says which function the tests are of; expected entry_point, or a prompt that ends in `def …`",
            where=record.where,
        )
    known = fields.get("canonical_solution")
    asked = {"text": start, "start": start, "entry": entry, "tests": f"{tests}\n\ncheck({entry})"}
    return Item(inputs=asked, answers=(f"{start.rstrip()}\n{known}",) if known else (), where=record.where)


def _by_words(record: Record) -> Item:
    fields = record.fields
    text = sources.given(record, ("text", "prompt"), meaning="what is asked")
    listed = fields.get("test_list") or fields.get("tests")
    if not isinstance(listed, list) or not listed:
        raise RecordError(
            "{where}: test_list: found {found!r}; expected a list of tests such as 'assert add(1, 2) == 3'",
            where=record.where, found=listed,
        )  # fmt: skip
    before = fields.get("test_setup_code") or "\n".join(fields.get("test_imports") or ())
    tests = "\n".join(sources.words(test, f"{record.where}: test_list") for test in listed)
    known = fields.get("code")
    asked = {"text": text, "start": "", "entry": "", "tests": f"{tests}\n" if not before else f"{before}\n{tests}\n"}
    return Item(inputs=asked, answers=(str(known).replace("\r\n", "\n"),) if known else (), where=record.where)
