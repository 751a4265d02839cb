"""Learn from the comment itself: the model that has read it teaches the model that has not, on the same words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Literal

import torch

from sayso.batches import Batch, Drawn, Row
from sayso.critics.rewards import judge_of
from sayso.errors import PreflightError, SettingsError
from sayso.losses import distillation
from sayso.models.templates import TEMPLATES
from sayso.models.writing.room import check_room
from sayso.models.writing.sampling import Sampling, seed_of
from sayso.records import Comment, Example, identity, spans_of

if TYPE_CHECKING:
    from sayso.losses.loss import Loss
    from sayso.models import Policy, Scorer
    from sayso.records import Prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class Hindsight:
    """Learn from the comment itself: the model that has read it teaches the model that has not, on the same words.

    Source:
        Self-distillation from user interactions (arXiv 2603.12273), offline; with `on_policy` SDPO (2601.20802).
    Wants:
        A response and a comment on it; no refinement, no rating. The model must already follow comments it reads in context.
    Loss:
        -mean over rows of 1/|y| sum_t A_t log pi(y_t | x, y_<t),
        A_t = sg[log pi(y_t | x told the comment, y_<t) - log pi(y_t | x, y_<t)]; with `contrast: shuffled`
        A_t = sg[log pi(y_t | x told the comment, y_<t) - log pi(y_t | x told a comment on something else, y_<t)].
    Differs:
        Advantages are clipped (the paper leaves them unbounded): tokens that the teacher finds very unlikely are otherwise
        pushed down without limit and break a small model. The teacher is the model as it was before training, the paper's is
        the model as it is (`teacher: live`). The wording of the teacher's prompt is our own. `answer: refinement` scores the
        refinement in place of the response, which is not in the paper: the teacher's agreement with each of its tokens
        weighs that token. Keep `lora_dropout` at 0: it would be noise in A. `contrast: shuffled` takes the wrong hint of
        RLCSD (2606.11709) to comments; there answers are drawn anew at every step, here they may stay, so that a token's
        part ends where the student has passed the teacher. `where: spans` is the choice of HinT-SD (2605.17873), whose
        spans a model finds and whose loss is a divergence; here a person points at them. `on_policy` scores what the model
        writes now by the comment on what it wrote once, where SDPO's environment answers each new answer; and it scores the
        words that were drawn (its token form), where the paper's best form compares whole distributions.
    """

    learning_rate: float = 5e-5
    """Peak rate with LoRA on a model of about half a billion parameters; one of a few million wants 4e-4 to 5e-3."""
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
    """How many first tokens of an answer are not learnt: what the teacher changes there is mostly its manner of opening.
    With `where: spans` nothing is skipped: what was pointed at is learnt."""
    contrast: Literal["none", "shuffled"] = "none"
    """Whether what any comment changes is taken off: `shuffled` compares with the teacher told another example's comment."""
    where: Literal["all", "spans"] = "all"
    """Which tokens are learnt: all, or those inside the spans that the comments point at."""
    on_policy: bool = False
    """Whether the model's own new answers are scored, drawn at every step, in the place of what was logged."""
    max_new_tokens: int = 64
    """With `on_policy`: an answer is cut off after so many tokens."""
    temperature: float = 1.0
    """With `on_policy`: how widely answers are drawn; at 1 they are the model's own."""

    def __post_init__(self) -> None:
        if self.on_policy and (self.where == "spans" or self.answer == "refinement"):
            raise SettingsError(
                "on_policy: true scores answers that nobody has read yet, so {key}: {found} has nothing to point at; "
                "set on_policy to false, or leave {key} at its default",
                key="where" if self.where == "spans" else "answer",
                found=self.where if self.where == "spans" else self.answer,
            )
        if self.max_new_tokens < 1:
            raise SettingsError(
                "{key}: found {found!r}; expected a number of at least {least}",
                key="max_new_tokens", found=self.max_new_tokens, least=1,
            )  # fmt: skip
        if self.temperature <= 0:
            raise SettingsError(
                "{key}: found {found!r}; expected a number above 0", key="temperature", found=self.temperature
            )
        if self.where == "spans" and self.answer == "refinement":
            raise SettingsError(
                "where: spans learns the words of the response that comments point at, but answer: refinement scores other "
                "words; set where to all, or answer to response"
            )

    @property
    def group(self) -> int:
        """The student's row, the teacher's, and with a contrast the teacher's that was told another comment."""
        return 3 if self.contrast == "shuffled" else 2

    @property
    def wants(self) -> frozenset[str]:
        """It reads the response and the comments, the refinement where that is scored, and spans where they choose."""
        more = {"refinement": self.answer == "refinement", "spans": self.where == "spans"}
        return frozenset({"response", "comment", *(part for part, wanted in more.items() if wanted)})

    @property
    def uses_reference(self) -> bool:
        """Only a teacher that stays as it was is the reference."""
        return self.teacher == "reference"

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield two rows an example: the answer after the prompt, and after the prompt that tells the comment.

        With a contrast a third one follows, after the prompt that tells a comment of another example.

        Raises:
            PreflightError: a contrast is wanted, and the same was said of all examples.
        """
        if self.on_policy:
            yield from self.draw(policy, self.tasks(examples, policy), step=0, seed=0).rows
            return
        for task in self._tasks(examples):
            answered = task.example.refinement if self.answer == "refinement" else task.example.response
            assert answered is not None
            answer = policy.encode_response(answered.text)
            yield from self._rows_of(policy, task, answer, self._weights(task.example, policy, len(answer)))

    def tasks(self, examples: Iterable[Example], policy: Policy) -> list[_Task]:
        """Return what answers are drawn for, an example each.

        Raises:
            PreflightError: a prompt, or what the teacher reads, leaves no room for an answer; or as `rows` says.
        """
        found = self._tasks(examples)
        read = [replace(context, id=task.example.prompt.id) for task in found for context in self._contexts(task)]
        check_room(policy, read, self.max_new_tokens)
        return found

    def draw(self, policy: Policy, tasks: Sequence[_Task], *, step: int, seed: int) -> Drawn:
        """Draw one answer an example; its reward is reported where all comments have checks, and not learnt."""
        sampling = Sampling(max_new_tokens=self.max_new_tokens, temperature=self.temperature, seed=seed_of(seed, step=step))
        written = policy.write([task.example.prompt for task in tasks], sampling)
        pairs = list(zip(tasks, written, strict=True))
        rows = [row for task, item in pairs for row in self._rows_of(policy, task, item.ids, (1.0,) * len(item.ids))]
        judged = all(comment.check is not None for task in tasks for comment in task.example.comments)
        earned = [judge_of(task.example.comments)(item.text).reward for task, item in pairs] if judged else []
        return Drawn(rows=tuple(rows), answers=len(written), reward=fmean(earned) if earned else None)

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the hindsight loss summed over the student's rows, and their number."""
        student = batch.member(0)
        teacher = reference if self.teacher == "reference" else policy
        read = batch.member(*range(1, self.group))
        with torch.no_grad():
            said = teacher.token_logprobs(read)
        told, *other = [said[read.row_of % (self.group - 1) == number] for number in range(self.group - 1)]
        now, weights, row_of = policy.token_logprobs(student), student.weights, student.row_of
        skip_first = 0 if self.where == "spans" else self.skip_first
        if not other:
            return distillation.hindsight(now, told, weights, row_of, clip=self.clip, skip_first=skip_first)
        return distillation.contrast(now, told, other[0], weights, row_of, clip=self.clip, skip_first=skip_first)

    def _tasks(self, examples: Iterable[Example]) -> list[_Task]:
        given = [example for example in examples if self._complete(example)]
        others = _elsewhere(given) if self.contrast == "shuffled" else [()] * len(given)
        return [_Task(example=example, other=other) for example, other in zip(given, others, strict=True)]

    def _contexts(self, task: _Task) -> list[Prompt]:
        """Return what stands before an answer: the prompt, the one that tells the comment, the one that tells another."""
        said = [task.example.comments, task.other] if task.other else [task.example.comments]
        return [task.example.prompt, *(self._told(task.example, comments) for comments in said)]

    def _rows_of(self, policy: Policy, task: _Task, answer: Sequence[int], weights: Sequence[float]) -> Iterator[Row]:
        """Yield the same answer after each context."""
        label = " ".join((task.example.prompt.id, *(comment.id for comment in task.example.comments)))
        for context, reader in zip(self._contexts(task), ("", " (told)", " (told another)"), strict=False):
            ids = policy.encode_prompt(context)
            learnt = (*(0.0 for _ in ids), *weights)
            yield Row(ids=(*ids, *answer), weights=learnt, label=label + reader, read_only=bool(reader))

    def _complete(self, example: Example) -> bool:
        if example.response is None or not example.comments:
            return False
        if self.where == "spans" and not spans_of(example):
            return False
        return self.answer == "response" or example.refinement is not None

    def _weights(self, example: Example, policy: Policy, length: int) -> tuple[float, ...]:
        """Return which of an answer's tokens are learnt."""
        if self.where == "all":
            return (1.0,) * length
        assert example.response is not None
        spans = [(span.start, span.end) for span in spans_of(example)]
        pointed = {number for part in policy.token_spans(example.response.text, spans) for number in part}
        return tuple(float(number in pointed) for number in range(length))

    def _told(self, example: Example, comments: Sequence[Comment]) -> Prompt:
        hidden = self.template == "hindsight" and not self.show_response
        return TEMPLATES[self.template](example.prompt, None if hidden else example.response, comments)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Task:
    """An example, and what was said of another one (nothing without a contrast)."""

    example: Example
    other: tuple[Comment, ...]


