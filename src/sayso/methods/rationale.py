"""Learn the class that a comment names, and to rest it on the words that the comment marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from sayso.batches import Batch, Row
from sayso.critics.labels import Mark, marks
from sayso.errors import PreflightError, SettingsError
from sayso.losses.likelihood import nll
from sayso.losses.rationale import right_reasons
from sayso.models import attribution
from sayso.models.forms.classifier import Classifier, Place

if TYPE_CHECKING:
    from sayso.losses.loss import Loss
    from sayso.models import Policy, Scorer
    from sayso.models.local import LocalModel
    from sayso.records import Example


@dataclass(frozen=True, kw_only=True, slots=True)
class Rationale:
    """Learn the class that a comment names, and to rest it on the words that the comment marks.

    Source:
        Right for the Right Reasons, Ross, Hughes and Doshi-Velez 2017 (arXiv 1703.03717, section 3).
    Wants:
        A classifier, its answer, a comment that marks words of the text (by quoting them), and the right class as the
        refinement, which the refiner `label` reads off the comment. An example whose comment marks no word is learnt by
        its class alone.
    Loss:
        -log p(class) + penalty sum over words t that are not marked of |d(sum_k log p_k)/d(embedding of t)|^2, averaged
        over the examples of a step.
    Differs:
        The paper's inputs are counts or numbers of words; here they are the embeddings of a network's tokens. What the
        tokenizer puts around a text ([CLS], [SEP]) is never held down, for it carries the answer. The decay of weights is
        the optimizer's.
    """

    learning_rate: float = 5e-5
    """Peak rate of all weights of a model like BERT; with LoRA, or for a small model from random weights, about 1e-3."""
    penalty: float = 0.1
    """How much the words beside the marked ones are held down; 0 learns the class alone. See `beside` in the metrics: times
    this it should be of the size of `nll`."""

    def __post_init__(self) -> None:
        if not 0 <= self.penalty < float("inf"):
            raise SettingsError("{key}: found {found}; expected 0 or more", key="penalty", found=self.penalty)

    @property
    def group(self) -> int:
        """One row stands alone."""
        return 1

    @property
    def wants(self) -> frozenset[str]:
        """It reads the right class and the comments on the wrong one."""
        return frozenset({"refinement", "comment"})

    @property
    def uses_reference(self) -> bool:
        """The frozen model is not asked."""
        return False

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield one row an example: its text, the right class, and which words that must not rest on.

        Raises:
            PreflightError: the model writes, and has no classes.
        """
        for example in examples:
            form = _classifier(policy)
            if example.refinement is None:
                continue
            ids = policy.encode_prompt(example.prompt)
            answer = policy.encode_response(example.refinement.text)
            found = marks(example.comments, example.prompt)
            beside = _beside(form.chat.places(example.prompt), found) if found else ()
            weights = (*(0.0 for _ in ids), *(1.0 for _ in answer))
            yield Row(ids=(*ids, *answer), weights=weights, label=example.label, beside=beside)

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the loss summed over the rows, and their number."""
        if not self.penalty or not any(item.beside for item in batch.rows):
            plain = nll(policy.token_logprobs(batch), batch.weights)
            return replace(plain, sums={"nll": float(plain.total.detach()), "beside": 0.0})
        with torch.enable_grad(), attribution.embeddings(_inner(policy)) as seen:
            found = policy.distributions(batch)
            (gradient,) = torch.autograd.grad(found.sum(), seen[-1], create_graph=True)
        likely = found.gather(1, batch.targets[:, None]).squeeze(1)
        return right_reasons(likely, batch.weights, gradient.float(), _mask(batch, gradient), penalty=self.penalty)


def _classifier(policy: Policy) -> Classifier:
    form = getattr(policy, "form", None)
    if not isinstance(form, Classifier):
        raise PreflightError(
            "the method rationale teaches classifiers, and {name} writes; take a method such as refine_sft or hindsight, or "
            "train a classifier first with sayso finetune --task classify",
            name=policy.name,
        )
    return form


def _inner(policy: Policy) -> object:
    local: LocalModel = policy  # type: ignore[assignment]  # rows() refused every other
    return local.inner


def _beside(places: list[Place | None], found: tuple[Mark, ...]) -> tuple[int, ...]:
    """Return the tokens of words that are not marked; where no marked word is left in a text that was cut, none."""
    words = [(number, place) for number, place in enumerate(places) if place is not None]
    marked = {number for number, place in words if any(_touches(place, mark) for mark in found)}
    return tuple(number for number, _place in words if number not in marked) if marked else ()


def _touches(place: Place, mark: Mark) -> bool:
    turn, start, end = place
    return turn == mark.turn and start < mark.end and mark.start < end


def _mask(batch: Batch, gradient: Float[Tensor, "R T D"]) -> Float[Tensor, "R T"]:
    mask = torch.zeros(gradient.shape[:2], device=gradient.device)
    for number, item in enumerate(batch.rows):
        mask[number, list(item.beside)] = 1.0
    return mask
