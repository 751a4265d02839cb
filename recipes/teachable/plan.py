"""A response is a plan that is rendered, so that a comment can be obeyed by the smallest change of the plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from recipes.teachable.words import capital, long_forms, numbers
from recipes.teachable.world import Triple

Kind = Literal["open", "fact", "ask", "thanks", "sorry", "please", "aside", "close", "question"]
Mark = Literal[".", "!", "?"]
Layout = Literal["prose", "bullets", "lines"]


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
    seed: int = 0
    """What the edits draw from."""


def render(plan: Plan) -> str:
    """Return the text of a plan."""
    lines = [f"Subject: {plan.subject}"] if plan.subject else []
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
    return "\n".join(lines)


def _body(plan: Plan) -> list[str]:
    written = [_sentence(plan, sentence) for sentence in plan.sentences]
    if plan.layout == "prose":
        return [" ".join(written)]
    if plan.layout == "lines":
        return written
    lines: list[str] = []
    joined = False
    for sentence, text in zip(plan.sentences, written, strict=True):
        bullet = sentence.kind in ("fact", "ask")
        if joined and not bullet:
            lines[-1] += " " + text
        else:
            lines.append(f"- {text}" if bullet else text)
        joined = not bullet
    return lines


def _sentence(plan: Plan, sentence: Sentence) -> str:
    return capital(_voice(plan, sentence.text)) + sentence.mark + (f" {sentence.emoji}" if sentence.emoji else "")


def _voice(plan: Plan, text: str) -> str:
    text = numbers(text, digits=plan.digits)
    return text if plan.short_forms else long_forms(text)


def with_sentence(plan: Plan, number: int, **changes: object) -> Plan:
    """Return the plan with one of its sentences changed."""
    changed = replace(plan.sentences[number], **changes)  # type: ignore[arg-type]
    return replace(plan, sentences=(*plan.sentences[:number], changed, *plan.sentences[number + 1 :]))


def insert(plan: Plan, number: int, sentence: Sentence) -> Plan:
    """Return the plan with one more sentence, before sentence `number`."""
    return replace(plan, sentences=(*plan.sentences[:number], sentence, *plan.sentences[number:]))
