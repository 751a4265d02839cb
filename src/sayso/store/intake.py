"""What is new among records on their way in, and what is refused: pure decisions, no SQL.

An `Intake` starts with what the store already knows of the ids in question, admits records one by one, and ends as the
lists of what to write. A record that is refused leaves the intake as it was.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sayso.errors import RecordError
from sayso.i18n import say
from sayso.records import Comment, Prompt, Refinement, Response
from sayso.store.bodies import encode, same
from sayso.store.rules import comment_problems, prompt_problems, refinement_problems, response_problems


@dataclass(kw_only=True, slots=True)
class Intake:
    """Records by id, known and new alike, and which of them are to be written."""

    prompts: dict[str, Prompt] = field(default_factory=dict)
    responses: dict[str, Response] = field(default_factory=dict)
    comments: dict[str, Comment] = field(default_factory=dict)
    refinements: dict[str, Refinement] = field(default_factory=dict)
    new_prompts: dict[str, Prompt] = field(default_factory=dict)
    placed: dict[str, Prompt] = field(default_factory=dict)
    """Prompts known without a family or a split, which have one now."""
    new_responses: list[Response] = field(default_factory=list)
    new_comments: list[Comment] = field(default_factory=list)
    superseded: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of ids: the older comment, and the one that supersedes it."""
    new_refinements: list[Refinement] = field(default_factory=list)


def admit_comment(intake: Intake, comment: Comment) -> bool:
    """Take a comment in, with the response and prompt it carries; False when it is known already.

    Raises:
        RecordError: it breaks a rule, has another's id, or supersedes a comment that nobody knows.
    """
    _raise_first(comment_problems(comment))
    encode(comment)
    known = intake.comments.get(comment.id)
    if known is not None:
        if not same(dataclasses.replace(comment, status=known.status), known):
            raise _clash("id", comment.id)
        return False
    for number, older in enumerate(comment.supersedes):
        _require(intake.comments, older, f"supersedes[{number}]")
    if comment.response is not None:
        _carry(intake, comment.response)
    intake.comments[comment.id] = comment
    intake.new_comments.append(comment)
    intake.superseded += [(older, comment.id) for older in comment.supersedes]
    return True


def admit_refinement(intake: Intake, refinement: Refinement) -> bool:
    """Take a refinement in, with the response it improves on; False when it is known already.

    Raises:
        RecordError: it breaks a rule, has another's id, or addresses a comment that nobody knows.
    """
    _raise_first(refinement_problems(refinement))
    encode(refinement)
    known = intake.refinements.get(refinement.id)
    if known is not None:
        if not same(refinement, known):
            raise _clash("refinement.id", refinement.id)
        return False
    for number, comment_id in enumerate(refinement.addresses):
        _require(intake.comments, comment_id, f"refinement.addresses[{number}]")
    _carry(intake, refinement.response)
    intake.refinements[refinement.id] = refinement
    intake.new_refinements.append(refinement)
    return True


def admit_response(intake: Intake, response: Response) -> bool:
    """Take a response in, with its prompt; False when it is known already.

    Raises:
        RecordError: it breaks a rule, or another response has its id.
    """
    _raise_first(response_problems(response))
    encode(response)
    return _carry(intake, response)


def admit_prompt(intake: Intake, prompt: Prompt) -> bool:
    """Take a prompt in; False when it is known already. A known prompt gains a family or a split it had not.

    Raises:
        RecordError: it breaks a rule, another prompt has its id, or it is in another family or split already.
    """
    _raise_first(prompt_problems(prompt))
    encode(prompt)
    known = intake.prompts.get(prompt.id)
    if known is None:
        intake.prompts[prompt.id] = prompt
        intake.new_prompts[prompt.id] = prompt
        return True
    if known.messages != prompt.messages:
        raise _clash("id", prompt.id)
    _place(intake, known, prompt)
    return False


def _place(intake: Intake, known: Prompt, prompt: Prompt) -> None:
    for name, old, new in (("family", known.family, prompt.family), ("split", known.split, prompt.split)):
        if old is not None and new is not None and old != new:
            raise RecordError(
                "{field}: found {new!r}, but prompt {id!r} is in {old!r} already; expected the same, or none",
                field=name, new=new, old=old, id=prompt.id,
            )  # fmt: skip
    merged = dataclasses.replace(known, family=known.family or prompt.family, split=known.split or prompt.split)
    if merged != known:
        intake.prompts[prompt.id] = merged
        waiting = intake.new_prompts if prompt.id in intake.new_prompts else intake.placed
        waiting[prompt.id] = merged


def _carry(intake: Intake, response: Response) -> bool:
    """Take in a response and its prompt; the family and split of a prompt seen before stay as they were."""
    known = intake.responses.get(response.id)
    prompt = intake.prompts.get(response.prompt.id)
    if known is not None and _content(known) != _content(response):
        raise _clash("response.id", response.id)
    if prompt is not None and prompt.messages != response.prompt.messages:
        raise _clash("prompt.id", response.prompt.id)
    if prompt is None:
        intake.prompts[response.prompt.id] = response.prompt
        intake.new_prompts[response.prompt.id] = response.prompt
    if known is None:
        intake.responses[response.id] = response
        intake.new_responses.append(response)
    return known is None


def _content(response: Response) -> tuple[Any, ...]:
    return response.prompt.messages, response.text, response.version


def _require(known: Mapping[str, Comment], comment_id: str, name: str) -> None:
    if comment_id in known:
        return
    near = difflib.get_close_matches(comment_id, known, n=1)
    if near:
        raise RecordError(
            "{field}: no comment {id!r} comes before this one; did you mean {near!r}?",
            field=name,
            id=comment_id,
            near=near[0],
        )
    raise RecordError(
        "{field}: no comment {id!r} comes before this one; expected the id of one in the store or on an earlier line",
        field=name, id=comment_id,
    )  # fmt: skip


def _clash(name: str, record_id: str) -> RecordError:
    return RecordError(
        "{field}: {id!r} is taken by a record with other content; expected a new id "
        "(to replace an earlier comment, give its id in `supersedes`)",
        field=name, id=record_id,
    )  # fmt: skip


def _raise_first(problems: Iterator[RecordError]) -> None:
    for problem in problems:
        raise problem


def named(kind: str, record_id: str, problem: RecordError) -> RecordError:
    """Return a problem with the record it was found in."""
    return RecordError("{kind} {id!r}: {problem}", kind=kind, id=record_id, problem=say(problem))


def ids_of(comments: Iterable[Comment], refinements: Iterable[Refinement] = ()) -> set[str]:
    """Return the ids of comments these records name: their own, superseded and addressed ones."""
    found: set[str] = set()
    for comment in comments:
        found |= {comment.id, *comment.supersedes}
    for refinement in refinements:
        found |= set(refinement.addresses)
    return found
