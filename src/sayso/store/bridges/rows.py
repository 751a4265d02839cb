"""What training files can say of the records: a better response, a pair, a mark; and what of the records they cannot.

Prompts of the test split are never written: what is measured on must not be learnt from. Comments that were withdrawn or
superseded are history, and a refinement that addresses only such comments is not written either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sayso.i18n import gettext as _
from sayso.records import Prompt, Refinement, Response
from sayso.store.bridges.leftover import held_back, unjudged, unsaid
from sayso.store.bridges.results import Lost, Records, tally

RowType = TypeVar("RowType")


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen(Generic[RowType]):
    """Rows to write, and what of the records is not in them."""

    rows: tuple[RowType, ...]
    lost: tuple[Lost, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Better:
    """A prompt with a response that is better than another."""

    prompt: Prompt
    chosen: str
    rejected: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """A prompt with a response that is wanted, or not."""

    prompt: Prompt
    text: str
    good: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A prompt with what was said of the responses to it."""

    prompt: Prompt
    words: str


def better(records: Records) -> Chosen[Better]:
    """Return a row for every refinement that may be learnt from."""
    found, gone = _refinements(records)
    kept = tuple(Better(prompt=item.response.prompt, chosen=item.text, rejected=item.response.text) for item in found)
    worse = [("refinement.response", _("a file of good answers has no worse ones"))] * len(found)
    return Chosen(
        rows=kept,
        lost=tally([*held_back(records), *unsaid(records), *gone, *worse, *_unpaired(records), *_verdicts(records)]),
    )


def pairs(records: Records) -> Chosen[Better]:
    """Return a row for every refinement that differs from the response it improves on."""
    found, gone = _refinements(records)
    kept = [
        Better(prompt=item.response.prompt, chosen=item.text, rejected=item.response.text)
        for item in found
        if item.text != item.response.text
    ]
    gone += [("refinement", _("it is the same as its response"))] * (len(found) - len(kept))
    return Chosen(
        rows=tuple(kept),
        lost=tally([*held_back(records), *unsaid(records), *gone, *_unpaired(records), *_verdicts(records)]),
    )


def marked(records: Records) -> Chosen[Marked]:
    """Return a row for every refinement (wanted), and for every response that is praised (wanted) or criticised (not).

    A verdict of the reviewers counts before their comments; where both speak both ways, the response is left out.
    """
    found, gone = _refinements(records)
    rows = [Marked(prompt=item.response.prompt, text=item.text, good=True) for item in found]
    kinds, improved = _kinds(records), {item.response.id for item in found if item.text != item.response.text}
    for response in _responses(records).values():
        good = _liked(kinds.get(response.id, set()), records.verdicts.get(response.id, ()), better=response.id in improved)
        if response.prompt.split == "test":
            gone.append(("response", _("its prompt is of the test split")))
        elif good is None:
            gone.append(("response", _("it is neither praised nor criticised, or both")))
        else:
            rows.append(Marked(prompt=response.prompt, text=response.text, good=good))
    return Chosen(rows=tuple(rows), lost=tally([*held_back(records), *unsaid(records), *gone]))


def told(records: Records) -> Chosen[Told]:
    """Return a row for every prompt with open comments on responses to it."""
    words: dict[str, list[str]] = {}
    prompts: dict[str, Prompt] = {}
    lost = [*held_back(records), *((name, why) for name, why in unsaid(records) if name != "comment.text")]
    for comment in records.comments:
        if comment.status == "open" and comment.response is not None and comment.response.prompt.split != "test":
            prompts[comment.response.prompt.id] = comment.response.prompt
            words.setdefault(comment.response.prompt.id, []).append(comment.text)
    lost += [("refinement", _("the file has prompts and words only"))] * len(records.refinements)
    lost += _verdicts(records)
    lost += [("response", _("the file has prompts and words only"))] * len(_responses(records))
    rows = tuple(Told(prompt=prompts[name], words="\n".join(said)) for name, said in words.items())
    return Chosen(rows=rows, lost=tally(lost))


def learnable_prompts(records: Records) -> Chosen[Prompt]:
    """Return every prompt, once, that is not for testing."""
    found = {prompt.id: prompt for prompt in _prompts(records)}
    kept = tuple(prompt for prompt in found.values() if prompt.split != "test")
    lost = [("prompt", _("it is of the test split"))] * (len(found) - len(kept))
    lost += [("prompt.family", "")] * sum(prompt.family is not None for prompt in kept)
    lost += _verdicts(records)
    lost += [("comment", _("the file has prompts only"))] * len(records.comments)
    lost += [("refinement", _("the file has prompts only"))] * len(records.refinements)
    lost += [("response", _("the file has prompts only"))] * len(records.responses)
    return Chosen(rows=kept, lost=tally(lost))


def single_turns(found: Chosen[RowType]) -> Chosen[RowType]:
    """Leave out the rows whose prompt is more than a single turn of the user."""
    kept = tuple(row for row in found.rows if _is_single(row.prompt))  # type: ignore[attr-defined]
    gone = len(found.rows) - len(kept)
    more = (
        (Lost(what="prompt", count=gone, reason=_("a conversation of several turns has no form in texts")),) if gone else ()
    )
    return Chosen(rows=kept, lost=found.lost + more)


def _is_single(prompt: Prompt) -> bool:
    return len(prompt.messages) == 1 and prompt.messages[0].role == "user"


def _refinements(records: Records) -> tuple[list[Refinement], list[tuple[str, str]]]:
    """Return the refinements that may be learnt from, and why the others may not."""
    status = {comment.id: comment.status for comment in records.comments}
    found, gone = [], []
    for item in records.refinements:
        if item.response.prompt.split == "test":
            gone.append(("refinement", _("its prompt is of the test split")))
        elif item.id in records.rejected:
            gone.append(("refinement", _("the reviewers rejected it")))
        elif item.addresses and all(status.get(name, "open") != "open" for name in item.addresses):
            gone.append(("refinement", _("the comments it addresses were withdrawn or superseded")))
        else:
            found.append(item)
    return found, gone


def _liked(kinds: set[str], verdicts: Sequence[str], *, better: bool) -> bool | None:
    """Say whether a response is wanted: by the verdicts on it, else by there being a better one, else by the comments."""
    if verdicts:
        good = {verdict == "good" for verdict in verdicts}
        return good.pop() if len(good) == 1 else None
    if better:
        return False
    criticised = bool(kinds & {"fix", "concern"})
    return None if ("keep" in kinds) == criticised else not criticised


def _kinds(records: Records) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for comment in records.comments:
        if comment.status == "open" and comment.response is not None:
            found.setdefault(comment.response.id, set()).add(comment.kind)
    return found


def _responses(records: Records) -> dict[str, Response]:
    """Return every response by its id, whatever carries it."""
    found = {item.id: item for item in records.responses}
    found |= {item.response.id: item.response for item in records.comments if item.response is not None}
    return found | {item.response.id: item.response for item in records.refinements}


def _verdicts(records: Records) -> list[tuple[str, str]]:
    return [item for item in unjudged(records) if item[0] == "verdict"]


def _unpaired(records: Records) -> list[tuple[str, str]]:
    improved = {item.response.id for item in records.refinements}
    return [("response", _("it has no refinement"))] * sum(name not in improved for name in _responses(records))


def _prompts(records: Records) -> Iterator[Prompt]:
    yield from records.prompts
    for response in _responses(records).values():
        yield response.prompt
