"""The scope guard: the model's own answers on prompts where no comment applies, learnt beside the method's rows.

Source: the anchor of C3PO (arXiv 2402.10893, eq. 5): (1 - kd) NLL of the model's own answers + kd KL from the model before
training. Differs: it is added to every method, not to DPO alone; divergence is the default, where the paper's code uses
likelihood alone; and it weighs more than the paper's 0.1 near and 0.2 out, which is too little for small models.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sayso.batches import Batch, Row, collate, micro_batches, row
from sayso.errors import NoRoomError
from sayso.losses.anchoring import divergence
from sayso.models.forms.apart import States, apart
from sayso.models.forms.head import chunked
from sayso.training.engine import distributed
from sayso.training.engine.finite import not_finite
from sayso.training.engine.memory import needed
from sayso.training.engine.order import endless
from sayso.training.engine.remembering import Shown, row_key
from sayso.training.settings import Guard

if TYPE_CHECKING:
    from sayso.models import Policy, Scorer
    from sayso.models.writing.sampling import Sampling
    from sayso.records import Prompt

HELD_BYTES = 2**28
"""Of what is kept of the model before training; where the anchors take more, it is asked at every step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchors:
    """Rows that hold the model where no comment applies, and how strongly."""

    near: Sequence[Row] = ()
    out: Sequence[Row] = ()
    settings: Guard = field(default_factory=Guard)

    def kinds(self) -> tuple[tuple[str, Sequence[Row], float], ...]:
        """Return name, rows and weight of each kind that is in use."""
        if not self.settings.enabled:
            return ()
        both = (("near", self.near, self.settings.near_weight), ("out", self.out, self.settings.out_weight))
        return tuple(kind for kind in both if kind[1] and kind[2])


def own_answers(policy: Policy, prompts: Sequence[Prompt], sampling: Sampling) -> list[tuple[Prompt, str]]:
    """Return each prompt with what the model answers now, before training."""
    return list(zip(prompts, policy.generate(prompts, sampling), strict=True))


