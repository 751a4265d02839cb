"""What could not be learnt from is said before training starts, with the rows named; and the facts that `plan` shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import torch

from sayso.critics import conflicts
from sayso.critics.checking import load_check
from sayso.errors import NotFoundError, PreflightError, SettingsError
from sayso.i18n import say
from sayso.records import Comment, finds_fault, praises, spans_of
from sayso.training.engine.naming import name_examples, name_rows, named
from sayso.training.rules import limit
from sayso.training.signs import Signs, duplicates, look
from sayso.training.warnings import Warned, warnings_of, without_rest

if TYPE_CHECKING:
    from sayso.batches import Row
    from sayso.methods import Method
    from sayso.models import Policy
    from sayso.records import Example
    from sayso.text.tokens import Facts
    from sayso.training.engine.guard import Anchors

Learnt = Literal["context", "learnt", "lowered"]
_MARKS = {"context": "{}", "learnt": "«{}»", "lowered": "‹{}›"}


@runtime_checkable
class Cautious(Protocol):
    """A method that knows what speaks against its own settings."""

    def cautions(self) -> list[str]:
        """Return what to know before training with these settings, a sentence each."""
        ...


@runtime_checkable
class Counted(Protocol):
    """Rows that were counted when they were written, because there are too many of them to look at again."""

    @property
    def facts(self) -> Facts:
        """Their counts."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A run of tokens of a row, as text, and what is done with it."""

    text: str
    part: Learnt


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a run would learn from, without running it."""

    rows: int
    groups: int
    tokens: int
    targets: int
    """Tokens that carry loss."""
    longest: int
    """Tokens of the longest row."""
    signs: Signs
    """What the examples in scope show."""
    near_anchors: int
    out_anchors: int
    pieces: tuple[tuple[Piece, ...], ...]
    """A few rows as text, run by run."""
    warned: tuple[Warned, ...]
    """What the rules warn of."""
    cautions: tuple[str, ...]
    """What the method says against its own settings."""

    @property
    def edit_ratio(self) -> float | None:
        """Share of words in which a response and its refinement differ, on average; None without pairs."""
        return self.signs.edit_ratio

    @property
    def families(self) -> int:
        """Different families of prompts among the examples."""
        return self.signs.families

    @property
    def shown(self) -> tuple[str, ...]:
        """The rows as one text each; what is learnt stands between « and », what is pushed down between ‹ and ›."""
        return tuple("".join(_MARKS[piece.part].format(piece.text) for piece in row) for row in self.pieces)

    @property
    def warnings(self) -> tuple[str, ...]:
        """All of it as sentences."""
        return (*(item.sentence for item in self.warned), *self.cautions)


def examine(method: Method, policy: Policy, examples: Sequence[Example], rows: Sequence[Row]) -> None:
    """Pass silently if these examples, and the rows made of them, can be learnt from.

    Raises:
        PreflightError: they cannot; the first few examples or rows are named, and how many there are.
    """
    examine_examples(method, examples)
    check_rows(rows, policy, group=method.group)
    _examine_skipped(method, rows)
    check_model(policy)


def examine_examples(method: Method, examples: Sequence[Example]) -> None:
    """Pass silently if these examples have what the method reads, and nothing in them is broken.

    Raises:
        PreflightError: they have not; the first few are named, and how many there are.
    """
    if not examples:
        raise PreflightError("there is no example to learn from; comment on responses first, or import some")
    _examine_parts(method, examples)
    _examine_words(examples)
    _examine_comments([comment for example in examples for comment in example.comments])
    if "fault or praise" in method.wants:
        _examine_faults(examples)
    if {"response", "refinement"} <= method.wants:
        _examine_pairs(examples)
    _examine_repeated(examples)


def usable(method: Method, examples: Iterable[Example]) -> tuple[list[Example], list[Example]]:
    """Return the examples that have everything the method reads, and those that lack something."""
    have: list[Example] = []
    lack: list[Example] = []
    for example in examples:
        (lack if lacking(method, example) else have).append(example)
    return have, lack


def lacking(method: Method, example: Example) -> list[str]:
    """Return what the method reads and the example has not, by name; near and out of scope that is the response alone."""
    wanted = method.wants if example.scope == "in" else method.wants & {"response"}
    has = {
        "response": example.response is not None,
        "comment": bool(example.comments),
        "refinement": example.refinement is not None,
        "spans": bool(spans_of(example)),
        "fault or praise": any(finds_fault(comment) or praises(comment) for comment in example.comments),
        "scalar": any(comment.polarity is not None for comment in example.comments),
    }
    return sorted(part for part in wanted if not has.get(part, True))


def check_rows(rows: Sequence[Row], policy: Policy, *, group: int) -> None:
    """Pass silently if rows can be learnt from: there are some, in whole groups, with targets, within the context.

    Raises:
        PreflightError: they cannot; the first few are named.
    """
    if not rows:
        raise PreflightError("there are no rows to learn from; check that the examples have what the method reads")
    if isinstance(rows, Counted) and not len(rows) % group and _counted_well(rows.facts, policy):
        return
    if len(rows) % group:
        raise PreflightError(
            "{count} rows do not make whole groups of {group}; a method yields its groups whole",
            count=len(rows),
            group=group,
        )
    broken = [item for item in rows if not all(map(math.isfinite, item.weights))]
    if broken:
        raise PreflightError(
            "{count} of {of} rows have weights that are no finite numbers: {rows}; look for a division by 0 where they come "
            "from",
            count=len(broken), of=len(rows), rows=name_rows(broken),
        )  # fmt: skip
    empty = [item for item in rows if not item.num_targets]
    if len(empty) == len(rows):
        raise PreflightError("none of the {count} rows carries loss: no token of them is a target", count=len(rows))
    if empty:
        raise PreflightError(
            "{count} of {of} rows carry no loss, every token of them is masked: {rows}; write an answer for them, or leave "
            "them out",
            count=len(empty), of=len(rows), rows=name_rows(empty),
        )  # fmt: skip
    long = [item for item in rows if len(item.ids) > policy.max_length]
    if long:
        raise PreflightError(
            "{count} of {of} rows are longer than the model's context of {limit} tokens: {rows}; shorten or leave out their "
            "prompts, nothing is cut silently",
            count=len(long), of=len(rows), limit=policy.max_length, rows=name_rows(long),
        )  # fmt: skip


def _counted_well(facts: Facts, policy: Policy) -> bool:
    """Whether what was counted when the rows were written says that all can be learnt from; if not, they are looked at."""
    return facts.silent == 0 and facts.longest <= policy.max_length


def describe(
    method: Method,
    examples: Sequence[Example],
    rows: Sequence[Row],
    *,
    decode: Callable[[Sequence[int]], str],
    anchors: Anchors | None = None,
    num_shown: int = 3,
) -> Plan:
    """Return the facts of a run before it starts; `decode` turns token ids into text."""
    near, out = (sum(item.scope == scope for item in examples) for scope in ("near", "out"))
    if anchors and anchors.settings.enabled:
        near, out = near + len(anchors.near), out + len(anchors.out)
    signs = look(examples)
    return Plan(
        rows=len(rows),
        groups=len(rows) // method.group,
        tokens=sum(len(item.ids) for item in rows),
        targets=sum(item.num_targets for item in rows),
        longest=max((len(item.ids) for item in rows), default=0),
        signs=signs,
        near_anchors=near,
        out_anchors=out,
        pieces=tuple(_pieces(item, decode) for item in rows[:num_shown]),
        warned=tuple(warnings_of(method, examples, rows, signs, (near, out))),
        cautions=tuple(method.cautions() if isinstance(method, Cautious) else ()),
    )


def check_model(policy: Policy) -> None:
    """Pass silently if every weight of the model is a finite number.

    Raises:
        PreflightError: some are not; the first few tensors are named.
    """
    broken = [name for name, tensor in policy.module.named_parameters() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise PreflightError(
            "the model {name} has weights that are no finite numbers: {tensors}; an earlier run broke it: go back to an "
            "earlier version (sayso rollback)",
            name=policy.name, tensors=named(broken),
        )  # fmt: skip


def _examine_skipped(method: Method, rows: Sequence[Row]) -> None:
    short = without_rest(method, rows)
    if short and len(short) == len(rows[:: method.group]):
        raise PreflightError(
            "none of the {count} answers has a target after its first {skipped} tokens, which this method skips: {rows}; "
            "set skip_first lower, or choose another method",
            count=len(short), skipped=getattr(method, "skip_first", 0), rows=name_rows(short),
        )  # fmt: skip


def _examine_words(examples: Sequence[Example]) -> None:
    """Refuse what has no words, or the wrong ones."""
    silent = [item for item in examples if any(not comment.text.strip() for comment in item.comments)]
    if silent:
        raise PreflightError(
            "{count} of {of} examples have a comment without words: {examples}; say what is wrong, or leave them out",
            count=len(silent), of=len(examples), examples=name_examples(silent),
        )  # fmt: skip
    empty = [item for item in examples if item.refinement and not item.refinement.text.strip()]
    if empty:
        raise PreflightError(
            "{count} of {of} refinements are empty: {examples}; write them, or leave them out",
            count=len(empty), of=len(examples), examples=name_examples(empty),
        )  # fmt: skip
    echoed = [item for item in examples if item.refinement and item.refinement.text.strip() == item.prompt.text.strip()]
    if echoed:
        raise PreflightError(
            "{count} of {of} refinements are their own prompts again: {examples}; look whether two columns were mixed up",
            count=len(echoed), of=len(examples), examples=name_examples(echoed),
        )  # fmt: skip


def _examine_comments(comments: Iterable[Comment]) -> None:
    """Refuse comments whose check cannot be asked, and pairs of them that cannot both be met."""
    known = {comment.id: comment for comment in comments}
    for comment in known.values():
        if comment.check is not None:
            try:
                load_check(comment.check)
            except (NotFoundError, SettingsError) as error:
                raise PreflightError(
                    "comment {id!r} ({text}): its check cannot be loaded: {reason}",
                    id=comment.id, text=comment.text, reason=say(error),
                ) from error  # fmt: skip
    conflicts.refuse(conflicts.contradictory(known.values()))


def _examine_faults(examples: Sequence[Example]) -> None:
    if not any(finds_fault(item) for example in examples for item in example.comments):
        raise PreflightError(
            "all of the {count} examples are praised, and this method looks for words that are wrong: {examples}; add "
            "comments that find fault, or choose another method, such as polarity",
            count=len(examples), examples=name_examples(examples),
        )  # fmt: skip


def _examine_repeated(examples: Sequence[Example]) -> None:
    inside = [example for example in examples if example.scope == "in"]
    again = duplicates(inside)
    if len(again) > limit("repeated") * len(inside):
        raise PreflightError(
            "{count} of {of} examples repeat an earlier one: {examples}; more than {share:.0%} is refused: leave them out",
            count=len(again), of=len(inside), examples=name_examples(again), share=limit("repeated"),
        )  # fmt: skip


def _examine_parts(method: Method, examples: Sequence[Example]) -> None:
    lack = [example for example in examples if lacking(method, example)]
    if lack:
        missing = sorted({part for example in lack for part in lacking(method, example)})
        raise PreflightError(
            "{count} of {of} examples have no {missing}, which this method reads: {examples}; add it, leave these out, or "
            "choose another method",
            count=len(lack), of=len(examples), missing=", ".join(missing), examples=name_examples(lack),
        )  # fmt: skip


def _examine_pairs(examples: Sequence[Example]) -> None:
    same = [item for item in examples if item.response and item.refinement and item.response.text == item.refinement.text]
    if same:
        raise PreflightError(
            "{count} of {of} refinements equal the response they refine: {examples}; a pair must differ, so refine them or "
            "leave them out",
            count=len(same), of=len(examples), examples=name_examples(same),
        )  # fmt: skip


def _pieces(item: Row, decode: Callable[[Sequence[int]], str]) -> tuple[Piece, ...]:
    """Return a row as runs of tokens that are read, learnt or pushed down."""
    parts: dict[int, Learnt] = {0: "context", 1: "learnt", -1: "lowered"}
    runs = groupby(zip(item.ids, item.weights, strict=True), lambda pair: (pair[1] > 0) - (pair[1] < 0))
    return tuple(Piece(text=decode([token for token, _weight in run]), part=parts[sign]) for sign, run in runs)
