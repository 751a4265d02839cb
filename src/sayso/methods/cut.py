"""Learn which words the comment is about from the model itself, and push those down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from sayso.batches import Batch, Row, row
from sayso.errors import SettingsError
from sayso.losses import unlikelihood
from sayso.models.templates import TEMPLATES
from sayso.records import finds_fault, praises

if TYPE_CHECKING:
    from sayso.losses.loss import Loss
    from sayso.models import Policy, Scorer
    from sayso.records import Example

FAULTY = "faulty"
"""The kind of the rows of a response that something is wrong with; others are learnt as they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """Learn which words the comment is about from the model itself, and push those down.

    Source:
        Contrastive unlikelihood training, CUT (arXiv 2312.14591).
    Wants:
        A response and a comment on it that says what is wrong with it; no refinement. The model must be able to write an
        answer that fits a comment it has read: where the comment changes nothing, no word is found.
    Loss:
        1/2 sum_t [l_t - log pi(y_t | x, c, y_<t)], averaged over all response tokens of a step;
        l_t = -alpha log(1 - pi(y_t | x, y_<t)) where sg[pi(y_t | x, c, y_<t) / pi(y_t | x, y_<t)] > threshold,
        l_t = -log pi(y_t | x, y_<t) elsewhere, and everywhere in a response that was only praised.
    Differs:
        log(1 - pi) goes on as a straight line above pi = 0.9999, so its gradient is bounded. All praised responses are
        learnt from; the paper keeps a quarter. The wording that tells the comment is our own. Keep `lora_dropout` at 0: it
        would be noise in the ratio.
    """

    learning_rate: float = 2e-4
    """Peak rate with LoRA on a model of about half a billion parameters; a model of a few million wants about 1.5e-3."""
    template: Literal["judged", "expected"] = "judged"
    """How the comments are told as said of the answer to come: in plain words, or in the form that `conditional` teaches."""
    threshold: float = 1.2
    """How many times likelier a token must be with the comment in view to count as what is wrong; for responses that the
    model has just written itself the paper takes 1.1."""
    alpha: float = 0.5
    """Weight of the tokens that are pushed down; for responses that the model has just written itself the paper takes 1."""

    def __post_init__(self) -> None:
        for name, least in (("threshold", 1.0), ("alpha", 0.0)):
            value = getattr(self, name)
            if not value >= least:
                raise SettingsError(
                    "{key}: found {found!r}; expected a number of at least {least}", key=name, found=value, least=least
                )

    @property
    def group(self) -> int:
        """The response after the prompt, then after the prompt and the comment."""
        return 2

    @property
    def wants(self) -> frozenset[str]:
        """It reads the response and the comments, and in these whether they say that something is wrong or good."""
        return frozenset({"response", "comment", "fault or praise"})

    @property
    def uses_reference(self) -> bool:
        """Both readings are the model's as it is now."""
        return False

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield two rows an example: the response after the prompt, and after the prompt that tells the comments.

        Comments that only ask say neither that something is wrong nor that it is good; they are not told.
        """
        for example in examples:
            said = [comment for comment in example.comments if finds_fault(comment) or praises(comment)]
            if example.response is None or not said:
                continue
            answer = policy.encode_response(example.response.text)
            label = " ".join((example.prompt.id, *(comment.id for comment in said)))
            kind = FAULTY if any(finds_fault(comment) for comment in said) else ""
            yield row(policy.encode_prompt(example.prompt), answer, label=label, kind=kind)
            told = TEMPLATES[self.template](example.prompt, example.response, said)
            yield row(policy.encode_prompt(told), answer, label=f"{label} (told)", kind=kind)

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the loss summed over the responses' tokens, and their number; both readings carry gradient."""
        logprobs = policy.token_logprobs(batch)
        plain = batch.row_of % self.group == 0
        faulty = torch.tensor([item.kind == FAULTY for item in batch.rows], device=logprobs.device)[batch.row_of[plain]]
        return unlikelihood.cut(
            logprobs[plain], logprobs[~plain], batch.weights[plain], faulty, threshold=self.threshold, alpha=self.alpha
        )
