"""A response is a plan that is rendered, so that a comment can be obeyed by the smallest change of the plan."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from recipes.teachable.words import capital, long_forms, numbers
from recipes.teachable.world import Triple

Kind = Literal["open", "fact", "ask", "thanks", "sorry", "please", "aside", "close", "question"]
Mark = Literal[".", "!", "?"]
POINTS: tuple[Kind, ...] = ("fact", "ask")
"""What becomes a point of a list; other sentences stand before and behind it."""
Layout = Literal["prose", "bullets", "numbers", "lines"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """One sentence without its mark, what it does in the message, its mark, and an emoji behind it or none."""

    text: str
    kind: Kind
    mark: Mark = "."
    emoji: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """All decisions behind one response; an empty text means that the part is left out."""

    triple: Triple
    reader: str
    """The name in the greeting."""
    sentences: tuple[Sentence, ...]
    spare: tuple[Sentence, ...] = ()
    """Facts that were not used, for when a comment asks for more."""
    start: str = ""
    subject: str = ""
    greeting: str = ""
    layout: Layout = "prose"
    digits: bool = True
    short_forms: bool = True
    sign_off: str = ""
    name: str = ""
    postscript: str = ""
    end: str = ""
    swaps: tuple[tuple[str, str], ...] = ()
    """Words to write another word for."""
    capitals: bool = False
    seed: int = 0
    """What the edits draw from."""


def render(plan: Plan) -> str:
    """Return the text of a plan."""
    lines = [f"Subject: {_swapped(plan, plan.subject)}"] if plan.subject else []
    if plan.greeting:
        lines.append(f"{plan.greeting} {plan.reader},")
    lines += _body(plan)
    if plan.sign_off:
        lines.append(f"{plan.sign_off},")
    if plan.name:
        lines.append(plan.name)
    if plan.postscript:
        lines.append(f"P.S. {_voice(plan, plan.postscript)}")
    if plan.start:
        lines[0] = f"{plan.start} {lines[0]}"
    if plan.end:
        in_body = plan.layout == "prose" and not (plan.sign_off or plan.name or plan.postscript)
        lines = [*lines[:-1], f"{lines[-1]} {plan.end}"] if in_body else [*lines, plan.end]
    text = "\n".join(lines)
    return text.upper() if plan.capitals else text


def _body(plan: Plan) -> list[str]:
    written = [_sentence(plan, sentence) for sentence in plan.sentences]
    if plan.layout == "prose":
        return [" ".join(written)]
    if plan.layout == "lines":
        return written
    lines: list[str] = []
    joined, points = False, 0
    for sentence, text in zip(plan.sentences, written, strict=True):
        point = sentence.kind in POINTS
        points += point
        if joined and not point:
            lines[-1] += " " + text
        else:
            lines.append((f"{points}. {text}" if plan.layout == "numbers" else f"- {text}") if point else text)
        joined = not point
    return lines


def _sentence(plan: Plan, sentence: Sentence) -> str:
    return capital(_voice(plan, sentence.text)) + sentence.mark + (f" {sentence.emoji}" if sentence.emoji else "")


def _voice(plan: Plan, text: str) -> str:
    text = numbers(text, digits=plan.digits)
    return _swapped(plan, text if plan.short_forms else long_forms(text))


def _swapped(plan: Plan, text: str) -> str:
    for old, new in plan.swaps:
        pattern = re.compile(rf"(\ban? )?\b({old})\b", re.IGNORECASE)
        text = pattern.sub(lambda found, new=new: _article(found[1], new) + _like(found[2], new), text)
    return text


def _article(said: str | None, new: str) -> str:
    """A store, but an ocean."""
    return "" if not said else f"{said[0]}n " if new[0] in "aeiou" else f"{said[0]} "


def _like(old: str, new: str) -> str:
    return capital(new) if old[0].isupper() else new


def with_sentence(plan: Plan, number: int, **changes: object) -> Plan:
    """Return the plan with one of its sentences changed."""
    changed = replace(plan.sentences[number], **changes)  # type: ignore[arg-type]
    return replace(plan, sentences=(*plan.sentences[:number], changed, *plan.sentences[number + 1 :]))


def insert(plan: Plan, number: int, sentence: Sentence) -> Plan:
    """Return the plan with one more sentence, before sentence `number`."""
    return replace(plan, sentences=(*plan.sentences[:number], sentence, *plan.sentences[number:]))
