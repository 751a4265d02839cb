"""A number for an answer nobody has commented on yet: the share of the comments' checks that hold on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sayso.critics.checking import load_check
from sayso.critics.parts import is_sound
from sayso.critics.refiners import length_refusal
from sayso.errors import PreflightError
from sayso.records import Comment, Response

NAMED = 3
"""So many comments without a check are named in an error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What an answer earns, and the comments that it does not meet."""

    reward: float
    """From 0 to 1: the share of the checks that hold; 0 for a text that is no answer."""
    failing: tuple[Comment, ...]


def judge_of(
    comments: Sequence[Comment], response: Response | None = None, *, max_length_ratio: float = 3.0
) -> Callable[[str], Judged]:
    """Return what judges new answers by the comments' checks; `response` is what the comments were made on.

    An answer without a letter earns nothing, and neither does one that is so many times longer or shorter than the response
    (as for refinements: ten words more or less are always allowed, and a check may ask for another length): otherwise the
    shortest text that a check lets pass would be learnt.

    Raises:
        PreflightError: a comment has no check; the comments are named.
        NotFoundError: a check is not there.
        SettingsError: an argument of a check is wrong.
    """
    assert comments, "nothing to judge by"
    refuse_unchecked(comments)
    checks = [(comment, load_check(comment.check)) for comment in comments if comment.check is not None]

    def judge(text: str) -> Judged:
        failing = tuple(comment for comment, check in checks if not check(text).held)
        sound = is_sound(text)
        if response is not None:
            sound = sound and length_refusal(response, tuple(comments), text, max_length_ratio) is None
        return Judged(reward=(1 - len(failing) / len(checks)) * sound, failing=failing)

    return judge


def refuse_unchecked(comments: Iterable[Comment]) -> None:
    """Pass silently if every comment has a check.

    Raises:
        PreflightError: some have none; they are named.
    """
    known = {comment.id: comment for comment in comments}
    loose = [comment for comment in known.values() if comment.check is None]
    if loose:
        names = ", ".join(f"{comment.id} ({comment.text})" for comment in loose[:NAMED])
        raise PreflightError(
            "{count} of {of} comments have no check, so nothing can judge the answers that are drawn while training: "
            "{comments}; give them a check, name the others in learn_from, or choose a method that judges no new answers",
            count=len(loose), of=len(known), comments=names + (", ..." if loose[NAMED:] else ""),
        )  # fmt: skip
