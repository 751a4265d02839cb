"""Translation: what stands in one language, in another.

Read are pairs of files whose names end in their language (`train.en`, `train.de`), tables of two columns without a head
(`en<TAB>zh`, as Tatoeba's), and records with two languages as keys (`en`, `de`), with `translation: {en, de}`, or with
`source` and `target`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sayso.errors import RecordError, SettingsError
from sayso.records import Check, Prompt, ask
from sayso.tasks import bleu, repetition, sources, wording
from sayso.tasks.items import Item, families
from sayso.tasks.metrics import Counted
from sayso.tasks.sources import Named
from sayso.text.files.streams import Record

KNOWN = {
    "multi30k": Named(hub="bentrevett/multi30k"),
    "opus100-en-zh": Named(hub="Helsinki-NLP/opus-100", configuration="en-zh"),
    "opus100-de-en": Named(hub="Helsinki-NLP/opus-100", configuration="de-en"),
}
LANGUAGES = {
    "en": ("English", "英语"), "zh": ("Chinese", "中文"), "de": ("German", "德语"), "fr": ("French", "法语"),
    "es": ("Spanish", "西班牙语"), "ja": ("Japanese", "日语"), "ko": ("Korean", "韩语"), "ru": ("Russian", "俄语"),
    "it": ("Italian", "意大利语"), "pt": ("Portuguese", "葡萄牙语"), "ar": ("Arabic", "阿拉伯语"), "cs": ("Czech", "捷克语"),
}  # fmt: skip
_PAIRED = re.compile(r"\.([a-z]{2})(?:\.gz|\.zst)?$")
_FORMS = {"en": "Translate into {to}:\n\n{text}", "zh": "请翻译成{to}：\n\n{text}"}
_PLAIN = (("source", "src", "sentence1"), ("target", "tgt", "sentence2"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Translate:
    """A text in another language; measured by BLEU and chrF with a person's translation."""

    source: str = ""
    """The language that is read, by its two letters (`en`); empty: read off the data."""
    target: str = ""
    """The language that is written; empty: read off the data."""
    form: str = ""
    """The prompt, with `{text}`, `{to}` and `{from}`; empty: in Chinese where the text is Chinese, else in English."""

    def __post_init__(self) -> None:
        for key, found in (("source", self.source), ("target", self.target)):
            if found and found not in LANGUAGES:
                raise SettingsError(
                    "translate: {key}: found {found!r}; expected one of {known}, or nothing",
                    key=key, found=found, known=", ".join(LANGUAGES),
                )  # fmt: skip

    @property
    def name(self) -> str:
        """Its name in TASKS."""
        return "translate"

    @property
    def first(self) -> str:
        """The metric by which models are chosen."""
        return "BLEU"

    def items(self, source: str, *, split: str = "") -> Iterator[Item]:
        """Yield sentences with their translations.

        Raises:
            RecordError: a line has no two languages, or not those that were asked for.
            NotFoundError: a file's partner in the other language is not there.
        """
        path = Path(source)
        if path.is_file() and (found := _PAIRED.search(path.name)) and found[1] in LANGUAGES:
            yield from self._paired(path, found[1])
        elif path.is_file() and sources.ends(source, ".txt", ".tsv") and not _has_head(path):
            yield from self._columns(path)
        else:
            for record in sources.records(source, split=split, known=KNOWN):
                yield self._item(_sides(record), record.where)

    def prompt(self, item: Item) -> Prompt:
        """Ask for a translation."""
        language = wording.language_of(item.inputs["text"])
        names = {key: LANGUAGES[item.inputs[key]][language == "zh"] for key in ("from", "to")}
        form = self.form or _FORMS[language]
        for key, name in names.items():
            form = form.replace(f"{{{key}}}", name)
        return ask(form.replace("{text}", item.inputs["text"]), family=item.family or None)

    def answer(self, item: Item) -> str:
        """Return the first translation."""
        return item.answers[0]

    def parse(self, item: Item, written: str) -> str | None:
        """Return what was written, without a label before it."""
        return wording.stripped(written, "Translation", *LANGUAGES[item.inputs["to"]], "翻译", "译文")

    def count(self, items: Sequence[Item], answers: Sequence[str | None]) -> list[Counted]:
        """Return BLEU and chrF, the length against the right translations', and how much of the source was left as it is.

        Raises:
            RecordError: the items are translated into several languages, which no one BLEU can count.
        """
        languages = {item.inputs["to"]: item.where for item in items}
        if len(languages) > 1:
            raise RecordError(
                "the items are translated into {found} ({where}); expected one language: measure them apart",
                found=", ".join(languages), where=", ".join(languages.values()),
            )  # fmt: skip
        texts, together = [answer or "" for answer in answers], families(items)
        return [
            *bleu.count(texts, [item.answers for item in items], language=next(iter(languages)), families=together),
            repetition.length_ratio(texts, [item.answers[0] for item in items], families=together),
            repetition.copied(texts, [item.inputs["text"] for item in items], 2, families=together),
            repetition.answered(answers, families=together),
        ]

    def checks(self, item: Item) -> tuple[Check, ...]:
        """Return: written in the script of its language, where that can be seen; of about the source's length."""
        is_chinese = item.inputs["to"] == "zh"
        script = Check(name="regex", args={"pattern": f"[{wording.CJK}]", "absent": not is_chinese})
        longest = 40 + 4 * len(item.inputs["text"])
        seen = () if item.inputs["to"] in ("ja", "ko") else (script,)
        return (*seen, Check(name="max_chars", args={"n": longest}))

    def _paired(self, path: Path, one: str) -> Iterator[Item]:
        """Yield the lines of two files; of several partners the one that was asked for, else the first by name."""
        wanted = self.target if one != self.target else self.source
        other = wanted or _partner(path, one)
        for where, ours, theirs in sources.side_by_side(path, sources.beside(path, f".{one}", f".{other}")):
            yield self._item({one: sources.words(ours, where), other: sources.words(theirs, f"{where} ({other})")}, where)

    def _columns(self, path: Path) -> Iterator[Item]:
        for where, line in sources.lines(path):
            cells = line.split("\t")
            if not line.strip():
                continue
            if len(cells) < 2:
                raise RecordError("{where}: found {found!r}; expected a text, a tab, and its translation",
                    where=where, found=line[:60])  # fmt: skip
            pair = [sources.words(cell, where) for cell in cells[:2]]
            yield self._item(_by_script(pair, self.source, self.target), where)

    def _item(self, sides: Mapping[str, str], where: str) -> Item:
        """Return an item of two texts by language: the first is the source, unless settings say otherwise."""
        known = list(sides)
        source = self.source or next((name for name in known if name != self.target), known[0])
        target = self.target or next((name for name in known if name != source), known[-1])
        for name in (source, target):
            if name not in sides:
                raise RecordError(
                    "{where}: found {known}; expected {source} and {target}",
                    where=where, known=" and ".join(known), source=source, target=target,
                )  # fmt: skip
        inputs = {"text": sides[source], "from": source, "to": target}
        return Item(inputs=inputs, answers=(sides[target],), where=where)


