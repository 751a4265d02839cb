"""Summaries: a dialogue, an article or an abstract in few words.

Read are records with a text and its summary under one of the usual names (`text`, `dialogue`, `article`, `abstract` …;
`summary`, `highlights`, `title` …, also a list, or `summary1`, `summary2` …), the tables of CSL (`to title`, abstract,
title), and pairs of files `NAME.src.txt` and `NAME.tgt.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from sayso.errors import RecordError
from sayso.records import Check, Prompt, ask
from sayso.tasks import repetition, rouge, sources, wording
from sayso.tasks.items import Item, families
from sayso.tasks.metrics import Counted
from sayso.tasks.sources import Named
from sayso.text.files.streams import Record

KNOWN = {
    "dialogsum": Named(hub="knkarthick/dialogsum"),
    "lcsts": Named(hub="hugcyp/LCSTS"),
    "cnn_dailymail": Named(hub="abisee/cnn_dailymail", configuration="3.0.0"),
    "xsum": Named(hub="EdinburghNLP/xsum"),
}
TEXTS = ("text", "dialogue", "article", "document", "abstract", "source", "content")
SUMMARIES = ("summary", "summaries", "highlights", "title", "headline", "abst", "target")
NUMBERED = re.compile(r"summary\d+")
_FORMS = {
    "en": "Summarize the following text in one to three sentences.\n\n{text}",
    "zh": "请用一句话概括下面这段文字。\n\n{text}",
}
_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Summarize:
    """A text in few words; measured by ROUGE with a person's summaries."""

    form: str = ""
    """The prompt, with `{text}`; empty: English or Chinese, as the text is."""
    segment: Literal["characters", "jieba"] = "characters"
    """What Chinese is cut into before ROUGE counts it."""
    max_sentences: int = 3
    """A longer summary fails its check; 0: no such check."""
    lead: int = 3
    """The baseline copies so many sentences from the beginning."""

    @property
    def name(self) -> str:
        """Its name in TASKS."""
        return "summarize"

    @property
    def first(self) -> str:
        """The metric by which models are chosen."""
        return "rougeL"

    @property
    def baseline(self) -> str:
        """What `guess` does, in a word."""
        return f"lead-{self.lead}"

    def items(self, source: str, *, split: str = "") -> Iterator[Item]:
        """Yield a file's or a data set's texts with their summaries.

        Raises:
            RecordError: a line holds no text or no summary.
        """
        if sources.ends(source, ".src.txt") or sources.ends(source, ".tgt.txt"):
            yield from _paired(Path(source))
        elif _is_csl(source):
            yield from _csl(Path(source))
        else:
            for record in sources.records(source, split=split, known=KNOWN):
                text = sources.given(record, TEXTS, meaning="a text")
                yield _item(text, _summaries(record), record.where)

    def prompt(self, item: Item) -> Prompt:
        """Ask for a summary."""
        text = item.inputs["text"]
        form = self.form or _FORMS[wording.language_of(text)]
        return ask(form.replace("{text}", text), family=item.family or None)

    def answer(self, item: Item) -> str:
        """Return the first summary."""
        return item.answers[0]

    def parse(self, item: Item, written: str) -> str | None:
        """Return what was written, without a label before it."""
        return wording.stripped(written, "Summary", "Title", "TL;DR", "摘要", "标题", "概括")

    def count(self, items: Sequence[Item], answers: Sequence[str | None]) -> list[Counted]:
        """Return ROUGE-1, ROUGE-2 and ROUGE-L (F1, the best of several summaries), the length, and what is copied.

        Source: Lin 2004 by the package rouge-score; copied n-grams: See et al. 2017 (arXiv 1704.04368).
        """
        texts, together = [answer or "" for answer in answers], families(items)
        wanted = [item.answers[0] for item in items]
        return [
            *rouge.count(texts, [item.answers for item in items], segment=self.segment, families=together),
            repetition.length_ratio(texts, wanted, families=together),
            repetition.copied(texts, [item.inputs["text"] for item in items], 2, families=together),
            repetition.answered(answers, families=together),
        ]

    def checks(self, item: Item) -> tuple[Check, ...]:
        """Return: few sentences, and one line."""
        few = (Check(name="max_sentences", args={"n": self.max_sentences}),) if self.max_sentences else ()
        return (*few, Check(name="no_bullets"))

    def guess(self, items: Sequence[Item]) -> list[str]:
        """Return the first sentences of every text, word for word: the usual summary to be better than."""
        return ["".join(_pieces(item.inputs["text"])[: self.lead]).strip() for item in items]


def _pieces(text: str) -> list[str]:
    """Return the sentences, each with the space after it."""
    cuts = [0, *(found.end() for found in _END.finditer(text)), len(text)]
    pieces = (text[start:end] for start, end in pairwise(cuts))
    return [piece for piece in pieces if piece.strip()]


def _item(text: str, summaries: tuple[str, ...], where: str) -> Item:
    return Item(inputs={"text": text}, answers=summaries, where=where)


def _summaries(record: Record) -> tuple[str, ...]:
    numbered = sorted(name for name in record.fields if NUMBERED.fullmatch(str(name)))
    if numbered:
        return tuple(sources.given(record, (name,), meaning="a summary") for name in numbered)
    return sources.all_given(record, SUMMARIES, meaning="a summary")


def _paired(path: Path) -> Iterator[Item]:
    is_source = sources.ends(path.name, ".src.txt")
    other = sources.beside(path, *((".src.txt", ".tgt.txt") if is_source else (".tgt.txt", ".src.txt")))
    texts, summaries = (path, other) if is_source else (other, path)
    for where, text, summary in sources.side_by_side(texts, summaries):
        yield _item(sources.words(text, where), (sources.words(summary, f"{summaries}: {where}"),), where)


def _is_csl(source: str) -> bool:
    if not (sources.ends(source, ".tsv") and Path(source).is_file()):
        return False
    return next(sources.lines(Path(source)), ("", ""))[1].startswith("to title\t")


def _csl(path: Path) -> Iterator[Item]:
    for where, line in sources.lines(path):
        if not line:
            continue
        cells = line.split("\t")
        if len(cells) != 3:
            raise RecordError("{where}: found {found} cells; expected 3: what is asked, the abstract, the title",
                where=where, found=len(cells))  # fmt: skip
        yield _item(sources.words(cells[1], where), (sources.words(cells[2], where),), where)
