"""Texts, or pairs of texts, and the class of each: sentiment, topics, kinds of questions, entailment, grades.

A model that writes is asked in words and its answer is read; a classifier reads the text alone (`Classify.plain`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sayso.errors import NotFoundError, RecordError, SettingsError
from sayso.records import Check, Message, Prompt
from sayso.tasks.classify import loading
from sayso.tasks.classify.loading import Layout
from sayso.tasks.classify.metrics import METRICS, Classified
from sayso.tasks.classify.presets import PRESETS, Preset
from sayso.tasks.items import Item
from sayso.text.files import hub
from sayso.text.files.streams import Record

if TYPE_CHECKING:
    from sayso.tasks import Task
    from sayso.tasks.metrics import Counted

_OWN = Preset(hub="", folder="", files={})
_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Classify:
    """A class for a text, or for a pair of texts; measured by the data set's own metric."""

    preset: str = ""
    """A data set by name: sst2, trec6, trec50, newsgroups, newsgroups_bare, thucnews, waimai, hotels, cola, rte, mrpc, stsb,
    qqp, wnli, boolq, cb, copa, wic, multirc, wsc; empty: own files."""
    text: str = "text"
    """Own files: the column or key of the text."""
    pair: str = ""
    """Own files: the column or key of a second text; empty: `pair` where a record has it."""
    label: str = "label"
    """Own files: the column or key of the class."""
    labels: tuple[str, ...] = ()
    """The classes, in their order; empty: those of the preset, or those found in what is learnt from."""
    positive: str = ""
    """Own files: the class that precision, recall and F1 are of; empty: the mean over classes."""
    question: str = ""
    """What a model that writes is asked before the text; empty: the preset's question."""
    encoding: str = "utf-8"
    """Own files: utf-8, gb18030, latin-1 …"""

    def __post_init__(self) -> None:
        if self.preset and self.preset not in PRESETS:
            raise SettingsError(
                "classify.preset: found {found!r}; expected one of {known}, or nothing for files of your own",
                found=self.preset, known=", ".join(PRESETS),
            )  # fmt: skip

    @property
    def name(self) -> str:
        """Its name in TASKS."""
        return "classify"

    @cached_property
    def about(self) -> Preset:
        """The data set's facts; of own files, what their settings say."""
        if self.preset:
            return PRESETS[self.preset]
        layout = Layout(encoding=self.encoding)
        metrics = ("accuracy", "f1", "precision", "recall") if self.positive else _OWN.metrics
        return replace(_OWN, label=self.label, positive=self.positive, layout=layout, metrics=metrics)

    @property
    def first(self) -> str:
        """The metric by which models are chosen; more of it is better."""
        return self.about.metrics[0]

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes as far as they are known before anything is read."""
        return self.labels or tuple(dict.fromkeys(self.about.labels.values()))

    def items(self, source: str, *, split: str = "") -> Iterator[Item]:
        """Yield the items of a file, a folder or a named data set (the preset's name, or `hf:` and a name).

        Raises:
            NotFoundError: there is no such file, or the data set has no such split.
            RecordError: a line is wrong; it is named with what is expected there.
        """
        known = self.classes
        count = 0
        for record in self._records(source, split):
            for part in self.about.each(record.fields) if self.about.each else (record.fields,):
                item = self._item(record.where, part, known)
                if item is not None:
                    count += 1
                    yield item
        if not count:
            raise RecordError("{source}: holds no labelled text; expected at least one", source=source)

    def prompt(self, item: Item) -> Prompt:
        """Return what a model that writes is asked: the question, the text, and the classes to choose from."""
        question = self.question or self.about.question
        texts = [item.inputs["text"], *([item.inputs["pair"]] if item.inputs.get("pair") else [])]
        chinese = bool(re.search(r"[\u4e00-\u9fff]", question))
        known = self.classes or ((item.answers[0],) if item.answers else ())
        choice = ("只回答其中一个：" if chinese else "Answer with one of: ") + ", ".join(known)
        text = "\n\n".join([question, *texts, choice])
        return Prompt(messages=(Message(role="user", content=text),), family=item.family or None)

    def plain(self, item: Item) -> Prompt:
        """Return what a classifier reads: the text, and the second text as a turn of its own."""
        texts = [item.inputs["text"], *([item.inputs["pair"]] if item.inputs.get("pair") else [])]
        return Prompt(messages=tuple(Message(role="user", content=text) for text in texts), family=item.family or None)

    def answer(self, item: Item) -> str:
        """Return the item's class; nothing where it is not known."""
        return item.answers[0] if item.answers else ""

    def parse(self, item: Item, written: str) -> str | None:
        """Return the class that a model named first, whatever it wrote around it; None where it named none.

        A grade is the first number in it.
        """
        if self.about.scores:
            number = re.search(r"\d+(?:\.\d+)?", written)
            return number.group() if number else None
        said = written.casefold()
        found = []
        for label in self.classes:
            word = re.escape(label.casefold())
            edge = r"\b" if label.isascii() and label[:1].isalnum() and label[-1:].isalnum() else ""
            place = re.search(f"{edge}{word}{edge}", said)
            if place:
                found.append((place.start(), -len(label), label))
        return min(found)[2] if found else None

    def said(self, logprobs: NDArray[np.float64]) -> list[str]:
        """Return the likeliest class of each text from log-probabilities (N, K); of a grade what is to be expected."""
        known = self.classes
        if self.about.scores:
            return [f"{grade:.4f}" for grade in np.exp(logprobs) @ np.array([float(label) for label in known])]
        return [known[number] for number in logprobs.argmax(axis=1)]

    def count(self, items: Sequence[Item], answers: Sequence[str | None]) -> list[Counted]:
        """Return the official metrics of one answer an item."""
        found = self.classified(items, answers)
        return [METRICS[name](found) for name in self.about.metrics]

    def classified(self, items: Sequence[Item], answers: Sequence[str | None]) -> Classified:
        """Return right and given answers side by side."""
        families = tuple(item.family for item in items)
        right = [item.answers[0] for item in items]
        return Classified(
            right=right, said=answers, labels=self.classes or tuple(sorted(set(right))), positive=self.about.positive,
            families=families if any(families) else (), groups=tuple(item.inputs.get("group", "") for item in items)
            if self.about.group else (),
        )  # fmt: skip

    def checks(self, item: Item) -> tuple[Check, ...]:
        """Return that an answer is one of the classes and nothing else."""
        if self.about.scores or not self.classes:
            return ()
        return (Check(name="equals", args={"text": list(self.classes)}),)

    def with_classes_of(self, items: Sequence[Item]) -> Classify:
        """Return the task with the classes found in items, where nothing else names them."""
        if self.classes:
            return self
        found = sorted({item.answers[0] for item in items})
        if len(found) < 2:
            raise RecordError(
                "{where}: found the class {found!r} alone; expected texts of two classes or more, in the key {label!r}",
                where=items[0].where, found=found[0], label=self.about.label,
            )  # fmt: skip
        return replace(self, labels=tuple(found))

    def _records(self, source: str, split: str) -> Iterator[Record]:
        about = self.about
        if source.startswith("hf:") or (source == self.preset and not Path(source).exists()):
            name, _colon, configuration = (about.hub if source == self.preset else source.removeprefix("hf:")).partition(":")
            wanted = about.hub_splits.get(split or "train", "") if self.preset else split or "train"
            if not wanted or not name:
                raise NotFoundError(
                    "{preset} has no split {split!r} on Hugging Face; give the folder that holds its files",
                    preset=self.preset, split=split,
                )  # fmt: skip
            for number, fields in enumerate(hub.rows(name, configuration or None, wanted), start=1):
                yield Record(where=f"{name} {wanted} {number}", fields=_from_hub(about, fields))
            return
        path = Path(source).expanduser()
        if self.preset and path.is_dir():
            path = _file(path, about, split, self.preset)
        yield from loading.records(path, about.layout)

    def _item(self, where: str, fields: Mapping[str, Any], known: tuple[str, ...]) -> Item | None:
        flat = loading.flat(fields)
        about = self.about
        if self.preset:
            text, pair = _filled(about.text, flat, where), _filled(about.pair, flat, where)
        else:
            text = _string(flat, self.text, where)
            pair = _string(flat, self.pair or "pair", where) if self.pair or "pair" in flat else ""
        if not text.strip() and about.empty != "keep":
            if about.empty == "skip":
                return None
            raise RecordError("{where}: the text is empty; give it words, or take the line out", where=where)
        inputs = {"text": text, **({"pair": pair} if pair else {})}
        if about.group:
            inputs["group"] = _filled(about.group, flat, where)
        label = _string(flat, about.label, where).strip()
        family = _filled(about.family, flat, where)
        return Item(inputs=inputs, answers=(self._label(label, known, where),), where=where, family=family)

    def _label(self, written: str, known: tuple[str, ...], where: str) -> str:
        named = self.about.labels.get(written, written)
        if self.about.scores:
            return _score(named, known, where)
        if not written or (known and named not in known):
            raise RecordError(
                "{where}: found the class {found!r}; expected one of {known}{more}",
                where=where, found=written, known=", ".join(known[:_SHOWN]) or "the classes",
                more=" …" if len(known) > _SHOWN else "",
            )  # fmt: skip
        return named


def _file(folder: Path, about: Preset, split: str, preset: str) -> Path:
    """Return the file of a split, in its own folder or one above it."""
    name = about.files.get(split or "train")
    if name is None:
        raise NotFoundError(
            "{preset} has no split {split!r} in files; expected one of {known}",
            preset=preset, split=split, known=", ".join(about.files),
        )  # fmt: skip
    inner = [folder / name, folder / about.folder / name, *folder.glob(f"*/{about.folder}/{name}")]
    found = next((path for path in inner if path.exists()), None)
    if found is None:
        raise NotFoundError(
            "{folder}: found no {name!r}, where {preset} keeps its split {split}; expected the folder of {preset}, "
            "or the name hf:{hub} with a network",
            folder=str(folder), name=name, preset=preset, split=split or "train", hub=about.hub,
        )  # fmt: skip
    return found


def _filled(template: str, flat: Mapping[str, Any], where: str) -> str:
    """Return a template with a record's fields in it; `{a.b}` is a field of that name."""
    return re.sub(r"\{([^}]+)\}", lambda found: _string(flat, found.group(1), where), template)


def _string(flat: Mapping[str, Any], key: str, where: str) -> str:
    value = flat.get(key)
    if value is None or isinstance(value, list | dict):
        raise RecordError(
            "{where}: {key}: found {found}; expected a string there (the keys are {keys}); name another with "
            "--set classify.text=KEY, classify.pair=KEY or classify.label=KEY",
            where=where, key=key, found="nothing" if value is None else repr(value), keys=", ".join(flat) or "none",
        )  # fmt: skip
    return str(value)


def _score(written: str, known: tuple[str, ...], where: str) -> str:
    try:
        number = float(written)
    except ValueError:
        number = float("nan")
    if not float(known[0]) <= number <= float(known[-1]):
        raise RecordError(
            "{where}: found the score {found!r}; expected a number from {least} to {most}",
            where=where, found=written, least=known[0], most=known[-1],
        )  # fmt: skip
    return written


def _from_hub(about: Preset, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of Hugging Face under the names of the files."""
    found = dict(fields)
    for theirs, ours in about.hub_fields.items():
        if theirs in fields:
            found[ours] = fields[theirs]
    label = str(found.get(about.label, ""))
    return {**found, about.label: about.hub_labels[label]} if label in about.hub_labels else found


if TYPE_CHECKING:
    _: type[Task] = Classify
