"""Draw answers while training, tell the comment where one fails, and learn what the second try does better."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Literal

import torch

from sayso.batches import Batch, Drawn, Row, row
from sayso.critics.rewards import Judged, judge_of, refuse_unchecked
from sayso.errors import SettingsError
from sayso.losses.loss import Loss
from sayso.losses.policy_gradient import advantage_weighted, clipped, shaped
from sayso.models.templates import TEMPLATES
from sayso.models.writing.room import check_room, has_room
from sayso.models.writing.sampling import Sampling, Written, seed_of

if TYPE_CHECKING:
    from sayso.models import Policy, Scorer
    from sayso.records import Example

_FIRST, _TOLD = "first", "told"
_LEAST = 1e-9
"""A smaller advantage is rounding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedbackRl:
    """Draw answers while training, tell the comment where one fails, and learn what the second try does better.

    Source:
        RLTF-SD (arXiv 2602.02482) and, with `shaping: critique_grpo`, Critique-GRPO (arXiv 2506.03106).
    Wants:
        Comments with checks: new answers are judged by them, r = share of the checks of a prompt's comments that hold. The
        logged response is not learnt; it only says how long an answer may be.
    Loss:
        For a prompt x, first answers y0_1 .. y0_n ~ pi(. | x), and y1_i ~ pi(. | x, y0_i, c) where y0_i does not meet c:
        rltf_sd: -sum_i [A_i 1/|y1_i| log pi(y1_i | x) + first_turn B_i 1/|y0_i| log pi(y0_i | x)] / n,
        A_i = r(y1_i) - mean_j r(y0_j), B_i = r(y0_i) - mean_j r(y0_j);
        critique_grpo: the best y1 joins the group, advantages are r - mean of the n + 1, the first answers' loss is GRPO's
        and the best y1's is -A 1/|y1| sum_t f(pi(y1_t | x, y1_<t)), f(p) = p / (p + gamma), divided by n too.
    Differs:
        The comment was made on an earlier answer to the prompt and is told again where its check fails; the papers have a
        critic write one for each answer. An answer that meets every comment has no second one. Of RLTF's further terms, the
        second turn's own gradient and the prediction of the comment are left out. Critique-GRPO takes any correct second
        answer; we take the best. Every step draws anew, so that the ratio to the policy that drew is 1 and nothing clipped.
    """

    learning_rate: float = 5e-5
    """Peak rate with LoRA on a model of about half a billion parameters; one of a few million wants 4e-4 to 4e-3."""
    shaping: Literal["rltf_sd", "critique_grpo"] = "rltf_sd"
    """How the second answers are learnt: by their advantage over the first ones, or shaped, as one of their group."""
    num_generations: int = 8
    """First answers a prompt."""
    template: Literal["refine", "revise"] = "refine"
    """How an answer and its comments are told before the second one; see `sayso.models.templates`."""
    first_turn: float | None = None
    """Weight of the first answers' own policy gradient; empty: 0.1 with `rltf_sd`, 1 with `critique_grpo`."""
    gamma: float = 0.1
    """With `critique_grpo`: the probability at which a token of the second answer is pulled most."""
    max_new_tokens: int = 64
    """An answer is cut off after so many tokens."""
    temperature: float = 1.0
    """How widely answers are drawn; at 1 they are the policy's own, as the gradient assumes."""
    must_end: bool = True
    """Whether an answer that was cut off earns nothing."""

    def __post_init__(self) -> None:
        for name, least in (("num_generations", 2), ("max_new_tokens", 1)):
            if getattr(self, name) < least:
                raise SettingsError(
                    "{key}: found {found!r}; expected a number of at least {least}",
                    key=name, found=getattr(self, name), least=least,
                )  # fmt: skip
        for name in ("gamma", "temperature"):
            if getattr(self, name) <= 0:
                raise SettingsError("{key}: found {found!r}; expected a number above 0", key=name, found=getattr(self, name))

    @property
    def group(self) -> int:
        """One row stands alone: what spans a group of answers, their mean, is in its weights."""
        return 1

    @property
    def wants(self) -> frozenset[str]:
        """It reads the comments and their checks."""
        return frozenset({"comment", "check"})

    @property
    def uses_reference(self) -> bool:
        """The frozen model is not asked: neither paper holds the policy to it (the guard does)."""
        return False

    @property
    def on_policy(self) -> bool:
        """Answers are drawn at every step."""
        return True

    def tasks(self, examples: Iterable[Example], policy: Policy) -> list[Example]:
        """Return one example a prompt, with everything that was said of answers to it.

        Raises:
            PreflightError: a comment has no check, or a prompt leaves no room for an answer.
        """
        found: dict[str, Example] = {}
        for example in examples:
            if example.comments:
                before = found.setdefault(example.prompt.id, example)
                said = {comment.id: comment for comment in (*before.comments, *example.comments)}
                found[example.prompt.id] = replace(before, comments=tuple(said.values()))
        refuse_unchecked(comment for task in found.values() for comment in task.comments)
        check_room(policy, [task.prompt for task in found.values()], self.max_new_tokens)
        return list(found.values())

    def rows(self, examples: Iterable[Example], policy: Policy) -> Iterator[Row]:
        """Yield what would be learnt now: the rows of answers that are drawn for all examples."""
        yield from self.draw(policy, self.tasks(examples, policy), step=0, seed=0).rows

    def draw(self, policy: Policy, tasks: Sequence[Example], *, step: int, seed: int) -> Drawn:
        """Draw first answers to every prompt, tell the failing ones their comments, draw again, and return what differs."""
        first = self._first(policy, tasks, seed_of(seed, step=step))
        told = self._again(policy, tasks, first, seed_of(seed, step=step, turn=1))
        rows = [
            item for place in range(len(tasks)) for item in self._rows_of(policy, tasks[place], first[place], told[place])
        ]
        drawn = [item for group in first for item in group]
        again = [item for group in told for item in group]
        sums = {
            "level": _mean(len({item.reward for item in group}) == 1 for group in first),
            "ended": _mean(item.written.ended for item in drawn),
            "told": float(len(again)),
        }
        return Drawn(
            rows=tuple(rows), answers=len(drawn), reward=_mean(item.reward for item in drawn), count=float(len(drawn)),
            sums={**sums, "told_reward": _mean(item.reward for item in again)} if again else sums,
        )  # fmt: skip

    def loss(self, policy: Policy, reference: Scorer, batch: Batch) -> Loss:
        """Return the loss summed over rows, and their number."""
        logprobs = policy.token_logprobs(batch)
        told = torch.tensor([item.kind == _TOLD for item in batch.rows], device=batch.row_of.device)[batch.row_of]
        first = clipped(logprobs[~told], batch.weights[~told], batch.row_of[~told])
        again = logprobs[told], batch.weights[told], batch.row_of[told]
        second = advantage_weighted(*again) if self.shaping == "rltf_sd" else shaped(*again, gamma=self.gamma)
        return Loss(total=self._first_weight * first.total + second.total, count=float(batch.num_rows))

    @property
    def _first_weight(self) -> float:
        if self.first_turn is None:
            return 0.1 if self.shaping == "rltf_sd" else 1.0
        return self.first_turn

    def _sampling(self, seed: int) -> Sampling:
        return Sampling(max_new_tokens=self.max_new_tokens, temperature=self.temperature, seed=seed)

    def _first(self, policy: Policy, tasks: Sequence[Example], seed: int) -> list[list[_Answer]]:
        """Return each task's first answers."""
        places = [place for place in range(len(tasks)) for _ in range(self.num_generations)]
        return self._judged(tasks, places, policy.write([tasks[place].prompt for place in places], self._sampling(seed)))

    def _again(
        self, policy: Policy, tasks: Sequence[Example], first: Sequence[Sequence[_Answer]], seed: int
    ) -> list[list[_Answer]]:
        """Return each task's second answers: one for every first one that fails a comment and leaves it room."""
        asked = [
            (place, TEMPLATES[self.template](tasks[place].prompt, item.written.text, item.judged.failing))
            for place, group in enumerate(first)
            for item in group
            if item.judged.failing
        ]
        roomy = [(place, prompt) for place, prompt in asked if has_room(policy, prompt, self.max_new_tokens)]
        written = policy.write([prompt for _place, prompt in roomy], self._sampling(seed))
        return self._judged(tasks, [place for place, _prompt in roomy], written)

    def _judged(self, tasks: Sequence[Example], places: Sequence[int], written: Sequence[Written]) -> list[list[_Answer]]:
        """Return the answers of each task with what they are worth; `places` says to which task each was written."""
        judges = [judge_of(task.comments, task.response) for task in tasks]
        found: list[list[_Answer]] = [[] for _task in tasks]
        for place, answer in zip(places, written, strict=True):
            judged = judges[place](answer.text)
            counts = answer.ended or not self.must_end
            found[place].append(_Answer(written=answer, judged=judged, reward=judged.reward if counts else 0.0))
        return found

    def _rows_of(self, policy: Policy, task: Example, first: Sequence[_Answer], told: Sequence[_Answer]) -> Iterator[Row]:
        """Yield a row for every answer of a task that differs from what its group earned on average."""
        if self.shaping == "critique_grpo":
            told = [max(told, key=lambda item: item.reward)] if told else []
        mean = fmean(item.reward for item in (first if self.shaping == "rltf_sd" else (*first, *told)))
        learnt = [(_FIRST, item) for item in first if self._first_weight] + [(_TOLD, item) for item in told]
        context = policy.encode_prompt(task.prompt)
        name = " ".join((task.prompt.id, *(comment.id for comment in task.comments)))
        for number, (kind, item) in enumerate(learnt, start=1):
            if abs(item.reward - mean) > _LEAST:
                label = f"{name} {kind} {number}"
                yield row(context, item.written.ids, weight=item.reward - mean, label=label, kind=kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """An answer that was drawn, and what it is worth."""

    written: Written
    judged: Judged
    reward: float


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return fmean(found) if found else 0.0
