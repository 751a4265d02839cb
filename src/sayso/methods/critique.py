"""Learn to say what is said of an answer, beside imitating the better one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sayso.batches import Batch, Row, row
from sayso.errors import SettingsError
from sayso.i18n import gettext as _
from sayso.losses.likelihood import nll
from sayso.models.templates import critique

if TYPE_CHECKING:
    from sayso.losses.loss import Loss
    from sayso.models import Policy, Scorer
    from sayso.records import Example


@dataclass(frozen=True, kw_only=True, slots=True)
class Critique:
    """Learn to say what is said of an answer, beside imitating the better one: to know a fault helps to avoid it.

    Source:
        Critique fine-tuning (CFT, arXiv 2501.17703): the comment alone is learnt. RL from text feedback (RLTF, 2602.02482,
        feedback modelling): it is learnt beside something else, with a weight of 0.2.
    Wants:
        A response, comments on it, and a refinement; with `answer_weight: 0` no refinement.
    Loss:
        -a sum_t log pi(refinement_t | prompt, refinement_<t) - l sum_t log pi(comment_t | prompt, response, comment_<t),
        divided by a times the refinements' tokens plus l times the comments'; a is `answer_weight`, l is `critique_weight`.
    Differs:
        RLTF adds the comment's likelihood to reinforcement learning; here it is added to the imitation of the refinement.
        CFT alone (`answer_weight: 0`) teaches to criticise and leaves it to a strong model to answer better for it; that
        was shown for mathematics. Several comments on a response are one target, a line each.
    """

    learning_rate: float = 4e-4
    """Peak rate with LoRA on a model of about half a billion parameters; one of a few million wants 3e-3 to 1.4e-2."""
    answer_weight: float = 1.0
    """Weight of each of the refinement's tokens; 0 learns the comments alone."""
    critique_weight: float = 0.2
    """Weight of each of the comments' tokens."""

    def __post_init__(self) -> None:
        if self.answer_weight < 0 or self.critique_weight <= 0:
            raise SettingsError(
                "critique: answer_weight={answer}, critique_weight={critique}; expected an answer_weight of 0 or more and a "
                "critique_weight above 0 (without comments to learn, take refine_sft)",
                answer=self.answer_weight, critique=self.critique_weight,
            )  # fmt: skip

    @property
    def group(self) -> int:
        """The refinement's row, then the comments'; the comments' alone without a weight for answers."""
        return 2 if self.answer_weight else 1

    @property
    def wants(self) -> frozenset[str]:
        """It reads the response and the comments, and the refinement where that is learnt too."""
        return frozenset({"response", "comment"} | ({"refinement"} if self.answer_weight else set()))

    @property
    def uses_reference(self) -> bool:
        """The frozen model is not asked."""
        return False

    def cautions(self) -> list[str]:
        """Return what to know before training with these settings."""
        sentence = _("critique with answer_weight 0 learns comments, not answers: asked to answer, the model may criticise")
        return [] if self.answer_weight else [sentence]

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield for each example its refinement after the prompt, then its comments after the response and a request."""
        for example in examples:
            if example.response is None or not example.comments or (self.answer_weight and example.refinement is None):
                continue
            label = example.label
            if self.answer_weight and example.refinement is not None:
                answer = policy.encode_response(example.refinement.text)
                yield row(policy.encode_prompt(example.prompt), answer, weight=self.answer_weight, label=label)
            said = policy.encode_response("\n".join(comment.text for comment in example.comments))
            asked = policy.encode_prompt(critique(example.prompt, example.response))
            yield row(asked, said, weight=self.critique_weight, label=f"{label} (critique)", kind="critique")

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the weighted negative log-likelihood of refinements and comments, and the sum of their tokens' weights."""
        return nll(policy.token_logprobs(batch), batch.weights)
