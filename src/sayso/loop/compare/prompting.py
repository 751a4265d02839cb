"""The rival that trains nothing: GEPA looks for a better system text, told in words what went wrong with the answers.

Source: Agrawal et al. 2025, "GEPA: Reflective prompt evolution can outperform reinforcement learning" (arXiv 2507.19457), by
the authors' library. It begins with the comments as they are told in the prompt. A text is scored on the prompts to learn
from: where a comment applies its check should hold, where it does not the check should say what it said before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any

from sayso.critics.checking import load_check
from sayso.errors import PreflightError
from sayso.i18n import gettext as _
from sayso.loop import Watcher
from sayso.loop.compare.trying import write
from sayso.loop.progress import Progress, ignore
from sayso.models import templates
from sayso.models.writing.room import has_room
from sayso.models.writing.sampling import Sampling
from sayso.records import Comment, Prompt, ask
from sayso.text.files import opening

if TYPE_CHECKING:
    from sayso.loop.scopes import Placed
    from sayso.models import Writer
    from sayso.models.local import LocalModel

TEXT = "instructions"
"""What GEPA calls the one text that it changes."""
REFLECTING = Sampling(max_new_tokens=1024, temperature=1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One prompt, the comments that apply to it, and what the checks of the others said of its answer before."""

    prompt: Prompt
    applying: tuple[Comment, ...]
    others: tuple[tuple[Comment, bool], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The best text, the score of the first text and of this, and how many answers were judged on the way."""

    text: str
    first_score: float
    score: float
    calls: int


def tasks(placed: Sequence[Placed], comments: Sequence[Comment], before: Mapping[str, str]) -> list[Task]:
    """Return what a text is scored on: the prompts to learn from, `before` being the model's answers by the prompt's id."""
    known = {comment.id: comment for comment in comments if comment.check is not None}
    found = []
    for item in placed:
        applying = tuple(known[name] for name in item.inside if name in known)
        others = tuple(
            (known[name], _holds(known[name], before[item.prompt.id]))
            for name, scope in item.scopes.items()
            if scope != "in" and name in known
        )
        if applying or others:
            found.append(Task(prompt=item.prompt, applying=applying, others=others))
    return found


def search(
    model: LocalModel, reflector: Writer, asked: Sequence[Task], first: str, *, calls: int, sampling: Sampling,
    watch: Watcher = ignore,
) -> Found:  # fmt: skip
    """Return the best system text that GEPA finds when `calls` answers may be judged.

    Raises:
        MissingExtraError: GEPA is not installed.
        PreflightError: there is nothing to score a text on.
        ModelError: the reflector cannot read what it is asked.
    """
    library: Any = opening.extra("gepa", "a better prompt is looked for by the package gepa: pip install 'sayso[gepa]'")
    if not any(task.applying for task in asked):
        raise PreflightError("GEPA has nothing to score a text on: no prompt to learn from is in the scope of a comment")
    adapter = _Adapter(model=model, sampling=sampling, calls=calls, watch=watch)
    result = library.optimize(
        seed_candidate={TEXT: first}, trainset=list(asked), adapter=adapter, reflection_lm=_Reflecting(writer=reflector),
        max_metric_calls=calls, logger=_Quiet(), seed=sampling.seed, raise_on_exception=True,
    )  # fmt: skip
    scores = result.val_aggregate_scores
    return Found(
        text=result.best_candidate[TEXT], first_score=scores[0], score=scores[result.best_idx],
        calls=result.total_metric_calls,
    )  # fmt: skip


def told(prompt: Prompt, text: str) -> Prompt:
    """Return the prompt with the text before it, in the system turn."""
    return templates.told(prompt, [Comment(text=text)]) if text.strip() else prompt


@dataclass(kw_only=True, slots=True)
class _Adapter:
    """What GEPA asks of a system: answers with their scores, and what to say of them."""

    model: LocalModel
    sampling: Sampling
    calls: int
    watch: Watcher
    judged: int = 0
    propose_new_texts: None = None

    def evaluate(self, batch: Sequence[Task], candidate: Mapping[str, str], capture_traces: bool = False) -> Any:  # noqa: FBT001, FBT002 - GEPA's
        from gepa.core.adapter import EvaluationBatch

        asked = [told(task.prompt, candidate[TEXT]) for task in batch]
        fits = [has_room(self.model, prompt, self.sampling.max_new_tokens) for prompt in asked]
        written = iter(write(self.model, list(compress(asked, fits)), self.sampling, _("GEPA")))
        answers = [next(written) if room else "" for room in fits]  # a text that leaves no room for an answer is a bad one
        self.judged += len(batch)
        self.watch(Progress(stage=_("GEPA"), done=min(self.judged, self.calls), total=self.calls, unit=_("answers")))
        scores = [_score(task, answer) for task, answer in zip(batch, answers, strict=True)]
        traces = list(zip(batch, answers, strict=True)) if capture_traces else None
        return EvaluationBatch(outputs=answers, scores=scores, trajectories=traces)

    def make_reflective_dataset(
        self, _candidate: Mapping[str, str], batch: Any, components: Sequence[str]
    ) -> dict[str, list[dict[str, str]]]:
        said = [
            {"Inputs": task.prompt.text, "Generated Outputs": answer, "Feedback": _feedback(task, answer)}
            for task, answer in batch.trajectories
        ]
        return dict.fromkeys(components, said)


@dataclass(kw_only=True, slots=True)
class _Reflecting:
    """The reflector as GEPA calls it; every question has a seed of its own."""

    writer: Writer
    asked: int = 0

    def __call__(self, prompt: str) -> str:
        self.asked += 1
        sampling = Sampling(max_new_tokens=REFLECTING.max_new_tokens, temperature=REFLECTING.temperature, seed=self.asked)
        return self.writer.generate([ask(prompt)], sampling)[0]


class _Quiet:
    def log(self, message: str) -> None:
        """Say nothing: the library does not print."""


def _score(task: Task, answer: str) -> float:
    marks = [_holds(comment, answer) for comment in task.applying]
    marks += [_holds(comment, answer) == before for comment, before in task.others]
    return sum(marks) / len(marks)


def _feedback(task: Task, answer: str) -> str:
    """Return in words what is wrong with an answer: these words are what GEPA learns from."""
    said = [comment.text for comment in task.applying if not _holds(comment, answer)]
    spilt = [comment for comment, before in task.others if _holds(comment, answer) != before]
    said += [
        f"This was said of other requests and must not change the answer here: {comment.text}"
        + (f" (it is for: {comment.scope_text})" if comment.scope_text else "")
        for comment in spilt
    ]
    return "\n".join(said) or "This is right."


def _holds(comment: Comment, answer: str) -> bool:
    assert comment.check is not None, "a comment that can be counted"
    return bool(load_check(comment.check)(answer).held)
