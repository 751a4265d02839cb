"""Prefer the refinement where the comment applies, and stay as it is near that scope and out of it, in one loss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING

import torch

from sayso.batches import Batch, Row, row
from sayso.errors import PreflightError, SettingsError
from sayso.losses.anchoring import anchor, divergence
from sayso.losses.loss import Loss
from sayso.losses.preference import dpo
from sayso.records import Scope

if TYPE_CHECKING:
    from sayso.models import Policy, Scorer
    from sayso.records import Example

CHOSEN, REJECTED = "chosen", "rejected"
HELD: tuple[Scope, ...] = ("near", "out")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scoped:
    """Prefer the refinement where the comment applies, and stay as it is near that scope and out of it, in one loss.

    Source:
        Contextualized Critiques with Constrained Preference Optimization, C3PO (arXiv 2402.10893, eq. 5).
    Wants:
        A response and its refinement in scope; and the model's own answers near the scope, out of it, or both.
    Loss:
        -log sigma(beta (D(refinement) - D(response))), D = log pi - log pi_ref, averaged over the pairs of a step,
        + near_weight * anchor(near) + out_weight * anchor(out), each averaged over its answers; the anchor of an answer is
        the mean over its tokens of (1 - kl_share) -log pi + kl_share KL(pi_ref || pi).
    Differs:
        The paper's sets are of one size; here the shorter ones are gone round again until the longest is through. The anchor
        is averaged over each answer first, and its divergence has temperature 1. Prompts and refinements are what the
        workspace has; the paper lets a strong model write them.
    """

    learning_rate: float = 2e-4
    """Peak rate with LoRA at about half a billion parameters; one of a few million wants 1.5e-3 to 3e-3."""
    beta: float = 0.1
    """How closely the policy is held to the reference on pairs; larger holds closer."""
    near_weight: float = 0.1
    """Weight of the answers near the scope (the paper's hard negatives)."""
    out_weight: float = 0.2
    """Weight of the answers out of scope (the paper's soft negatives)."""
    kl_share: float = 0.0
    """Share of the anchors' loss that is the divergence from the model before training; the rest is the likelihood of its
    own answers (the paper's kd)."""

    def __post_init__(self) -> None:
        for key in ("near_weight", "out_weight"):
            if not getattr(self, key) >= 0:
                raise SettingsError(
                    "{key}: found {found!r}; expected a number of at least {least}",
                    key=key,
                    found=getattr(self, key),
                    least=0,
                )
        if not self.beta > 0:
            raise SettingsError("{key}: found {found!r}; expected a number above 0", key="beta", found=self.beta)
        if not 0 <= self.kl_share <= 1:
            raise SettingsError("{key}: found {found!r}; expected a number from 0 to 1", key="kl_share", found=self.kl_share)

    @property
    def group(self) -> int:
        """A pair, then two answers that hold: one near and one out, or two of one kind where there is no other."""
        return 4

    @property
    def wants(self) -> frozenset[str]:
        """It reads the response and the refinement, and answers near and out of scope."""
        return frozenset({"response", "refinement", "anchors"})

    @property
    def uses_reference(self) -> bool:
        """The ratio is taken to the frozen model."""
        return True

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield groups of a refinement, the response it refines, and two answers that hold the model.

        The examples of each scope are taken in their order; the shorter lists are gone round again until the longest is
        through.

        Raises:
            PreflightError: there are pairs and nothing that holds the model, or the other way round.
        """
        sides: dict[Scope, list[Example]] = {"in": [], "near": [], "out": []}
        for example in examples:
            if example.response is not None and (example.scope != "in" or example.refinement is not None):
                sides[example.scope].append(example)
        pairs, holding = sides["in"], [sides[scope] for scope in HELD if sides[scope]]
        if not pairs and not holding:
            return
        if not pairs or not holding:
            raise PreflightError(
                "there are {pairs} pairs in scope, {near} answers near it and {out} out of it, and this method needs pairs "
                "and something that holds the model; give the comment probes near and out of its scope, or prompts to which "
                "it does not apply, or choose refine_dpo",
                pairs=len(pairs), near=len(sides["near"]), out=len(sides["out"]),
            )  # fmt: skip
        first, second = holding * 2 if len(holding) == 1 else holding
        twice = 2 if len(holding) == 1 else 1  # both places take of the one list in turn
        size = max(len(pairs), *(-(-len(held) // twice) for held in holding))
        anchors = zip(_round(first, size, 0, twice), _round(second, size, twice - 1, twice), strict=True)
        for pair, held in zip(_round(pairs, size, 0, 1), anchors, strict=True):
            yield from _pair(pair, policy)
            yield from (_held(example, policy) for example in held)

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the pairs' loss and the weighted anchors', summed over groups, and the number of groups."""
        pairs = batch.of_kind(CHOSEN, REJECTED)
        with torch.no_grad():
            held = reference.token_logprobs(pairs)
        loss = dpo(pairs.row_sums(policy.token_logprobs(pairs)), pairs.row_sums(held), beta=self.beta)
        total, sums = loss.total, dict(loss.sums)
        for kind, weight in (("near", self.near_weight), ("out", self.out_weight)):
            if weight and any(item.kind == kind for item in batch.rows):
                one = self._anchor(policy, reference, batch.of_kind(kind))
                share = loss.count / one.count  # 1, or 1/2 where each group holds two of a kind: the same in every batch
                total = total + weight * share * one.total
                sums[kind] = share * float(one.total.detach())
        return Loss(total=total, count=loss.count, sums=sums)

    def _anchor(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        if not self.kl_share:
            return anchor(policy.token_logprobs(batch), batch.row_of)
        now = policy.distributions(batch)
        logprobs = now.gather(1, batch.targets[:, None]).squeeze(1)
        apart = divergence(reference.distributions(batch), now)
        return anchor(logprobs, batch.row_of, kl_share=self.kl_share, divergence=apart)


def _round(examples: Sequence[Example], size: int, start: int, step: int) -> Iterator[Example]:
    """Return `size` examples from number `start` on, every `step`th, going round."""
    return islice(cycle(examples), start, start + size * step, step)


def _pair(example: Example, policy: Policy) -> Iterator[Row]:
    assert example.refinement is not None
    assert example.response is not None
    context = policy.encode_prompt(example.prompt)
    label = example.label
    for text, kind in ((example.refinement.text, CHOSEN), (example.response.text, REJECTED)):
        yield row(context, policy.encode_response(text), label=label, kind=kind)


def _held(example: Example, policy: Policy) -> Row:
    assert example.response is not None
    context, answer = policy.encode_prompt(example.prompt), policy.encode_response(example.response.text)
    return row(context, answer, label=f"{example.prompt.id} ({example.scope})", kind=example.scope)
