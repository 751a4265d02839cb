"""Questions on a passage, answered in its words.

Read are files in the form of SQuAD (`data`, `paragraphs`, `qas`; XQuAD, CMRC 2018), in CMRC's own (`context_text`,
`query_text`), and records with `question`, `context` or `passage`, and `answers` or `answer`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sayso.errors import RecordError
from sayso.records import Check, Message, Prompt, ask
from sayso.tasks import repetition, sources, squad, wording
from sayso.tasks.items import Item, families
from sayso.tasks.metrics import Counted, mean
from sayso.tasks.sources import Named
from sayso.text.files.streams import Record

KNOWN = {
    "xquad-en": Named(hub="google/xquad", configuration="xquad.en", split="validation"),
    "xquad-zh": Named(hub="google/xquad", configuration="xquad.zh", split="validation"),
    "squad": Named(hub="rajpurkar/squad", split="validation"),
    "cmrc2018": Named(hub="hfl/cmrc2018", split="validation"),
}
PASSAGES = ("passage", "context", "context_text", "text")
QUESTIONS = ("question", "query", "query_text")
_FORMS = {
    "en": "Answer the question in a few words taken from the passage.\n\nPassage: {passage}\n\nQuestion: {question}",
    "zh": "请用短文中的原话简短回答问题。\n\n短文：{passage}\n\n问题：{question}",
}
_LABELS = ("Answer", "The answer is", "答案", "回答", "答")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A question on a passage; measured by exact match and F1 with what people answered."""

    form: str = ""
    """The prompt, with `{passage}` and `{question}`; empty: English or Chinese, as the question is."""
    max_words: int = 30
    """A longer answer fails its check; 0: no such check."""

    @property
    def name(self) -> str:
        """Its name in TASKS."""
        return "answer"

    @property
    def first(self) -> str:
        """The metric by which models are chosen."""
        return "F1"

    @property
    def baseline(self) -> str:
        """What `guess` does, in a word."""
        return "best sentence"

    def items(self, source: str, *, split: str = "") -> Iterator[Item]:
        """Yield questions with their passages; those on one passage are of one family.

        Raises:
            RecordError: something is missing in a file; where it should stand is named.
        """
        if sources.ends(source, ".json") and Path(source).is_file():
            yield from _whole(Path(source))
            return
        for record in sources.records(source, split=split, known=KNOWN):
            passage = sources.given(record, PASSAGES, meaning="a passage")
            question = sources.given(record, QUESTIONS, meaning="a question")
            answers = _answers(record.fields, record.where)
            yield _item(passage, question, answers, record.where, start=_start(record.fields))

    def prompt(self, item: Item) -> Prompt:
        """Ask the question under its passage."""
        form = self.form or _FORMS[wording.language_of(item.inputs["question"])]
        text = form.replace("{question}", item.inputs["question"]).replace("{passage}", item.inputs["passage"])
        return ask(text, family=item.family or None)

    def plain(self, item: Item) -> Prompt:
        """Return what a model that points reads: the question, and the passage as a turn of its own."""
        texts = (item.inputs["question"], item.inputs["passage"])
        return Prompt(messages=tuple(Message(role="user", content=text) for text in texts), family=item.family or None)

    def answer(self, item: Item) -> str:
        """Return the first answer."""
        return item.answers[0]

    def place(self, item: Item) -> tuple[int, int] | None:
        """Return which characters of the passage are the first of the answers that stands there; None where none does.

        Of several places it is the one that the file says, or the nearest to it.
        """
        passage, said = item.inputs["passage"], int(item.inputs.get("start", 0))
        for answer in item.answers:
            places = [found.start() for found in re.finditer(f"(?={re.escape(answer)})", passage)]
            if places:
                start = min(places, key=lambda place: abs(place - said))
                return start, start + len(answer)
        return None

    def parse(self, item: Item, written: str) -> str | None:
        """Return the first line of what was written, without a label before it."""
        found = wording.stripped(written, *_LABELS)
        return wording.stripped(found.splitlines()[0], *_LABELS) if found else None

    def count(self, items: Sequence[Item], answers: Sequence[str | None]) -> list[Counted]:
        """Return exact match and F1 (0 to 1, the best of several right answers), and the share found in the passage.

        Source: SQuAD 1.1 (arXiv 1606.05250); for questions in Chinese CMRC 2018 (arXiv 1810.07366).
        """
        together = families(items)
        scored = [_scored(item, answer or "") for item, answer in zip(items, answers, strict=True)]
        kinds = sorted({wording.language_of(item.inputs["question"]) for item in items})
        signature = "+".join({"en": "squad1.1", "zh": "cmrc2018"}[kind] for kind in kinds) + "|best of the right answers"
        inside = [
            float(answer is not None and answer in item.inputs["passage"])
            for item, answer in zip(items, answers, strict=True)
        ]
        return [
            mean("EM", [found[0] for found in scored], families=together, signature=signature),
            mean("F1", [found[1] for found in scored], families=together, signature=signature),
            mean("in passage", inside, families=together),
            repetition.answered(answers, families=together),
        ]

    def checks(self, item: Item) -> tuple[Check, ...]:
        """Return: few words, and no question back."""
        short = (Check(name="max_words", args={"n": self.max_words}),) if self.max_words else ()
        return (*short, Check(name="not_question"))

    def guess(self, items: Sequence[Item]) -> list[str]:
        """Return the sentence of each passage that shares most tokens with the question, rare ones counting more."""
        return [_likeliest(item.inputs["passage"], item.inputs["question"]) for item in items]


