"""The smallest change that makes a text pass a check on its form, and the repairs of checks made of checks.

A repair returns None where it has no good answer; see `sayso.critics.checking.repair_of`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sayso.critics.checking import repair_of
from sayso.critics.form_checks import members
from sayso.critics.parts import END_MARKS, emoji, has_cjk, list_marks, questions, sentences, words
from sayso.critics.word_repairs import add_sentence, closed, without, without_questions

_SENTENCE_ENDS = END_MARKS + "\"'”’)）」』"
_ROUNDS = 4
"""Repairs of one text may undo each other; after this many rounds we give up."""


def max_words(text: str, *, n: int) -> str | None:
    """Cut at the last sentence end that fits, else at the last word that fits, with a full stop."""
    return _cut(text, words(text)[n - 1].end, room=len(text) + 1)


def max_chars(text: str, *, n: int) -> str | None:
    """Cut at the last sentence end that fits, else at the last word that leaves room for a full stop."""
    return _cut(text.strip(), n, room=n)


def max_sentences(text: str, *, n: int) -> str:
    """Keep the first `n` sentences."""
    return text[: sentences(text)[n - 1].end]


def no_emoji(text: str) -> str:
    """Take the emoji out, with the space that belonged to them."""
    for place in reversed(emoji(text)):
        text = without(text, place)
    return text.rstrip()


def has_emoji(text: str) -> str:
    """Put a smile at the end."""
    return f"{text.rstrip()} 🙂"


def is_question(text: str) -> str:
    """Ask what the reader thinks."""
    return add_sentence(text, "你觉得呢？" if has_cjk(text) else "What do you think?", finished=True)


def ends_with_question(text: str) -> str:
    """Ask, at the end, what the reader thinks."""
    return is_question(text)


def not_question(text: str) -> str:
    """Drop the questions at the end while something else remains; end the other ones with a full stop."""
    return without_questions(text, [place.start for place in questions(text)])


def bullets(text: str, *, n: int = 2) -> str | None:
    """Put every sentence on a line of its own, behind a mark."""
    starts = [place.start for place in sentences(text)]
    if len(starts) < n:
        return None
    pieces = (text[start:end].strip() for start, end in zip(starts, [*starts[1:], len(text)], strict=True))
    return "\n".join(f"- {_bare(piece)}" for piece in pieces)


def no_bullets(text: str) -> str:
    """Write list lines as sentences, one after another on one line; other lines stay."""
    lines: list[str] = []
    was_list = False
    for line in text.splitlines():
        bare = _bare(line)
        is_list = bare != line
        if is_list and was_list:
            lines[-1] = f"{lines[-1]} {closed(bare)}"
        else:
            lines.append(closed(bare) if is_list else line)
        was_list = is_list
    return "\n".join(lines)


def all_of(text: str, *, checks: list[dict[str, Any]]) -> str | None:
    """Apply the repair of each check in turn until all of them hold."""
    return in_turn(text, [repair_of(check) for check in members("all_of", checks)])


def any_of(text: str, *, checks: list[dict[str, Any]]) -> str | None:
    """Apply the first repair that works."""
    repairs = (repair_of(check) for check in members("any_of", checks))
    answers = (repair(text) for repair in repairs if repair is not None)
    return next((answer for answer in answers if answer is not None), None)


def in_turn(text: str, repairs: list[Callable[[str], str | None] | None]) -> str | None:
    """Apply repairs in turn, a few rounds at most, until none of them changes the text; None when one has no answer."""
    for _round in range(_ROUNDS):
        before = text
        for repair in repairs:
            better = repair(text) if repair is not None else text
            if better is None:
                return None
            text = better
        if text == before:
            return text
    return None


def _cut(text: str, limit: int, *, room: int) -> str | None:
    """Cut before `limit`, at a sentence end or else at a word; a full stop that is added fits into `room` characters."""
    ends = [place.end for place in sentences(text) if place.end <= limit and text[place.end - 1] in _SENTENCE_ENDS]
    if ends:
        return text[: ends[-1]]
    cuts = (closed(text[: place.end].rstrip(",;:，；：、—–-(（")) for place in reversed(words(text)) if place.end <= limit)
    return next((cut for cut in cuts if len(cut) <= room), None)


def _bare(line: str) -> str:
    while marks := list_marks(line):
        line = line[marks[0].end :]
    return line
