"""Learn from praise and blame alone: make what was praised more probable and what was blamed less so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch

from sayso.batches import Batch, Row, row
from sayso.errors import PreflightError, SettingsError
from sayso.i18n import gettext as _
from sayso.losses.polarity import kto, reference_point
from sayso.records import Comment, Prompt, finds_fault, praises

if TYPE_CHECKING:
    from sayso.losses.loss import Loss
    from sayso.models import Policy, Scorer
    from sayso.records import Example

UPPER = 4 / 3
"""KTO's rule: weight times number of the desirable is 1 to 4/3 times that of the undesirable ."""
GOOD, BAD, SPARE, MISMATCHED = "desirable", "undesirable", "spare", "mismatched"


class Text(NamedTuple):
    """A response or refinement, and whether it is desirable."""

    prompt: Prompt
    text: str
    good: bool
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Polarity:
    """Learn from praise and blame alone: make what was praised more probable and what was blamed less so.

    Source:
        Kahneman-Tversky Optimization (arXiv 2402.01306); the unpaired form of APO-zero (2408.06266).
    Wants:
        Responses that were praised and responses that were blamed; of a comment it reads no words, only which of the two it
        is. A refinement counts as praised.
    Loss:
        lambda_D (1 - sigma(beta (D - z0))) where desirable, lambda_U (1 - sigma(beta (z0 - D))) where undesirable, averaged
        over the responses of a step; D = log pi(y|x) - log pi_ref(y|x), z0 = max(0, mean D of mismatched pairs), constant.
        apo_zero_unpaired: the same with z0 = 0.
    Differs:
        z0 is estimated over fixed groups of `group_size` responses, the paper's over a whole micro-batch: so it does not
        hang on how a step is cut. Each prompt is paired with the response of the next one in its group. The weights are
        balanced automatically unless given, the rarer class raised.
    """

    learning_rate: float = 2e-4
    """Peak rate with LoRA at about half a billion parameters; one of a few million wants 1.5e-3 to 8e-3."""
    beta: float = 0.1
    """How closely the policy is held to the reference; larger holds closer."""
    loss_type: Literal["kto", "apo_zero_unpaired"] = "kto"
    """`kto` measures from where the model has moved on answers at large (z0), `apo_zero_unpaired` from where it began."""
    refinements: bool = True
    """Whether a refinement counts as a desirable response beside the response it refines."""
    desirable_weight: float | None = None
    """lambda_D; empty: so that weight times number is 1 to 4/3 times that of the undesirable."""
    undesirable_weight: float | None = None
    """lambda_U; empty: by the same rule."""
    group_size: int = 4
    """Responses over which z0 is estimated, with as many mismatched pairs; a group of `kto` has twice as many rows."""

    def __post_init__(self) -> None:
        for key in ("beta", "desirable_weight", "undesirable_weight"):
            found = getattr(self, key)
            if found is not None and not found > 0:
                raise SettingsError("{key}: found {found!r}; expected a number above 0", key=key, found=found)
        if self.group_size < 2:
            raise SettingsError(
                "{key}: found {found!r}; expected a number of at least {least}",
                key="group_size",
                found=self.group_size,
                least=2,
            )

    @property
    def group(self) -> int:
        """The rows of `group_size` responses, then their mismatched pairs; a single row where there is no z0."""
        return 2 * self.group_size if self.loss_type == "kto" else 1

    @property
    def wants(self) -> frozenset[str]:
        """It reads responses and what was said of them, also of those that were only praised."""
        return frozenset({"response", "comment", "praise"})

    @property
    def uses_reference(self) -> bool:
        """The ratio is taken to the frozen model."""
        return True

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield groups of rows, each weighing what its class weighs; the last group is filled with spare rows.

        A spare row is one of the first texts again: it helps to estimate z0 and is not learnt. Examples of which was said
        neither good nor bad make no row.

        Raises:
            PreflightError: all texts are desirable, or all are undesirable.
        """
        texts = [text for example in examples for text in self._texts(example)]
        if not texts:
            return
        weights = self._weights(sum(text.good for text in texts), sum(not text.good for text in texts))
        if self.loss_type == "apo_zero_unpaired":
            yield from (_own(text, policy, weights) for text in texts)
            return
        size = self.group_size
        filled = [*texts, *islice(cycle(texts), -len(texts) % size)]
        for first in range(0, len(filled), size):
            members = filled[first : first + size]
            spare = max(0, first + size - len(texts))
            yield from (_own(text, policy, weights) for text in members[: size - spare])
            yield from (_other(text, text.text, policy, SPARE) for text in members[size - spare :])
            pairs = zip(members, _moved_on(members), strict=True)
            yield from (_other(text, other.text, policy, MISMATCHED) for text, other in pairs)

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the loss summed over the responses of a batch, and their number."""
        own, asked = batch.of_kind(GOOD, BAD), batch.of_kind(GOOD, BAD, MISMATCHED)
        learnt = torch.tensor([item.kind != MISMATCHED for item in asked.rows], device=asked.row_of.device)[asked.row_of]
        with torch.no_grad():
            held = reference.token_logprobs(asked)
            point = self._point(policy, held[~learnt], batch)
        return kto(
            own.row_sums(policy.token_logprobs(own) - held[learnt]),
            point,
            torch.tensor([item.kind == GOOD for item in own.rows], device=held.device),
            torch.tensor([item.weights[-1] for item in own.rows], device=held.device),
            beta=self.beta,
        )

    def _point(self, policy: Policy, held: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return z0 for each row that is learnt, its group's; `held` is what the reference says of the mismatched pairs."""
        groups = [number // self.group for number, item in enumerate(batch.rows) if item.kind in (GOOD, BAD)]
        if self.loss_type == "apo_zero_unpaired":
            return torch.zeros(len(groups), device=batch.ids.device)
        others = batch.of_kind(MISMATCHED)
        apart = others.row_sums(policy.token_logprobs(others) - held)
        return reference_point(apart.view(-1, self.group_size))[groups]

    def _texts(self, example: Example) -> Iterator[Text]:
        good = verdict(example.comments)
        label = example.label
        if example.response is not None and good is not None:
            yield Text(example.prompt, example.response.text, good, label)
        if self.refinements and example.refinement is not None:
            yield Text(example.prompt, example.refinement.text, good=True, label=f"{label} (refinement)")

    def _weights(self, goods: int, bads: int) -> dict[bool, float]:
        """Return what a text of each class weighs; what is not given follows the rule, the rarer class raised."""
        if not goods or not bads:
            raise PreflightError(
                "all {count} responses are {found}, and from one class alone a model learns to say more, or less, of all it "
                "says; add comments of the other kind, or refinements, which count as praised, or choose another method",
                count=goods or bads, found=_("praised") if goods else _("blamed"),
            )  # fmt: skip
        up, down = self.desirable_weight, self.undesirable_weight
        ratio = goods * (up or 1.0) / (bads * (down or 1.0))
        wanted = min(max(ratio, 1.0), UPPER) / ratio  # what the ratio has to be multiplied by
        if up is None and (wanted >= 1 or down is not None):
            up = wanted
        elif down is None:
            down = 1 / wanted
        return {True: up or 1.0, False: down or 1.0}


def verdict(comments: Sequence[Comment]) -> bool | None:
    """Return whether a response was praised (True), blamed (False), or neither, by what was said of it; blame prevails.

    A comment that is about no single response is blame: it is told with a response because that does not meet it. A question
    says neither.
    """
    told = [comment for comment in comments if comment.kind != "question"]
    if any(comment.response is None or finds_fault(comment) for comment in told):
        return False
    return True if any(praises(comment) for comment in told) else None


def _moved_on(members: Sequence[Text]) -> list[Text]:
    """Return the members moved on by one, or by the fewest that pair as few as can be with the prompt they answer."""

    def own(shift: int) -> int:
        return sum(members[n].prompt.id == members[(n + shift) % len(members)].prompt.id for n in range(len(members)))

    shift = min(range(1, len(members)), key=own)
    return [*members[shift:], *members[:shift]]


def _own(text: Text, policy: Policy, weights: dict[bool, float]) -> Row:
    context, answer = policy.encode_prompt(text.prompt), policy.encode_response(text.text)
    return row(context, answer, weight=weights[text.good], label=text.label, kind=GOOD if text.good else BAD)


def _other(text: Text, answer: str, policy: Policy, kind: str) -> Row:
    context = policy.encode_prompt(text.prompt)
    made = row(context, policy.encode_response(answer), label=f"{text.label} ({kind})", kind=kind)
    return replace(made, read_only=True)
