"""The best weights so far, by a metric on texts that are not learnt from, and whether it is time to stop."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from safetensors.torch import load_file, save_file

from sayso.errors import SettingsError, StoreError
from sayso.models.writing.sampling import Sampling
from sayso.training import run
from sayso.training.engine import checkpoints, order
from sayso.training.engine.optimizer import trainable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sayso.models.local import LocalModel
    from sayso.training.foresight.outlook import Job
    from sayso.training.measuring import Measured
    from sayso.training.steps import Step

NOTES, BEST = "validation.jsonl", "best.safetensors"
CHOSEN = "chosen.jsonl"
"""The notes of a run whose `validation.jsonl` holds the loss on validation rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlyStopping:
    """Which weights of a training are kept, and when it is over before its last step."""

    by: Literal["last", "loss", "task"] = "last"
    """`last`: the weights after the last step. `loss`: those with the lowest loss on the validation rows. `task`: those
    whose answers to validation items are best by the task's own metric (BLEU, F1 …)."""
    patience: int = 3
    """Stop when so many measurements in a row were no better than the best; 0: never."""
    eval_steps: int = 0
    """Measure every so many steps, and at the end; 0: after every epoch."""
    items: int = 100
    """`task`: answer so many validation items at most, drawn by the seed."""
    generate: Sampling = field(default_factory=lambda: Sampling(max_new_tokens=128, temperature=0.0))
    """`task`: how they are answered; temperature 0 is greedy."""

    def __post_init__(self) -> None:
        for name, least in (("patience", 0), ("eval_steps", 0), ("items", 1)):
            if getattr(self, name) < least:
                raise SettingsError(
                    "early_stopping.{key}: found {found}; expected {least} or more",
                    key=name, found=getattr(self, name), least=least,
                )  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """By what the weights of one training are chosen."""

    metric: str
    """`loss`, or the name of the task's metric."""
    settings: EarlyStopping
    items: int = 0
    """How many items are answered; 0: the loss on the validation rows decides."""
    value: Callable[[LocalModel], float] | None = None
    """How good a model is; more is better. None: its loss, less is better."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """Which weights were kept: the best by a metric, measured after a step."""

    metric: str
    value: float
    step: int
    of: int
    """Steps that were planned."""
    items: int = 0
    """Items that were answered for it; 0: it is the loss on the validation rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A measurement: after which step, and how good; more is better."""

    step: int
    value: float


class Keeper:
    """Takes measurements, keeps the weights of the best, and says when `patience` of them in a row were no better.

    What it knows is in the run folder, so that a run that is taken up again goes on with it. Measurements after `step`,
    where the run is taken up, are made again.
    """

    def __init__(self, folder: Path, *, patience: int, step: int = 0, notes: str = NOTES) -> None:
        self._folder, self._patience = folder, patience
        self._path = path = folder / notes
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        noted = [Note(**json.loads(line)) for line in lines]
        self.notes = [note for note in noted if note.step <= step]

    @property
    def best(self) -> Note | None:
        """The first of the best measurements."""
        return max(self.notes, key=lambda note: note.value, default=None)

    @property
    def over(self) -> bool:
        """Whether the last `patience` measurements were no better than one before them."""
        best = self.best
        return bool(self._patience and best and sum(note.step > best.step for note in self.notes) >= self._patience)

    def note(self, step: int, value: float, parameters: Mapping[str, torch.nn.Parameter]) -> bool:
        """Take a measurement, keep the weights when it is the best, and return whether it is.

        Raises:
            StoreError: the disk refused.
        """
        before = self.best
        value = value if math.isfinite(value) else -math.inf
        better = before is None or value > before.value
        if better:
            self._keep(parameters)
        self.notes.append(Note(step=step, value=value))
        text = "".join(json.dumps({"step": note.step, "value": note.value}) + "\n" for note in self.notes)
        run.write_whole(self._path, text)
        return better

    def restore(self, parameters: Mapping[str, torch.nn.Parameter]) -> None:
        """Put the best weights in the place of the last ones."""
        found = load_file(str(self._folder / BEST))
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(found[name])

    def _keep(self, parameters: Mapping[str, torch.nn.Parameter]) -> None:
        path = self._folder / BEST
        writing = path.with_name(path.name + ".writing")
        try:
            save_file({name: item.detach().cpu().contiguous() for name, item in parameters.items()}, str(writing))
            writing.replace(path)
        except OSError as error:
            raise StoreError("{path!r} cannot be written: {reason}", path=str(path), reason=str(error)) from error


class Choice:
    """Keeps the best weights of a training by its rule."""

    def __init__(self, rule: Rule, job: Job, folder: Path) -> None:
        if rule.value is None and job.material.validation is None:
            raise SettingsError(
                "early_stopping.by: nothing is held back to measure the loss on; raise data.validation_share, or name files "
                "in data.validation"
            )
        found = checkpoints.newest(folder / "checkpoints", say=False)  # `steps` says it
        self._rule, self._job, self._parameters = rule, job, trainable(job.policy.module)
        self._keeper = Keeper(
            folder, patience=rule.settings.patience, step=found.step if found else 0, notes=CHOSEN
        )  # fmt: skip
        epoch = math.ceil(len(job.material.train) / job.train.groups_per_step)
        self._every = rule.settings.eval_steps or epoch
        self._of = order.num_steps(len(job.material.train), job.train)

    @property
    def over(self) -> bool:
        """Whether it has got no better for long enough."""
        return self._keeper.over

    @property
    def best(self) -> Chosen | None:
        """The best so far."""
        best = self._keeper.best
        if best is None:
            return None
        value = best.value if self._rule.value else -best.value
        return Chosen(metric=self._rule.metric, value=value, step=best.step, of=self._of, items=self._rule.items)

    def due(self, record: Step) -> bool:
        """Whether the weights after this step are to be measured."""
        return record.step % self._every == 0 or record.step == record.num_steps

    def note(self, record: Step, validation: Measured | None) -> None:
        """Measure the weights after a step, and keep them when they are the best."""
        if self._rule.value:
            value = self._rule.value(self._job.policy)
        else:
            assert validation is not None, "it was measured after this step"
            value = -validation.loss
        self._keeper.note(record.step, value, self._parameters)

    def restored(self) -> Chosen:
        """Put the best weights back, and return what they were."""
        found = self.best
        assert found is not None, "it was measured at the last step"
        self._keeper.restore(self._parameters)
        return found
