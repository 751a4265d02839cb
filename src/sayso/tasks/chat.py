"""Conversations: the next thing to say.

Read are conversations (`messages`, a list of turns), and dialogues in one text whose lines begin with who speaks
(`#Person1#: …`, as DialogSum's): who speaks first is the user, the other one is learnt.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sayso.errors import RecordError, SettingsError
from sayso.records import Check, Message, Prompt
from sayso.tasks import repetition, sources, wording
from sayso.tasks.items import Item, families
from sayso.tasks.metrics import Counted, mean
from sayso.tasks.sources import Named
from sayso.text.files.streams import Record

KNOWN = {"dialogsum": Named(hub="knkarthick/dialogsum")}
_SPEAKS = re.compile(r"^#?([^\s#:：][^#:：\n]{0,30})#?[:：]\s*")
_ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, kw_only=True, slots=True)
class Chat:
    """An answer in a conversation; measured by its words, their variety, and what a person said there."""

    replies: Literal["last", "all"] = "last"
    """Which answers of a conversation are asked for; the turns before each are given."""
    system: str = ""
    """What is said before every conversation; empty: nothing."""
    max_words: int = 100
    """A longer answer fails its check; 0: no such check."""

    def __post_init__(self) -> None:
        if self.replies not in ("last", "all"):
            raise SettingsError("chat: replies: found {found!r}; expected last or all", found=self.replies)

    @property
    def name(self) -> str:
        """Its name in TASKS."""
        return "chat"

    @property
    def first(self) -> str:
        """The metric by which models are chosen."""
        return "F1"

    def items(self, source: str, *, split: str = "") -> Iterator[Item]:
        """Yield the answers of conversations, each with the turns before it.

        Raises:
            RecordError: a line holds no conversation with an answer.
        """
        for record in sources.records(source, split=split, known=KNOWN):
            turns = _turns(record)
            places = [at for at, turn in enumerate(turns) if turn.role == "assistant" and _asked(turns[:at])]
            if not places:
                raise RecordError(
                    "{where}: found no answer; expected a turn of the assistant after one of the user", where=record.where
                )
            for at in places if self.replies == "all" else places[-1:]:
                yield self._item(turns[:at], turns[at].content, record.where)

    def prompt(self, item: Item) -> Prompt:
        """Return the turns before the answer."""
        turns = [Message(role=role, content=content) for role, content in json.loads(item.inputs["turns"])]
        return Prompt(messages=tuple(turns), family=item.family or None)

    def answer(self, item: Item) -> str:
        """Return what was said there."""
        return item.answers[0]

    def parse(self, item: Item, written: str) -> str | None:
        """Return what was written."""
        return written.strip() or None

    def count(self, items: Sequence[Item], answers: Sequence[str | None]) -> list[Counted]:
        """Return F1 over words with what was said there, distinct-1 and -2, repetition and length.

        Source: F1 as in ConvAI2 (Dinan et al. 2019, arXiv 1902.00098); distinct-n: Li et al. 2016 (arXiv 1510.03055).
        """
        together = families(items)
        texts = [answer or "" for answer in answers]
        near = [max(f1(text, right) for right in item.answers) for item, text in zip(items, texts, strict=True)]
        return [
            mean("F1", near, families=together),
            repetition.distinct(texts, 1, families=together),
            repetition.distinct(texts, 2, families=together),
            repetition.repeated(texts, families=together),
            repetition.length(texts, families=together),
            repetition.answered(answers, families=together),
        ]

    def checks(self, item: Item) -> tuple[Check, ...]:
        """Return: not too long, and nobody else's turn written too."""
        short = (Check(name="max_words", args={"n": self.max_words}),) if self.max_words else ()
        turn = r"^\s*(?:#?Person\d#?|User|Bot|Assistant|用户|助手)\s*[:：]"
        return (*short, Check(name="regex", args={"pattern": f"(?m){turn}", "absent": True}))

    def _item(self, turns: Sequence[Message], said: str, where: str) -> Item:
        before = [Message(role="system", content=self.system)] if self.system else []
        form = json.dumps([[turn.role, turn.content] for turn in [*before, *turns]], ensure_ascii=False)
        family = Path(where).name if self.replies == "all" else ""
        return Item(inputs={"turns": form}, answers=(said,), where=where, family=family)


def f1(said: str, right: str) -> float:
    """Return the harmonic mean of precision and recall over tokens."""
    ours, theirs = wording.tokens(said), wording.tokens(right)
    if ours == theirs:
        return 1.0
    common = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * common / (len(ours) + len(theirs)) if common else 0.0


def _asked(turns: Sequence[Message]) -> bool:
    return bool(turns) and turns[-1].role == "user"


def _turns(record: Record) -> list[Message]:
    found = record.fields.get("messages", record.fields.get("conversations"))
    if found is not None:
        if not isinstance(found, list):
            raise RecordError(
                "{where}: messages: found {found!r}, expected a list of turns", where=record.where, found=found
            )
        return [_message(turn, f"{record.where}: messages[{number}]") for number, turn in enumerate(found)]
    return _dialogue(
        sources.given(record, ("dialogue", "text"), meaning="a conversation (messages) or a dialogue"), record.where
    )


def _message(turn: Any, where: str) -> Message:
    if not isinstance(turn, Mapping) or turn.get("role") not in _ROLES or not isinstance(turn.get("content"), str):
        raise RecordError(
            "{where}: found {found!r}, expected an object with role (one of {known}) and content",
            where=where, found=turn, known=", ".join(_ROLES),
        )  # fmt: skip
    return Message(role=turn["role"], content=turn["content"])


def _dialogue(text: str, where: str) -> list[Message]:
    """Return the turns of a dialogue; lines without a speaker, and lines of the same speaker, belong to the turn before."""
    turns: list[tuple[str, str]] = []
    for line in text.splitlines():
        found = _SPEAKS.match(line)
        who, said = (found[1], line[found.end() :].strip()) if found else ("", line.strip())
        if turns and who in ("", turns[-1][0]):
            turns[-1] = (turns[-1][0], f"{turns[-1][1]} {said}".strip())
        elif who:
            turns.append((who, said))
    if len(turns) < 2:
        raise RecordError(
            "{where}: found no two speakers; expected lines such as #Person1#: Hello. and #Person2#: Hi.", where=where
        )
    first = turns[0][0]
    merged = [("user" if who == first else "assistant", said) for who, said in turns if said]
    return _alternating(merged)


def _alternating(turns: Sequence[tuple[str, str]]) -> list[Message]:
    """Return turns so that no two of one side follow each other: several people answer as one."""
    found: list[tuple[str, str]] = []
    for role, said in turns:
        if found and found[-1][0] == role:
            found[-1] = (role, f"{found[-1][1]} {said}")
        else:
            found.append((role, said))
    return [Message(role="user" if role == "user" else "assistant", content=said) for role, said in found]
