"""Which of many passages answers a question: the usual ranking by words, put in a better order by a model.

BM25 ranks all passages. A model reads the question and the best few of them, and names the numbers of those that answer
it. What it names moves to the front, the rest stays in BM25's order: one rank counts for both, and BM25 is the baseline.

Read are the files of FeedbackQA (`examples`, `passages`), and records with `question`, `passages` (a list) and `answer`
(the number of the right one, from 1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sayso.errors import RecordError, SettingsError
from sayso.records import Check, Prompt, ask
from sayso.tasks import repetition, sources, wording
from sayso.tasks.items import Item, families
from sayso.tasks.metrics import Counted, mean
from sayso.text.files import opening
from sayso.text.files.streams import Record

_FORMS = {
    "en": "Which passage answers the question? Write its number; if several do, write their numbers, best first.\n\n"
    "Question: {question}\n\n{candidates}",
    "zh": "哪一段回答了问题？写出它的编号；有几段时，从最好的写起。\n\n问题：{question}\n\n{candidates}",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrieval:
    """Passages in the order in which they answer a question; measured by the rank of the right one."""

    form: str = ""
    """The prompt, with `{question}` and `{candidates}`; empty: English or Chinese, as the question is."""
    candidates: int = 5
    """So many passages, BM25's best, are given to a model."""
    max_tokens: int = 80
    """A passage is shown up to so many words (or Chinese characters)."""

    def __post_init__(self) -> None:
        for key, found in (("candidates", self.candidates), ("max_tokens", self.max_tokens)):
            if found < 1:
                raise SettingsError("retrieval: {key}: found {found}; expected 1 or more", key=key, found=found)

    @property
    def name(self) -> str:
        """Its name in TASKS."""
        return "retrieval"

    @property
    def first(self) -> str:
        """The metric by which models are chosen."""
        return "MRR"

    @property
    def baseline(self) -> str:
        """What `guess` does, in a word."""
        return "bm25"

    def items(self, source: str, *, split: str = "") -> Iterator[Item]:
        """Yield questions with BM25's best passages and the rank of the right one among all.

        Raises:
            RecordError: something is missing in a file; where it should stand is named.
            MissingExtraError: bm25s is not installed.
        """
        if sources.ends(source, ".json") and Path(source).is_file():
            yield from self._feedbackqa(Path(source))
            return
        for record in sources.records(source, split=split):
            question = sources.given(record, ("question", "query"), meaning="a question")
            yield self._item(question, *_own(record), where=record.where)

    def prompt(self, item: Item) -> Prompt:
        """Ask which of the passages answers the question."""
        form = self.form or _FORMS[wording.language_of(item.inputs["question"])]
        text = form.replace("{question}", item.inputs["question"]).replace("{candidates}", item.inputs["candidates"])
        return ask(text, family=item.family or None)

    def answer(self, item: Item) -> str:
        """Return the number of the right passage; nothing where it is not among those that are shown."""
        return item.answers[0] if item.answers else ""

    def parse(self, item: Item, written: str) -> str | None:
        """Return the numbers of passages in what was written, in its order, each once."""
        shown = int(item.inputs["shown"])
        named = dict.fromkeys(int(found) for found in re.findall(r"\d{1,4}", written))
        return " ".join(str(number) for number in named if 1 <= number <= shown) or None

    def count(self, items: Sequence[Item], answers: Sequence[str | None]) -> list[Counted]:
        """Return the mean reciprocal rank of the right passage, and how often it is first, or among the first five.

        No answer leaves BM25's order as it is.
        """
        together = families(items)
        ranks = [_rank(item, answer) for item, answer in zip(items, answers, strict=True)]
        return [
            mean("MRR", [1 / rank for rank in ranks], families=together),
            mean("accuracy@1", [float(rank == 1) for rank in ranks], families=together),
            mean("recall@5", [float(rank <= 5) for rank in ranks], families=together),
            repetition.answered(answers, families=together),
        ]

    def checks(self, item: Item) -> tuple[Check, ...]:
        """Return: numbers and nothing else."""
        return (Check(name="regex", args={"pattern": r"\A\s*\d+(?:[\s,、，]+\d+)*[.。]?\s*\Z"}),)

    def guess(self, items: Sequence[Item]) -> list[str]:
        """Return BM25's best for every question."""
        return ["1"] * len(items)

    def _feedbackqa(self, path: Path) -> Iterator[Item]:
        found = sources.document(path)
        if not isinstance(found, dict) or not all(isinstance(found.get(key), list) for key in ("examples", "passages")):
            raise RecordError(
                '{path}: found {found}; expected the form of FeedbackQA, {{"examples": […], "passages": […]}}',
                path=str(path), found=", ".join(map(str, found)) if isinstance(found, dict) else type(found).__name__,
            )  # fmt: skip
        passages = [_passage(one, f"{path}: passage {number}") for number, one in enumerate(found["passages"], start=1)]
        places = {number: place for place, (number, _text) in enumerate(passages)}
        ranked = Ranked([text for _number, text in passages])
        for number, example in enumerate(found["examples"], start=1):
            where = f"{path}: example {number}"
            if not isinstance(example, dict) or example.get("passage_id") not in places:
                raise RecordError(
                    "{where}: found {found!r}; expected a question and the passage_id of one of the passages",
                    where=where, found=example,
                )  # fmt: skip
            question = sources.given(Record(where=where, fields=example), ("question",), meaning="a question")
            right = example["passage_id"]
            yield self._item(question, ranked, places[right], where=where, family=f"passage {right}")

    def _item(self, question: str, ranked: Ranked, right: int, *, where: str, family: str = "") -> Item:
        order = ranked(question)
        best = order[: self.candidates]
        shown = "\n".join(f"{number}. {self._short(ranked.passages[at])}" for number, at in enumerate(best, start=1))
        inputs = {
            "question": question, "candidates": shown, "shown": str(len(best)), "rank": str(order.index(right) + 1),
            "passage": ranked.passages[right],
        }  # fmt: skip
        answers = (str(best.index(right) + 1),) if right in best else ()
        return Item(inputs=inputs, answers=answers, where=where, family=family)

    def _short(self, passage: str) -> str:
        flat = " ".join(passage.split())
        pieces = re.findall(rf"[{wording.CJK}]|[^\s{wording.CJK}]+\s*", flat)
        return flat if len(pieces) <= self.max_tokens else "".join(pieces[: self.max_tokens]).rstrip() + " …"


