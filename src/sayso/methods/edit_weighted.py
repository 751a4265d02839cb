"""Learn the edit: more from the words it changed than from those it kept, and push down the words it took out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import takewhile
from typing import TYPE_CHECKING, Literal, NamedTuple

from sayso.batches import Batch, Row
from sayso.errors import SettingsError
from sayso.losses.unlikelihood import edited
from sayso.records import Span, finds_fault, praises, spans_of

if TYPE_CHECKING:
    from sayso.losses.loss import Loss
    from sayso.models import Policy, Scorer
    from sayso.records import Comment, Example


@dataclass(frozen=True, kw_only=True, slots=True)
class EditWeighted:
    """Learn the edit: more from the words it changed than from those it kept, and push down the words it took out.

    Source:
        FIGA (arXiv 2311.04072) and SALT (arXiv 2310.05857); spans of comments beside the alignment are ours.
    Wants:
        A response and a refinement that changes little of it. Spans of comments are used where there are some.
    Loss:
        -sum alpha log pi(changed token) - sum kept log pi(kept token) over the refinement
        -sum beta [-log pi < gate] log(1 - pi(removed or marked token)) over the response,
        divided by the sum of these weights over a step.
    Differs:
        FIGA adds beta log pi of removed tokens, which has no bound below its gate; here it is log(1 - pi), as in SALT. Kept
        tokens are learnt a little (FIGA: not at all; SALT: like the others), or a small model loses its footing. Beside the
        inserted tokens and the end, the token after a cut counts as changed: it is where a cut shows. What the refinement
        says in the same words from its start is never pushed down, nor is what a comment praises; a mark on the whole
        response points at nothing and is not read.
    """

    learning_rate: float = 4e-4
    """Peak rate with LoRA on a model of about half a billion parameters; one of a few million wants 3e-3 to 1.4e-2."""
    alpha: float = 1.0
    """Weight of the refinement's tokens that the edit put there, of the one after a cut, and of the end of the answer."""
    kept: float = 0.2
    """Weight of the refinement's tokens that stood in the response already; 0: they are context."""
    beta: float = 0.5
    """Weight of the response's tokens that are pushed down; 0: none are."""
    gate: float | None = 0.6
    """Tokens are pushed down while their -log pi is below this, in nats (0.6: while pi is above 0.55); empty: always."""
    spans: Literal["add", "narrow", "ignore"] = "add"
    """What a comment's spans do: push down what they mark beside what the edit removed; push down of what the edit removed
    only what they mark (`narrow`; where nothing is marked, all of it); or nothing."""

    def __post_init__(self) -> None:
        for name, least in (("alpha", 0.0), ("kept", 0.0), ("beta", 0.0), ("gate", 0.0)):
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise SettingsError(
                    "{key}: found {found!r}; expected a number of at least {least}", key=name, found=value, least=least
                )

    @property
    def group(self) -> int:
        """The refinement and the response are rows of their own: nothing compares them."""
        return 1

    @property
    def wants(self) -> frozenset[str]:
        """It reads the response and the refinement; spans only where there are some."""
        return frozenset({"response", "refinement"})

    @property
    def uses_reference(self) -> bool:
        """The frozen model is not asked."""
        return False

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield the refinement, and the response where something of it is to be pushed down (weights below 0)."""
        for example in examples:
            if example.refinement is None or example.response is None:
                continue
            context = policy.encode_prompt(example.prompt)
            label = example.label
            better = policy.encode_response(example.refinement.text)
            worse = policy.encode_response(example.response.text)
            edit = align(worse, better)
            learnt = [self.alpha if new else self.kept for new in edit.changed]
            if any(learnt):
                yield _row(context, better, learnt, label)
            lowered = self._lowered(example, edit, policy)
            if lowered and self.beta:
                weights = [-self.beta if place in lowered else 0.0 for place in range(len(worse))]
                yield _row(context, worse, weights, f"{label} (response)")

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the loss summed over what is raised and pushed down, and the sum of its weights."""
        return edited(policy.token_logprobs(batch), batch.weights, gate=self.gate)

    def _lowered(self, example: Example, edit: Edit, policy: Policy) -> set[int]:
        """Return which tokens of the response are to be pushed down."""
        faults = () if self.spans == "ignore" else tuple(filter(finds_fault, example.comments))
        pointed = _marked(example, faults, policy, but_whole=True)
        if self.spans == "narrow" and pointed:
            pushed = edit.removed & pointed
        else:
            pushed = edit.removed | {place for place in pointed if place >= edit.shared}
        return pushed - _marked(example, tuple(filter(praises, example.comments)), policy)


class Edit(NamedTuple):
    """What an edit did, token by token."""

    removed: set[int]
    """Places in the first sequence that did not come into the second."""
    changed: list[bool]
    """For each token of the second: whether the edit put it there, cut something right before it, or it is the end."""
    shared: int
    """How many first tokens both have in common."""


def align(worse: Sequence[int], better: Sequence[int]) -> Edit:
    """Return what turns `worse` into `better`, by the longest runs of token ids that both have."""
    removed: set[int] = set()
    changed = [False] * len(better)
    for kind, start, end, first, last in SequenceMatcher(None, worse, better, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        removed.update(range(start, end))
        changed[first : max(last, first + 1)] = [True] * (max(last, first + 1) - first)
    changed[-1] = True
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(worse, better, strict=False)))
    return Edit(removed=removed, changed=changed[: len(better)], shared=shared)


def _marked(example: Example, comments: tuple[Comment, ...], policy: Policy, *, but_whole: bool = False) -> set[int]:
    """Return which tokens of the response these comments' spans mark; `but_whole`: none by those that mark all of it."""
    assert example.response is not None
    text = example.response.text
    left_out = {"", text.strip()} if but_whole else {""}
    spans = [_trimmed(span) for span in spans_of(replace(example, comments=comments))]
    places = [(span.start, span.end) for span in spans if span.quote not in left_out]
    return {place for tokens in policy.token_spans(text, places) for place in tokens} if places else set()


def _trimmed(span: Span) -> Span:
    """Return the span without the white space at its ends: a token that begins with a space is a word of its own."""
    start = span.start + len(span.quote) - len(span.quote.lstrip())
    return Span(start=start, end=start + len(span.quote.strip()), quote=span.quote.strip())


def _row(context: Sequence[int], answer: Sequence[int], weights: Sequence[float], label: str) -> Row:
    return Row(ids=(*context, *answer), weights=(*(0.0 for _ in context), *weights), label=label)