def _partner(path: Path, one: str) -> str:
    stem = path.name[: path.name.rindex(f".{one}")]
    inside = sorted(file.name for file in path.parent.iterdir() if file.name.startswith(f"{stem}."))
    found = [match[1] for name in inside if (match := _PAIRED.search(name)) and match[1] in LANGUAGES]
    return next((name for name in found if name != one), "en" if one != "en" else "de")


def _has_head(path: Path) -> bool:
    """Whether a table's first line names its columns."""
    first = next(sources.lines(path), ("", ""))[1].split("\t")
    names = {name.strip().lower() for name in first}
    return bool(names & set(LANGUAGES)) or any(names & set(usual) for usual in _PLAIN)


def _by_script(pair: Sequence[str], source: str, target: str) -> dict[str, str]:
    """Return two texts by their languages, as they were asked for; Chinese is known by its characters."""
    ours, theirs = source or _guessed(pair[0]), target or _guessed(pair[1])
    if "zh" in (ours, theirs) and (ours == "zh") != wording.has_chinese(pair[0]):
        return {theirs: pair[0], ours: pair[1]} if ours != theirs else {"en": pair[0], "zh": pair[1]}
    return {ours: pair[0], theirs: pair[1]}


def _guessed(text: str) -> str:
    return "zh" if wording.has_chinese(text) else "en"


def _sides(record: Record) -> dict[str, str]:
    """Return the texts of a record by language."""
    inside = record.fields.get("translation")
    fields = inside if isinstance(inside, dict) else record.fields
    found = [name for name in fields if name in LANGUAGES and fields[name] is not None]
    if len(found) >= 2:
        return {name: sources.words(fields[name], f"{record.where}: {name}") for name in found}
    texts = [sources.given(record, usual, meaning="a text in each of two languages") for usual in _PLAIN]
    return {_guessed(texts[0]): texts[0], _other(texts): texts[1]}


def _other(texts: Sequence[str]) -> str:
    one, other = map(_guessed, texts)
    return other if one != other else "de"