def _scored(item: Item, said: str) -> tuple[float, float]:
    is_chinese = wording.language_of(item.inputs["question"]) == "zh"
    same, near = (squad.exact_zh, squad.f1_zh) if is_chinese else (squad.exact, squad.f1)
    return (
        float(any(same(said, right) for right in item.answers)),
        max((near(said, right) for right in item.answers), default=0.0),
    )


def _likeliest(passage: str, question: str) -> str:
    asked = set(wording.tokens(question))
    pieces = [piece.strip() for piece in re.split(r"(?<=[.!?。！？；])\s*", passage) if piece.strip()]
    held = [set(wording.tokens(piece)) for piece in pieces]
    rarity = {token: 1 / sum(token in one for one in held) for token in asked if any(token in one for one in held)}
    scores = [sum(rarity[token] for token in sorted(one & rarity.keys())) for one in held]
    return pieces[scores.index(max(scores))] if pieces else ""


def _item(
    passage: str, question: str, answers: tuple[str, ...], where: str, *, family: str = "", start: int | None = None
) -> Item:
    """Return an item; `start` is where the file says that its first answer begins in the passage."""
    told = {} if start is None else {"start": str(start)}
    return Item(inputs={"passage": passage, "question": question, **told}, answers=answers, where=where, family=family)


def _whole(path: Path) -> Iterator[Item]:
    """Yield the questions of a JSON file, SQuAD's form or CMRC's."""
    found = sources.document(path)
    blocks = found.get("data") if isinstance(found, dict) else found
    if not isinstance(blocks, list) or not blocks:
        raise RecordError(
            '{path}: found {found}; expected questions in the form of SQuAD, {{"data": [{{"paragraphs": …}}]}}',
            path=str(path), found=type(found).__name__,
        )  # fmt: skip
    number = 0
    for block in blocks:
        for paragraph in _listed(block.get("paragraphs", [block]) if isinstance(block, dict) else block, path):
            number += 1
            yield from _paragraph(paragraph, path, number)


def _paragraph(paragraph: Any, path: Path, number: int) -> Iterator[Item]:
    where = f"{path}: paragraph {number}"
    if not isinstance(paragraph, dict):
        raise RecordError("{where}: found {found!r}, expected an object", where=where, found=paragraph)
    passage = sources.given(Record(where=where, fields=paragraph), PASSAGES, meaning="a passage")
    for count, asked in enumerate(_listed(paragraph.get("qas"), path), start=1):
        place = f"{where}, question {count}"
        if not isinstance(asked, dict):
            raise RecordError("{where}: found {found!r}, expected an object", where=place, found=asked)
        question = sources.given(Record(where=place, fields=asked), QUESTIONS, meaning="a question")
        yield _item(passage, question, _answers(asked, place), place, family=f"passage {number}", start=_start(asked))


def _listed(found: Any, path: Path) -> list[Any]:
    if not isinstance(found, list):
        raise RecordError("{path}: found {found!r}, expected a list of questions (qas)", path=str(path), found=found)
    return found


def _answers(fields: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Return the right answers, each once: texts, objects with `text`, or an object with a list of texts."""
    found = fields.get("answers", fields.get("answer"))
    if isinstance(found, dict):
        found = found.get("text")
    listed = found if isinstance(found, list) else [found]
    texts = [one.get("text") if isinstance(one, dict) else one for one in listed]
    return tuple(dict.fromkeys(sources.words(_spelt(text), f"{where}: answers") for text in texts))


def _start(fields: Mapping[str, Any]) -> int | None:
    """Return where a record says that its first answer begins; None where it does not say."""
    found = fields.get("answers", fields.get("answer"))
    if isinstance(found, list):
        found = found[0] if found else None
    start = found.get("answer_start") if isinstance(found, dict) else None
    start = start[0] if isinstance(start, list) and start else start
    return start if isinstance(start, int) and start >= 0 else None


def _spelt(found: Any) -> Any:
    """Return a number as words: tables and CMRC's file hold answers such as 39764.0."""
    if isinstance(found, int | float) and not isinstance(found, bool):
        return str(int(found)) if float(found).is_integer() else str(found)
    return found