class Ranked:
    """Passages that a question puts in order, by BM25 (Lucene's form, k1 1.5, b 0.75)."""

    def __init__(self, passages: Sequence[str]) -> None:
        library = opening.extra("bm25s", "ranking passages needs the package bm25s: pip install 'sayso[tasks]'")
        self.passages = list(passages)
        self._index = library.BM25()
        self._index.index([wording.tokens(text) or [""] for text in passages], show_progress=False)

    def __call__(self, question: str) -> list[int]:
        """Return all places of passages, the best first; those with the same score in their order."""
        known = self._index.vocab_dict
        asked = [token for token in wording.tokens(question) if token in known]
        scores = self._index.get_scores(asked) if asked else np.zeros(len(self.passages))
        return [int(place) for place in np.argsort(-scores, kind="stable")]


def _rank(item: Item, answer: str | None) -> int:
    """Return the rank of the right passage after what was named moved to the front."""
    named = [int(number) for number in (answer or "").split()]
    before = int(item.inputs["rank"])
    if before in named:
        return named.index(before) + 1
    return before + sum(number > before for number in named)


def _passage(found: Any, where: str) -> tuple[Any, str]:
    """Return a passage's number and its words: the title of its page, its headings, its text."""
    inside = found.get("reference") if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping) or not isinstance(inside, Mapping) or "passage_id" not in found:
        raise RecordError("{where}: found {found!r}; expected passage_id and reference", where=where, found=found)
    heads = inside.get("section_headers")
    parts = [inside.get("page_title"), *(heads if isinstance(heads, list) else []), inside.get("section_content")]
    text = "\n".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
    return found["passage_id"], sources.words(text, f"{where}: reference")


def _own(record: Record) -> tuple[Ranked, int]:
    passages = sources.all_given(record, ("passages", "candidates"), meaning="passages")
    right = record.fields.get("answer")
    if not isinstance(right, int) or isinstance(right, bool) or not 1 <= right <= len(passages):
        raise RecordError(
            "{where}: answer: found {found!r}, expected the number of the right passage, 1 to {most}",
            where=record.where, found=right, most=len(passages),
        )  # fmt: skip
    return Ranked(passages), right - 1
