"""What must hold of a prompt, a response, a comment and a refinement before it is kept, from a file or from code.

One set of rules for both sides is what makes every stored comment exportable, and every export importable.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.records import Comment, Prompt, Refinement, Response, Span

MAX_ID_CHARACTERS = 200
_SHOWN_CHARACTERS = 60


def comment_problems(comment: Comment) -> Iterator[RecordError]:
    """Give every rule a comment breaks, with the field it breaks it in."""
    yield from _id_problems("id", comment.id)
    if not comment.text.strip():
        yield wrong("text", comment.text, _("words: what is wrong, or what should be written"))
    if comment.polarity is not None and not -1 <= comment.polarity <= 1:
        yield wrong("polarity", comment.polarity, _("a number from -1 (bad) to 1 (good)"))
    if comment.created and not _is_time(comment.created):
        yield wrong("created", comment.created, _("a time with its zone, such as 2026-01-31T09:30:00+08:00"))
    if comment.check is not None and not comment.check.name.strip():
        yield wrong("check.name", comment.check.name, _("the name of a check"))
    for number, older in enumerate(comment.supersedes):
        field = f"supersedes[{number}]"
        yield from _id_problems(field, older)
        if older == comment.id:
            yield wrong(field, older, _("the id of an earlier comment, not its own"))
    yield from _about_problems(comment)
    for number, probe in enumerate(comment.probes):
        yield from prompt_problems(probe.prompt, f"probes.{probe.scope}[{number}].prompt")


def response_problems(response: Response, field: str = "response") -> Iterator[RecordError]:
    """Give every rule a response breaks; an empty text is allowed, since models do write nothing."""
    yield from _id_problems(f"{field}.id", response.id)
    yield from prompt_problems(response.prompt, "prompt")


def prompt_problems(prompt: Prompt, field: str = "prompt") -> Iterator[RecordError]:
    """Give every rule a prompt breaks."""
    yield from _id_problems(f"{field}.id", prompt.id)
    if not prompt.messages:
        yield wrong("messages", [], _("at least one message"))
    elif prompt.messages[-1].role == "assistant":
        yield wrong("messages", "assistant", _("a last message that is not the model's own"))
    elif not prompt.text.strip():
        yield wrong(field, prompt.text, _("words to answer"))


def refinement_problems(refinement: Refinement) -> Iterator[RecordError]:
    """Give every rule a refinement breaks."""
    yield from _id_problems("refinement.id", refinement.id)
    if not refinement.text.strip():
        yield wrong("refinement", refinement.text, _("the words of a better response"))
    yield from response_problems(refinement.response)


def wrong(field: str, found: Any, expected: str) -> RecordError:
    """Return the error of a field that holds something else than expected."""
    return RecordError("{field}: found {found}, expected {expected}", field=field, found=shown(found), expected=expected)


def shown(value: Any) -> str:
    """Return a value as short JSON, fit for one line of a message."""
    try:
        text = json.dumps(value, ensure_ascii=False)
        text.encode()
    except (TypeError, UnicodeEncodeError):
        text = ascii(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _about_problems(comment: Comment) -> Iterator[RecordError]:
    if comment.response is None:
        if comment.spans:
            yield wrong("spans", len(comment.spans), _("no spans on a comment without a response"))
        return
    yield from response_problems(comment.response)
    for number, span in enumerate(comment.spans):
        yield from _span_problems(f"spans[{number}]", span, comment.response.text)


def _span_problems(field: str, span: Span, text: str) -> Iterator[RecordError]:
    if not 0 <= span.start < span.end <= len(text):
        expected = _("0 <= start < end <= {length}, the characters of the response").format(length=len(text))
        yield wrong(field, [span.start, span.end], expected)
    elif text[span.start : span.end] != span.quote:
        yield wrong(f"{field}.quote", span.quote, shown(text[span.start : span.end]))


def _id_problems(field: str, value: str) -> Iterator[RecordError]:
    if not value.strip() or len(value) > MAX_ID_CHARACTERS or any(letter < " " for letter in value):
        expected = _("1 to {most} characters, none of them a control character").format(most=MAX_ID_CHARACTERS)
        yield wrong(field, value, expected)


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
