"""What changed between two answers, word by word, and which answers are worth showing."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sayso.records import Outcome, Scope

_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_PIECE = re.compile(rf"\s+|[{_CJK}]|[^\W{_CJK}]+(?:['’][^\W{_CJK}]+)*|[^\w\s]")
_MOST_PIECES = 3000
"""Longer answers are shown whole, one struck out and the other inserted: comparing them takes quadratic time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A stretch of text that stayed, went away or came."""

    kind: Literal["same", "del", "ins"]
    text: str


def compare(before: str, after: str) -> tuple[Piece, ...]:
    """Return both answers as one text with its differences, word by word; a Chinese character is a word."""
    old, new = _PIECE.findall(before), _PIECE.findall(after)
    if len(old) + len(new) > _MOST_PIECES and before != after:
        return _pieces(before, after)
    found: list[Piece] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Piece(kind="same", text="".join(old[a:b])))
        else:
            found += _pieces("".join(old[a:b]), "".join(new[c:d]))
    return tuple(found)


def _pieces(gone: str, come: str) -> tuple[Piece, ...]:
    pieces = (Piece(kind="del", text=gone), Piece(kind="ins", text=come))
    return tuple(piece for piece in pieces if piece.text)


def examples(found: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Return of one comment's outcomes one in scope, one near and one out, where there are any.

    In scope an answer that was gained, elsewhere one whose check changed; else one whose words changed; else the first.
    """
    scopes: tuple[Scope, ...] = ("in", "near", "out")
    chosen = (max((item for item in found if item.scope == scope), key=_worth, default=None) for scope in scopes)
    return tuple(item for item in chosen if item is not None)


def _worth(outcome: Outcome) -> int:
    changed = outcome.held_after != outcome.held_before
    gained = outcome.scope == "in" and outcome.held_after and changed
    return 3 * gained + 2 * changed + (outcome.before != outcome.after)
