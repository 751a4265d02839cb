"""How an episode is learnt: every turn of the assistant in it, the other turns as context."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from recipes.teachable.episodes import Episode

from sayso.batches import Batch, Row
from sayso.losses.likelihood import nll
from sayso.losses.loss import Loss
from sayso.models import Policy, Scorer
from sayso.records import Example, Prompt, Refinement, Response


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """Plain language modelling of the assistant's turns; a `sayso.methods.Method`."""

    learning_rate: float = 3e-3

    @property
    def group(self) -> int:
        """One row stands alone."""
        return 1

    @property
    def wants(self) -> frozenset[str]:
        """It reads the last answer, and the answers before it."""
        return frozenset({"refinement"})

    @property
    def uses_reference(self) -> bool:
        """The frozen model is not asked."""
        return False

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield a row an example: all answers of the conversation are learnt. Longer ones than the context are left out."""
        for example in examples:
            assert example.refinement, "an episode without a last answer"
            row = _row(example.prompt, example.refinement.text, policy)
            if len(row.ids) <= policy.max_length:
                yield row

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the negative log-likelihood of the answers and the number of their tokens."""
        return nll(policy.token_logprobs(batch), batch.weights)


def example(episode: Episode) -> Example:
    """Return an episode as the example that the method reads: what was said before, and the last answer."""
    *before, last = episode.messages
    prompt = Prompt(messages=tuple(before))
    empty = Response(prompt=prompt, text="")
    return Example(prompt=prompt, refinement=Refinement(response=empty, text=last.content))


def _row(prompt: Prompt, answer: str, policy: Policy) -> Row:
    ids: list[int] = []
    weights: list[float] = []
    answers = {number: turn.content for number, turn in enumerate(prompt.messages) if turn.role == "assistant"}
    for number, text in (answers | {len(prompt.messages): answer}).items():
        context = policy.encode_prompt(Prompt(messages=prompt.messages[:number]))
        assert context[: len(ids)] == ids, "the template changes what was said before"
        said = policy.encode_response(text)
        weights += [0.0] * (len(context) - len(ids)) + [1.0] * len(said)
        ids = [*context, *said]
    return Row(ids=tuple(ids), weights=tuple(weights))
