"""Imitate what stands in the conversation: plain supervised fine-tuning on the answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sayso.batches import Batch, Row
from sayso.errors import ModelError, SettingsError
from sayso.losses.likelihood import nll, smoothed
from sayso.records import Message, Prompt

if TYPE_CHECKING:
    from sayso.losses.loss import Loss
    from sayso.models import Policy, Scorer
    from sayso.records import Example


@dataclass(frozen=True, kw_only=True, slots=True)
class Sft:
    """Imitate what stands in the conversation: every answer is learnt, what others say is context.

    Source:
        Supervised fine-tuning as in InstructGPT (arXiv 2203.02155, section 3.5), the loss on the answers alone.
    Wants:
        A refinement: it is the last answer. Answers that stand in the prompt are learnt with it.
    Loss:
        -sum_t log pi(answer_t | everything before it), averaged over all answer tokens of a step.
    Differs:
        The paper learns one answer a conversation; here all answers of a conversation are, in one pass, unless
        `last_turn_only` says otherwise. `refine_sft` learns the last one too, and is meant for comments.
    """

    learning_rate: float = 4e-4
    """Peak rate with LoRA on a model of about half a billion parameters; a model of a few million wants about 3e-3."""
    last_turn_only: bool = False
    """Learn the last answer of a conversation only; earlier ones are context."""
    label_smoothing_factor: float = 0.0
    """Share of each target that is spread over the whole vocabulary; 0.1 helps a model that learns from few texts from
    random weights. What is measured is never smoothed."""

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing_factor < 1:
            raise SettingsError(
                "label_smoothing_factor: found {found}; expected a share from 0 to below 1",
                found=self.label_smoothing_factor,
            )

    @property
    def group(self) -> int:
        """One row stands alone."""
        return 1

    @property
    def wants(self) -> frozenset[str]:
        """It reads the last answer."""
        return frozenset({"refinement"})

    @property
    def uses_reference(self) -> bool:
        """The frozen model is not asked."""
        return False

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield one row an example: its prompt, and its refinement as the last answer."""
        for example in examples:
            if example.refinement is None:
                continue
            turns = (*example.prompt.messages, Message(role="assistant", content=example.refinement.text))
            label = example.label
            yield conversation(turns, policy, last_turn_only=self.last_turn_only, label=label)

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the negative log-likelihood of the answers and the number of their tokens."""
        if self.label_smoothing_factor:
            found = policy.distributions(batch)
            return smoothed(found, batch.targets, batch.weights, share=self.label_smoothing_factor)
        return nll(policy.token_logprobs(batch), batch.weights)


def conversation(turns: Sequence[Message], policy: Policy, *, last_turn_only: bool = False, label: str = "") -> Row:
    """Return a conversation as a row in which the assistant's turns are learnt; what is said after the last is left out.

    An answer's tokens are those that the model would write, its end included. Without an answer no token is learnt.

    Raises:
        ModelError: the chat template writes earlier turns otherwise once a later one follows.
    """
    answers = [number for number, turn in enumerate(turns) if turn.role == "assistant" and number]
    ids: list[int] = []
    weights: list[float] = []
    for number in answers[-1:] if last_turn_only else answers:
        context = policy.encode_prompt(Prompt(messages=tuple(turns[:number])))
        if context[: len(ids)] != ids:
            raise ModelError(
                "{where}: the model's chat template changes an earlier answer when a later turn follows, so that not all "
                "answers can be learnt at once; learn the last one of each conversation with last_turn_only",
                where=label or "?",
            )
        said = policy.encode_response(turns[number].content)
        weights += [0.0] * (len(context) - len(ids)) + [1.0] * len(said)
        ids = [*context, *said]
    return Row(ids=tuple(ids), weights=tuple(weights), label=label)
