"""The smallest change that makes a text pass a check on words; what need not change stays as it is, letter for letter.

A repair returns None where it has no good answer. `sayso.critics.checking.repair_of` asks a repair only for texts that
fail, and keeps only what passes.
"""

from __future__ import annotations

import re

from sayso.critics.parts import CJK, END_MARKS, QUESTION_MARKS, Place, emoji, find, has_cjk, pattern, sentences
from sayso.critics.word_checks import phrases

_WIDE = "，。！？：；、）」』】”’…"
_PAUSES = ",;:，；：、—–-"
# Words that are small inside a sentence, so that a start put before them may make them so; a name is never touched.
_SMALL_WORDS = (
    "a an the this that these those it its there here he she we you they my your our his her their who what when where "
    "why how which if as at by for from in into of on to with without and but or so because since while although though "
    "after before not no yes sure all some any each every both please thank thanks let can could will would should may "
    "might is are was were do does did have has had"
)
_SMALL = frozenset(_SMALL_WORDS.split())


def contains(response: str, /, *, text: str | list[str], case: bool = False) -> str:
    """Add what is missing as a sentence of its own; a mark alone takes the place of the last one."""
    for phrase in phrases("contains", text):
        if not find(response, phrase, case=case):
            response = add_sentence(response, phrase if case else phrase[:1].upper() + phrase[1:])
    return response


def excludes(response: str, /, *, text: str | list[str], case: bool = False) -> str:
    """Take the words out, with the comma or space that belonged to them; marks become a full stop."""
    for phrase in phrases("excludes", text):
        if phrase.strip() in QUESTION_MARKS:
            response = without_questions(response, [place.start for place in find(response, phrase, case=True)])
            continue
        for place in reversed(find(response, phrase, case=case)):
            response = _without_mark(response, place) if _is_marks(phrase) else without(response, place)
    return response


def equals(response: str, /, *, text: str | list[str], case: bool = False) -> str:
    """Answer with the words themselves."""
    return phrases("equals", text)[0]


def starts_with(response: str, /, *, text: str | list[str], case: bool = False) -> str:
    """Put the words in front; a start that differs in its mark or its capitals only is replaced."""
    start, rest = phrases("starts_with", text)[0].strip(), response.lstrip()
    bare = start.rstrip(_PAUSES + END_MARKS)
    same = pattern(bare, case=False).match(rest) if bare else None
    if same:
        after = rest[same.end() :]
        return start + after if start == bare else _spaced(start, after.lstrip(_PAUSES + END_MARKS).lstrip(" "))
    if start[-1] not in END_MARKS:
        rest = _with_small_start(rest)
    return start + _pause(start) + rest if start[-1].isalnum() else _spaced(start, rest)


def ends_with(response: str, /, *, text: str | list[str], case: bool = False) -> str:
    """Put the words at the end, after a full stop; a mark alone takes the place of the last one."""
    return add_sentence(response, phrases("ends_with", text)[0].strip(), finished=True)


def lowercase(text: str) -> str:
    """Write everything in small letters."""
    return text.lower()


def uppercase(text: str) -> str:
    """Write everything in capitals."""
    return text.upper()


def add_sentence(text: str, words: str, *, finished: bool = False) -> str:
    """Return the text with one more sentence; `finished` words get no full stop, and a line of their own in a letter."""
    base = text.rstrip()
    if _is_marks(words) and words.strip()[0] in END_MARKS:
        return base.rstrip(END_MARKS) + words.strip()
    if _is_marks(words) and not emoji(words):
        return base + words.strip()
    if not base:
        return words if finished else closed(words)
    if not emoji(words):
        base = closed(base)
    gap = "\n" if finished and "\n" in base else ("" if _is_wide(base[-1]) and _is_wide(words[0]) else " ")
    return base + gap + (words if finished else closed(words))


def closed(text: str) -> str:
    """Return the text with a full stop where it ends in a letter or a digit."""
    if not text or not text[-1].isalnum():
        return text
    return text + ("。" if has_cjk(text[-1]) else ".")


def without(text: str, place: Place) -> str:
    """Return the text without the words at a place, its commas, spaces and capitals put right."""
    left, gone, right = text[: place.start], text[place.start : place.end], text[place.end :]
    is_start = not left.strip() or left.rstrip()[-1] in END_MARKS or left.endswith("\n")
    is_end = not right.strip() or right.lstrip(" ")[:1] in END_MARKS
    if left.rstrip(" ").endswith((",", "，")) and (is_end or right.startswith((",", "，"))):
        left = left.rstrip(" ")[:-1]
    elif is_start and right.startswith((",", "，")):
        right = right[1:]
    if is_start and is_end:
        right = right.lstrip(" ").lstrip(END_MARKS)
    if is_start and gone[:1].isupper():
        right = re.sub(r"[^\W\d_]", lambda letter: letter.group().upper(), right, count=1)
    return _joined(left, right)


def without_questions(text: str, marks: list[int]) -> str:
    """Drop the questions that a text ends with while something else remains; end the other ones with a full stop."""
    places = sentences(text)
    while len(places) > 1 and any(places[-1].start <= mark < places[-1].end for mark in marks):
        last = places.pop()
        kept = text[: places[-1].end]
        text = (kept + text[last.end :]).rstrip() if text[last.end :].strip() else kept
        marks = [mark for mark in marks if mark < len(kept)]
    for mark in reversed(marks):
        text = _without_mark(text, Place(mark, mark + 1))
    return text


def _without_mark(text: str, place: Place) -> str:
    """End what a mark ended with a full stop; a dash becomes a comma, a mark inside a word goes."""
    left, mark, right = text[: place.start], text[place.start : place.end], text[place.end :]
    if mark[0] in "—–":
        return left.rstrip() + ", " + right.lstrip(" —–")
    if mark[0] in ";；":
        return left + ("，" if mark[0] == "；" else ",") + right
    is_ended = left[-1:] in tuple(END_MARKS) or right[:1] in tuple(END_MARKS)
    if mark[0] not in END_MARKS or mark[0] in ".。" or is_ended or not left.strip():
        return _joined(left, right)
    if mark[0] in "！？":
        return f"{left}。{right}"
    return f"{left}. {right}" if right[:1].isalnum() and not has_cjk(right[:1]) else f"{left}.{right}"


def _joined(left: str, right: str) -> str:
    """Put two ends together with one space at most, and none before a mark or at a line's edge."""
    if left.endswith((" ", "\t")) and (right[:1].isspace() or not right or right[0] in ".,!?;:，。！？；：)"):
        return left.rstrip(" \t") + right
    if (not left or left.endswith("\n")) and right.startswith(" "):
        return left + right.lstrip(" ")
    return left + right


def _spaced(start: str, rest: str) -> str:
    return start + rest if _is_wide(start[-1]) or not rest or rest[0].isspace() else f"{start} {rest}"


def _pause(start: str) -> str:
    return "，" if has_cjk(start[-1]) else ", "


def _with_small_start(text: str) -> str:
    first = re.match(r"[A-Z][a-z]*(?!\w)", text)
    return text[0].lower() + text[1:] if first and first.group().lower() in _SMALL else text


def _is_marks(words: str) -> bool:
    return not any(char.isalnum() for char in words)


def _is_wide(char: str) -> bool:
    return char in _WIDE or re.match(f"[{CJK}]", char) is not None
