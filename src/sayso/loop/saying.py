"""A comment said on the command line becomes a record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sayso.critics.checking import load_check
from sayso.errors import SettingsError
from sayso.records import Check, Comment, Kind, Refinement, Response, ask


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What a comment is about, as words: a response to a prompt, or where it applies; and how it is counted."""

    prompt: str | None = None
    response: str | None = None
    scope: str = ""
    check: str | None = None
    args: Sequence[str] = ()
    """Of the check, as `key=value`."""
    refinement: str | None = None
    """A better response than the one it is about."""


def comment(text: str, about: About, *, kind: Kind = "fix", author: str = "", created: str = "") -> Comment:
    """Return the comment, its check verified.

    Raises:
        SettingsError: half a response, arguments without a check, or an argument the check does not take.
        NotFoundError: no check has this name.
    """
    check = _check(about)
    return Comment(
        text=text, response=_response(about), kind=kind, scope_text=about.scope, check=check, author=author, created=created
    )


def refinement(comment: Comment, about: About) -> Refinement | None:
    """Return the better response that came with the comment, or None.

    Raises:
        SettingsError: there is no response that it could be better than, or it has no words.
    """
    if about.refinement is None:
        return None
    if comment.response is None:
        raise SettingsError(
            "--refinement needs --prompt and --response; expected what the model was asked and what it wrote"
        )
    if not about.refinement.strip():
        raise SettingsError("--refinement {given!r}: expected the words of a better response", given=about.refinement)
    return Refinement(response=comment.response, text=about.refinement, addresses=(comment.id,))


def _response(about: About) -> Response | None:
    if (about.prompt is None) != (about.response is None):
        raise SettingsError(
            "--prompt and --response go together; expected both, or neither for a comment that stands for all answers"
        )
    if about.prompt is None or about.response is None:
        return None
    return Response(prompt=ask(about.prompt), text=about.response)


def _check(about: About) -> Check | None:
    if about.check is None:
        if about.args:
            raise SettingsError("--arg {given!r}: there is no check to give it to; add --check NAME", given=about.args[0])
        return None
    check = Check(name=about.check, args=dict(_pair(given) for given in about.args))
    load_check(check)
    return check


def _pair(given: str) -> tuple[str, Any]:
    key, equals, text = given.partition("=")
    if not equals or not key:
        raise SettingsError("--arg {given!r}: expected key=value, such as text=please", given=given)
    try:
        return key, json.loads(text)
    except json.JSONDecodeError:
        return key, text  # plain words need no quotes