def _elsewhere(examples: Sequence[Example]) -> list[tuple[Comment, ...]]:
    """Return for each example what was said of another one and not of it; which one, the hash of the example decides."""
    own = [frozenset(comment.text for comment in example.comments) for example in examples]
    said = sorted({tuple(sorted(texts)) for texts in own})
    if len(said) == 1:
        raise PreflightError(
            "contrast: shuffled compares what was said of an example with what was said of another one, but of all {count} "
            "the same was said: {said!r}; add examples with other comments, or set contrast to none",
            count=len(examples), said=" ".join(said[0]),
        )  # fmt: skip
    return [_another(said, texts, _key(example)) for example, texts in zip(examples, own, strict=True)]


def _another(said: Sequence[tuple[str, ...]], own: frozenset[str], key: int) -> tuple[Comment, ...]:
    """Return what is left of the first of `said`, from the place `key` on, that holds anything but `own`.

    Where all of them are parts of `own`, one that is not the whole: what the rest of `own` changes is then compared.
    """
    inside: tuple[str, ...] = ()
    for step in range(len(said)):
        texts = said[(key + step) % len(said)]
        left = tuple(text for text in texts if text not in own)
        if left:
            return tuple(Comment(text=text) for text in left)
        if not inside and len(texts) < len(own):
            inside = texts
    return tuple(Comment(text=text) for text in inside)


def _key(example: Example) -> int:
    answered = example.response.text if example.response else ""
    return int(identity([example.prompt.messages, answered, [comment.text for comment in example.comments]]), 16)
