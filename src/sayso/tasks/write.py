"""Writing: how a story goes on, or a poem of a given title and form.

Read are records with a `title` and a Chinese poem (`poem` or `paragraphs`; `content` where there is an `author` or all lines
are alike), records with a story (`text` or `story`, and a `title` where it has one), a JSON list of such, and `.txt` files,
whose stories end at lines of `<|endoftext|>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sayso.errors import RecordError, SettingsError
from sayso.records import Check, Prompt, ask
from sayso.tasks import repetition, sources, verse, wording
from sayso.tasks.items import Item, families
from sayso.tasks.metrics import Counted, ratio
from sayso.tasks.sources import Named
from sayso.text.files.streams import Record

KNOWN = {"tinystories": Named(hub="roneneldan/TinyStories", split="validation")}
END = "<|endoftext|>"
_SENTENCE = re.compile(r"[^.!?。！？]*[.!?。！？]+[\"'”’」』）)]*\s*")
_TITLED = {"en": 'Write a story with the title "{title}".', "zh": "请写一个题为“{title}”的故事。"}
_GOES_ON = {"en": "Continue this story:\n\n{opening}", "zh": "请续写这个故事：\n\n{opening}"}
_POEM = "请以“{title}”为题写一首{form}。"


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """A story or a poem; measured by variety, repetition, and the form of a poem."""

    opening: int = 1
    """So many sentences of a story without a title are given."""

    def __post_init__(self) -> None:
        if self.opening < 1:
            raise SettingsError("write: opening: found {found}; expected 1 or more", found=self.opening)

    @property
    def name(self) -> str:
        """Its name in TASKS."""
        return "write"

    @property
    def first(self) -> str:
        """The metric by which models are chosen."""
        return "distinct-2"

    def items(self, source: str, *, split: str = "") -> Iterator[Item]:
        """Yield stories and poems; a story of no more sentences than are given has no continuation and is passed over.

        Raises:
            RecordError: a line holds neither.
        """
        for record in _records(source, split):
            item = _poem(record) or self._story(record)
            if item is not None:
                yield item

    def prompt(self, item: Item) -> Prompt:
        """Ask for what is missing."""
        given = item.inputs
        if given["kind"] == "poem":
            text = _POEM.replace("{form}", given["form"] or "诗").replace("{title}", given["title"])
        else:
            forms, key = (_TITLED, "title") if given["title"] else (_GOES_ON, "opening")
            text = forms[wording.language_of(given[key])].replace(f"{{{key}}}", given[key])
        return ask(text, family=item.family or None)

    def answer(self, item: Item) -> str:
        """Return what a person wrote."""
        return item.answers[0]

    def parse(self, item: Item, written: str) -> str | None:
        """Return what was written, up to a mark of the end."""
        return written.partition(END)[0].strip() or None

    def count(self, items: Sequence[Item], answers: Sequence[str | None]) -> list[Counted]:
        """Return distinct-1 and -2, repetition, length, and for poems the share that keeps its form, and that rhymes.

        Source: distinct-n: Li et al. 2016 (arXiv 1510.03055); seq-rep-4: Welleck et al. 2019 (arXiv 1908.04319).
        """
        together = families(items)
        texts = [answer or "" for answer in answers]
        found = [
            repetition.distinct(texts, 1, families=together),
            repetition.distinct(texts, 2, families=together),
            repetition.repeated(texts, families=together),
            repetition.length(texts, families=together),
            repetition.answered(answers, families=together),
        ]
        asked = [_asked(item) for item in items]
        if not any(asked):
            return found
        kept = [[float(form is not None and verse.form_of(text) == form), float(form is not None)]
                for form, text in zip(asked, texts, strict=True)]  # fmt: skip
        rhymed = [[float(form is not None and verse.rhymes(text)), float(form is not None)]
                  for form, text in zip(asked, texts, strict=True)]  # fmt: skip
        return [*found, ratio("form", kept, families=together), ratio("rhyme", rhymed, families=together)]

    def checks(self, item: Item) -> tuple[Check, ...]:
        """Return: the form and the rhyme of a poem; two sentences or more of a story."""
        form = _asked(item)
        if form is not None:
            return (Check(name="verse", args={"lines": form[0], "characters": form[1]}), Check(name="rhymes"))
        return (Check(name="min_sentences", args={"n": 2}),)

    def _story(self, record: Record) -> Item | None:
        text = sources.given(record, ("text", "story", "content"), meaning="a story or a poem")
        title = record.fields.get("title")
        if isinstance(title, str) and title.strip():
            inputs = {"kind": "story", "title": title.strip(), "opening": ""}
            return Item(inputs=inputs, answers=(text,), where=record.where)
        cut = _cut(text, self.opening)
        if not text[cut:].strip():
            return None
        inputs = {"kind": "story", "title": "", "opening": text[:cut].strip()}
        return Item(inputs=inputs, answers=(text[cut:].strip(),), where=record.where)


def _cut(text: str, count: int) -> int:
    """Return where the first sentences of a text end."""
    end = 0
    for _number in range(count):
        found = _SENTENCE.match(text, end)
        if found is None:
            return len(text)
        end = found.end()
    return end


def _asked(item: Item) -> tuple[int, int] | None:
    """Return the lines and characters of the form that a poem is asked for, where it is a form with a name."""
    return next((form for form, name in verse.FORMS.items() if name == item.inputs.get("form")), None)


def _poem(record: Record) -> Item | None:
    """Return a Chinese poem with a title, or None when the record is none."""
    fields = record.fields
    found: Any = next((fields[name] for name in ("poem", "paragraphs", "content") if fields.get(name)), None)
    text = "".join(found) if isinstance(found, list) and all(isinstance(one, str) for one in found) else found
    title = fields.get("title")
    if not (isinstance(text, str) and isinstance(title, str) and title.strip() and wording.language_of(text) == "zh"):
        return None
    if not {"poem", "paragraphs", "author"} & set(fields) and verse.form_of(text) is None:
        return None
    form = verse.form_of(text)
    name = verse.FORMS.get(form, "") if form else ""
    answer = verse.written(verse.lines(text)) if form else text.strip()
    return Item(inputs={"kind": "poem", "title": title.strip(), "form": name}, answers=(answer,), where=record.where)


def _records(source: str, split: str) -> Iterator[Record]:
    path = Path(source)
    if path.is_file() and sources.ends(source, ".txt"):
        yield from _stories(path)
    elif path.is_file() and sources.ends(source, ".json"):
        found = sources.document(path)
        if not isinstance(found, list):
            raise RecordError(
                "{path}: found {found}, expected a list of objects with title and content",
                path=str(path), found=type(found).__name__,
            )  # fmt: skip
        for number, one in enumerate(found, start=1):
            where = f"{path}: number {number}"
            if not isinstance(one, dict):
                raise RecordError("{where}: found {found!r}, expected an object", where=where, found=one)
            yield Record(where=where, fields=one)
    else:
        yield from sources.records(source, split=split, known=KNOWN)


def _stories(path: Path) -> Iterator[Record]:
    waiting: list[str] = []
    start = f"{path}:1"
    for where, line in sources.lines(path):
        if line.strip() == END:
            if any(waiting):
                yield Record(where=start, fields={"text": "\n".join(waiting)})
            waiting = []
            continue
        start = start if waiting else where
        waiting.append(line)
    if any(one.strip() for one in waiting):
        yield Record(where=start, fields={"text": "\n".join(waiting)})
