"""What is sent: conversations, or pairs of answers, one JSON object a line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sayso.errors import PreflightError, RecordError
from sayso.text.corpus import messages_of
from sayso.text.files import streams
from sayso.text.files.streams import Record

Form = Literal["supervised", "preference"]
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
_LETTERS_PER_TOKEN = 4.0
"""Of a text in letters; a Chinese, Japanese or Korean character counts as a token of its own."""
_TOKENS_PER_TURN = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """Lines to be sent, all of one form."""

    form: Form
    lines: tuple[str, ...]
    tokens: int
    """An estimate, by counting characters: only the host knows its own tokenizer."""

    @property
    def text(self) -> str:
        """The file that is sent."""
        return "".join(f"{line}\n" for line in self.lines)


def read(files: Sequence[Path]) -> Order:
    """Read what is to be learnt: `messages`, or a prompt with `chosen` and `rejected`, as `sayso export` writes it.

    Raises:
        RecordError: a line is neither, or both kinds are mixed; it is named.
        PreflightError: the files hold nothing, or two answers of a pair are equal.
    """
    found: list[tuple[Form, dict[str, Any], str]] = [
        (*_line(record), record.where) for record in streams.records(streams.sources([str(path) for path in files]))
    ]
    if not found:
        raise PreflightError("the files hold nothing to learn from: {files}", files=", ".join(map(str, files)))
    form = found[0][0]
    for other, _object, where in found:
        if other != form:
            raise RecordError(
                "{where}: is {other}, but {first} is {form}; expected one kind: train them one after the other",
                where=where, other=_KIND[other], first=found[0][2], form=_KIND[form],
            )  # fmt: skip
    lines = tuple(json.dumps(line, ensure_ascii=False) for _form, line, _where in found)
    return Order(form=form, lines=lines, tokens=sum(_tokens(line) for _form, line, _where in found))


_KIND: Mapping[Form, str] = {"supervised": "a conversation", "preference": "a pair of answers"}


def _line(record: Record) -> tuple[Form, dict[str, Any]]:
    fields = record.fields
    if "preferred_output" in fields:
        given = fields.get("input")
        turns = given.get("messages") if isinstance(given, dict) else None
        return "preference", _pair(record, turns, fields["preferred_output"], fields.get("non_preferred_output"))
    if "chosen" in fields or "rejected" in fields:
        asked = fields.get("prompt", fields.get("messages"))
        return "preference", _pair(record, asked, fields.get("chosen"), fields.get("rejected"))
    if "messages" not in fields:
        raise RecordError(
            "{where}: found the keys {keys}; expected messages, or prompt with chosen and rejected",
            where=record.where, keys=", ".join(map(str, fields)) or "none",
        )  # fmt: skip
    turns = _turns(fields["messages"], record.where)
    if turns[-1]["role"] != "assistant":
        raise RecordError(
            "{where}: the last turn is of {role!r}; expected the assistant's answer, which is learnt",
            where=record.where,
            role=turns[-1]["role"],
        )
    return "supervised", {"messages": turns}


def _pair(record: Record, asked: Any, chosen: Any, rejected: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": asked}] if isinstance(asked, str) else _turns(asked, record.where)
    better, worse = (_answer(value, turns, f"{record.where}: {key}") for key, value in
        (("chosen", chosen), ("rejected", rejected)))  # fmt: skip
    if better == worse:
        raise PreflightError(
            "{where}: the chosen and the rejected answer are the same; expected two that differ", where=record.where
        )
    return {
        "input": {"messages": turns}, "preferred_output": [{"role": "assistant", "content": better}],
        "non_preferred_output": [{"role": "assistant", "content": worse}],
    }  # fmt: skip


def _answer(value: Any, asked: Sequence[Mapping[str, str]], where: str) -> str:
    """Return an answer that stands as text, as a turn in a list, or behind the turns that were asked."""
    if isinstance(value, str) and value.strip():
        return value
    turns = _turns(value, where)
    if turns[: len(asked)] == list(asked):
        turns = turns[len(asked) :]
    if len(turns) != 1 or turns[0]["role"] != "assistant":
        raise RecordError("{where}: found {count} turns; expected one of the assistant", where=where, count=len(turns))
    return turns[0]["content"]


def _turns(found: Any, where: str) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.content} for turn in messages_of(found, where)]


def _tokens(line: Mapping[str, Any]) -> int:
    """Estimate the tokens of a line; both answers of a pair are learnt with the whole prompt before them."""
    if "messages" in line:
        return _of_turns(line["messages"])
    sides = (line["preferred_output"], line["non_preferred_output"])
    return sum(_of_turns([*line["input"]["messages"], *side]) for side in sides)


def _of_turns(turns: Sequence[Mapping[str, str]]) -> int:
    return sum(_TOKENS_PER_TURN + tokens_of(turn["content"]) for turn in turns)


def tokens_of(text: str) -> int:
    """Estimate the tokens of a text without the host's tokenizer."""
    wide = len(_WIDE.findall(text))
    return wide + round((len(text) - wide) / _LETTERS_PER_TOKEN)