def anchor_rows(policy: Policy, prompts_with_answers: Iterable[tuple[Prompt, str]]) -> list[Row]:
    """Return one row a prompt and the model's own answer to it."""
    return [
        row(policy.encode_prompt(prompt), policy.encode_response(text), label=f"anchor {prompt.id}")
        for prompt, text in prompts_with_answers
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the model before training says of anchors, by the hash of each one's row."""

    rows: Mapping[bytes, Tensor] = field(default_factory=dict)
    """Of the targets of a row, what its output head reads (T, H), or log-probabilities of the vocabulary (T, V)."""
    head: nn.Linear | None = None
    """The head that reads them; None where they are log-probabilities."""

    def of(self, batch: Batch) -> Tensor | None:
        """Return what is known of all targets of a batch; None where some of its rows are new."""
        keys = [row_key(item) for item in batch.rows]
        return torch.cat([self.rows[key] for key in keys]) if all(key in self.rows for key in keys) else None


def remembered(policy: Policy, reference: Scorer, anchors: Anchors, *, num_steps: int, max_tokens: int) -> Known:
    """Return what the model before training says of the anchors, asked once for the whole run.

    Only kinds whose anchors all come up in so many steps are asked about, and nothing is known where all of it would take
    more than `HELD_BYTES`. The rows go through in one fixed order, so that a run that is taken up again finds the same
    numbers to the last bit.
    """
    if not anchors.settings.kl_share:
        return Known()
    most = num_steps * anchors.settings.rows_per_step
    rows = [item for _, kind, _ in anchors.kinds() if len(kind) <= most for item in kind]
    targets, found, head = sum(item.num_targets for item in rows), dict[bytes, Tensor](), None
    for part in micro_batches(rows, group=1, max_tokens=max_tokens):
        try:
            with needed(part, 1):
                said, head = _said(reference, _together(policy, part))
        except NoRoomError:  # the steps have smaller micro-batches, and take less where that is too much
            return Known()
        if targets * said.shape[1] * said.element_size() > HELD_BYTES:
            return Known()
        pieces = torch.split(said, [item.num_targets for item in part])
        found |= {row_key(item): own.clone() for item, own in zip(part, pieces, strict=True)}
    return Known(rows=found, head=head)


def _said(reference: Scorer, batch: Batch) -> tuple[Tensor, nn.Linear | None]:
    shown = _states(reference, batch)
    return (shown.hidden.detach(), shown.head) if shown else (reference.distributions(batch).detach(), None)


def _states(model: Scorer, batch: Batch) -> States | None:
    return model.states(batch) if isinstance(model, Shown) else None


def _together(policy: Policy, rows: Sequence[Row]) -> Batch:
    return collate(rows, packed=policy.packed, pad_id=policy.pad_id, device=device_of(policy))


def backward(
    policy: Policy,
    reference: Scorer,
    anchors: Anchors,
    *,
    step: int,
    seed: int,
    max_tokens: int,
    known: Known = Known(),
) -> dict[str, float]:
    """Add the anchors' gradients of one step and return the mean loss of each kind, in nats a token.

    `known` is what `remembered` returned; the reference is asked about other rows. Of several processes each adds and
    returns its share, divided by the count of all: the shares add up.

    Raises:
        ModelError: a loss is not finite; the anchors are named.
        NoRoomError: a micro-batch does not fit into memory; the gradients are no use then.
    """
    rows = _of_step(anchors, step, seed)
    counts = _added((item.kind, sum(item.weights[1:])) for item in rows)
    factors = {name: weight / counts[name] for name, _, weight in anchors.kinds()}
    parts = list(micro_batches(distributed.share(rows, size=1), group=1, max_tokens=max_tokens))
    totals, failure = dict.fromkeys(counts, 0.0), None
    for part, counted in distributed.turns(policy, parts, idle=rows[:1]):
        with needed(part, 1):
            batch = _together(policy, part)
            values = batch.row_sums(batch.weights * _losses(policy, reference, batch, anchors.settings.kl_share, known))
            found = values.tolist()
            shares = values.new_tensor([factors[item.kind] if counted else 0.0 for item in part])
        if not all(map(math.isfinite, found)) and counted:
            failure = failure or not_finite(sum(found), part, step)
        with needed(part, 1):
            torch.autograd.backward((values * shares).sum())
        for name, total in _added(zip((item.kind for item in part), found, strict=True)).items() if counted else ():
            totals[name] += total
    if failure:
        raise failure
    return {name: total / counts[name] for name, total in totals.items()}


def _of_step(anchors: Anchors, step: int, seed: int) -> list[Row]:
    """Return the anchors of a step, each as a row of its kind."""
    size = anchors.settings.rows_per_step
    return [
        replace(item, kind=name)
        for name, rows, _ in anchors.kinds()
        for item in endless(rows, step=step, size=size, seed=seed)
    ]


def _added(amounts: Iterable[tuple[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, amount in amounts:
        found[name] = found.get(name, 0.0) + amount
    return found


def _losses(policy: Policy, reference: Scorer, batch: Batch, kl_share: float, known: Known) -> Float[Tensor, " M"]:
    """Return (1 - kl_share) NLL + kl_share KL(reference || policy) at every target of a batch."""
    if not kl_share:
        return -policy.token_logprobs(batch)
    said, head = known.of(batch), known.head
    if said is None:
        said, head = _said(reference, batch)
    now = _states(policy, batch) if head else None
    if head and now:
        far = apart(now, States(hidden=said, head=head))
        if kl_share == 1:
            return far
        likely = chunked(now.head, len(now.head.weight), now.hidden, batch.targets)
    else:
        table = policy.distributions(batch)
        far = divergence(torch.log_softmax(head(said).float(), dim=1) if head else said, table)
        likely = table.gather(1, batch.targets[:, None]).squeeze(1)
    return kl_share * far - (1 - kl_share) * likely


def device_of(policy: Policy) -> str:
    """Return where the policy's weights are."""
    return str(next(policy.module.parameters()).device)
