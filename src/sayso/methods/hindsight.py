"""Learn from the comment itself: the model that has read it teaches the model that has not, on the same words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from sayso.batches import Batch, Row, row
from sayso.losses import distillation
from sayso.models.templates import TEMPLATES

if TYPE_CHECKING:
    from sayso.losses.loss import Loss
    from sayso.models import Policy, Scorer
    from sayso.records import Example, Prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class Hindsight:
    """Learn from the comment itself: the model that has read it teaches the model that has not, on the same words.

    Source:
        Self-distillation from user interactions (arXiv 2603.12273), offline; the online relative is SDPO (2601.20802).
    Wants:
        A response and a comment on it; no refinement, no rating. The model must already follow comments it reads in context.
    Loss:
        -mean over rows of 1/|y| sum_t A_t log pi(y_t | x, y_<t),
        A_t = sg[log pi(y_t | x told the comment, y_<t) - log pi(y_t | x, y_<t)].
    Differs:
        Advantages are clipped (the paper leaves them unbounded): tokens that the teacher finds very unlikely are otherwise
        pushed down without limit and break a small model. The teacher is the model as it was before training, the paper's is
        the model as it is (`teacher: live`). The wording of the teacher's prompt is our own. `answer: refinement` scores the
        refinement in place of the response, which is not in the paper: the teacher's agreement with each of its tokens
        weighs that token. Keep `lora_dropout` at 0: it would be noise in A.
    """

    learning_rate: float = 5e-5
    """Peak rate with LoRA on a model of about half a billion parameters; a model of a few million wants about 4e-4."""
    template: Literal["hindsight", "told", "refine", "revise"] = "hindsight"
    """How the teacher is told the comment, see `sayso.models.templates`; take the one the model follows best."""
    show_response: bool = False
    """Whether the `hindsight` template also shows the teacher the response; `refine` and `revise` always do."""
    answer: Literal["response", "refinement"] = "response"
    """Whose words are scored; with `refinement` the examples need one."""
    teacher: Literal["live", "reference"] = "reference"
    """Who teaches: the model as it was before training, or (`live`) as it is now, which runs away more easily."""
    clip: float | None = 2.0
    """Largest advantage of a token, in nats, either way; empty: none."""
    skip_first: int = 2
    """How many first tokens of an answer are not learnt: what the teacher changes there is mostly its manner of opening."""

    @property
    def group(self) -> int:
        """The student's row, then the teacher's."""
        return 2

    @property
    def wants(self) -> frozenset[str]:
        """It reads the response and the comments, and the refinement where that is scored."""
        return frozenset({"response", "comment"} | ({"refinement"} if self.answer == "refinement" else set()))

    @property
    def uses_reference(self) -> bool:
        """Only a teacher that stays as it was is the reference."""
        return self.teacher == "reference"

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield two rows an example: the answer after the prompt, and after the prompt that tells the comment."""
        for example in examples:
            answered = example.refinement if self.answer == "refinement" else example.response
            if answered is None or example.response is None or not example.comments:
                continue
            answer = policy.encode_response(answered.text)
            label = " ".join((example.prompt.id, *(comment.id for comment in example.comments)))
            yield row(policy.encode_prompt(example.prompt), answer, label=label)
            yield row(policy.encode_prompt(self._told(example)), answer, label=f"{label} (told)")

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the hindsight loss summed over the student's rows, and their number."""
        student, told = batch.member(0), batch.member(1)
        with torch.no_grad():
            teacher = (reference if self.teacher == "reference" else policy).token_logprobs(told)
        return distillation.hindsight(
            policy.token_logprobs(student),
            teacher,
            student.weights,
            student.row_of,
            clip=self.clip,
            skip_first=self.skip_first,
        )

    def _told(self, example: Example) -> Prompt:
        hidden = self.template == "hindsight" and not self.show_response
        return TEMPLATES[self.template](example.prompt, None if hidden else example.response, example.comments)
