"""A whole training with its folder: steps, checkpoints, validation, a report and the model at the end.

The folder holds `settings.json`, `tokens/`, `metrics.jsonl` (a line a step), `validation.jsonl` (a line a measurement),
`checkpoints/`, `report.json` and `model/`, which Hugging Face opens. The same call again goes on where it stopped.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sayso.errors import SettingsError, StoreError
from sayso.i18n import gettext as _
from sayso.models import adapters
from sayso.training import measuring, run
from sayso.training.early_stopping import Choice, Chosen, Rule
from sayso.training.engine import stopping
from sayso.training.engine.optimizer import prepare
from sayso.training.engine.place import as_first_says, by_deepspeed, by_first, first_then_others, place
from sayso.training.foresight import outlook
from sayso.training.foresight.outlook import Job, Preview
from sayso.training.material import corrupting, samples
from sayso.training.material.data import Data, Source, gather
from sayso.training.material.samples import Sample
from sayso.training.measuring import Measured
from sayso.training.settings import INDIFFERENT, Train
from sayso.training.steps import Step, steps

if TYPE_CHECKING:
    from sayso.methods import Method
    from sayso.models.local import LocalModel

REPORT, MODEL, TOKENS = "report.json", "model", "tokens"
_MEAN_OF = 50
_TELL_EVERY_BYTES = 1_000_000
_FREE = {
    "train.save_steps", "train.save_total_limit", "data.eval_steps", "data.eval_seconds", "data.samples",
    "data.encode_first_bytes", "device",
    *(f"train.{key}" for key in INDIFFERENT),
}  # fmt: skip


class Watch(Protocol):
    """Is told how far a stage has come."""

    def __call__(self, *, stage: str, done: int, total: int, unit: str, note: str) -> None:
        """Take note of it."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What is trained on what, before anything is read."""

    verb: str
    policy: LocalModel
    method: Method
    source: Source
    train: Train
    data: Data
    form: Mapping[str, Any]
    """What the run is of: other values in the same folder are refused."""
    rule: Rule | None = None
    """By what the weights that are kept are chosen; None: they are the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a training came to."""

    model: str
    parameters: int
    steps: int
    rows: int
    left_out: int
    """Rows that were longer than the context."""
    tokens: int
    """Tokens that went through the model, over all steps."""
    seconds: float
    """In training and measuring, interruptions not counted."""
    loss: float
    """Nats a token, mean of the last steps."""
    validation: Measured | None
    samples: tuple[Sample, ...] = ()
    """How it goes on with texts that were held back."""
    mixture: Mapping[str, float] = field(default_factory=dict)
    """Of a mixture: how often each group was seen."""
    chosen: Chosen | None = None
    """Which weights were kept, where it is not the last; `validation` is theirs."""
    again: bool = False
    """Whether it was done before."""

    @property
    def tokens_per_second(self) -> float:
        """Tokens a second, measuring included."""
        return self.tokens / self.seconds if self.seconds else 0.0


def expect_same(folder: Path, form: Mapping[str, Any]) -> None:
    """Pass silently unless the folder holds a run of something else.

    Raises:
        SettingsError: it does; what differs is named.
    """
    if folder.exists() and not folder.is_dir():
        raise SettingsError("{path!r} is a file; expected a folder for the run", path=str(folder))
    path = folder / run.SETTINGS
    if not (folder / REPORT).exists() and not any((folder / "checkpoints").glob("step-*")):
        return
    try:
        before = _flat(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise SettingsError(
            "{path!r} holds a run whose settings cannot be read ({reason}); choose another folder",
            path=str(folder), reason=str(error),
        ) from error  # fmt: skip
    now = _flat(json.loads(json.dumps(form, default=str)))
    differ = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key) and key not in _FREE)
    if differ:
        shown = ", ".join(f"{key}: {_short(before.get(key))} → {_short(now.get(key))}" for key in differ[:4])
        raise SettingsError(
            "{path!r} holds a run with other settings ({shown}); give back what it was started with, or choose another "
            "folder",
            path=str(folder), shown=shown,
        )  # fmt: skip


def fit(task: Task, folder: Path, watch: Watch, *, clock: Callable[[], float] = time.monotonic) -> Report:
    """Train to the end, or on to the end, and return the report; a training that was done before is not done again.

    Of several processes (`training.place`) that call this together the first alone measures and writes.

    Raises:
        SettingsError: the folder holds another run.
        RecordError: a line of a file is wrong.
        PreflightError: there is nothing to learn from.
        ModelError: the loss is not finite.
        StoreError: the disk refused.
        KeyboardInterrupt: SIGINT or SIGTERM came; a checkpoint was written.
    """
    before = by_first(lambda: _found(task, folder))
    if before:
        return before
    made = outlook.fitted(first_then_others(lambda: job(task, folder / TOKENS, watch)))
    first = place().first
    if task.rule and (task.train.fsdp or by_deepspeed()) and place().size > 1:
        raise SettingsError("train.fsdp: weights in shards cannot be kept aside; set early_stopping.by to last")
    choice = Choice(task.rule, made, folder) if task.rule and first else None
    with stopping.signals() as stop:
        if not by_first(lambda: bool(choice and choice.over)):
            records = steps(
                made.method, made.policy, made.material.train, made.train, folder=folder, resume=True,
                stop=lambda: stop() or bool(choice and choice.over),
            )  # fmt: skip
            told = _Told(made, watch, choice)
            _follow(run.keep(records, folder, settings=task.form), made, folder, told, clock)
        if first and not (choice and choice.over) and not _finished(folder):  # the others end when it does
            stop.leave()
    return by_first(lambda: _ended(made, folder, choice))


def _found(task: Task, folder: Path) -> Report | None:
    expect_same(folder, task.form)
    return done_before(folder)


def _ended(made: Job, folder: Path, choice: Choice | None) -> Report:
    """Write the model that is kept, and the report."""
    chosen = choice.restored() if choice else None
    whole = made.policy if made.policy.base else adapters.merge(made.policy)  # an adapter wants weights that a folder holds
    whole.save(folder / MODEL)
    report = _report(made, folder, chosen)
    run.write_whole(folder / REPORT, json.dumps(asdict(report), indent=1) + "\n")
    return report


def _follow(records: Iterator[Step], job: Job, folder: Path, told: _Told, clock: Callable[[], float]) -> None:
    measured, first = clock(), place().first
    for record in records:
        told(record)
        held = corrupting.held(job.method, job.material.validation)
        due = told.choice is not None and told.choice.due(record)
        wanted = as_first_says(bool(held) and (due or _measures_after(record, job.data, clock() - measured)))
        if held and wanted:
            told.validation = measuring.measure(job.policy, held, step=record.step, max_tokens=job.train.max_tokens)
            if first:
                measuring.note(folder, told.validation)
            measured = clock()
        if told.choice and due:
            told.choice.note(record, told.validation)


def _finished(folder: Path) -> bool:
    records = run.read(folder)
    return bool(records) and records[-1]["step"] == records[-1]["num_steps"]


def preview(task: Task, folder: Path, watch: Watch) -> Preview:
    """Return what `fit` would do, and write nothing into the folder; a few batches are tried for the time it would take."""
    expect_same(folder, task.form)
    with tempfile.TemporaryDirectory() as aside:
        return outlook.foreseen(job(task, Path(aside), watch))


def job(task: Task, place: Path, watch: Watch) -> Job:
    """Read the files into token files in `place`, and make the model ready to learn."""
    seed = task.train.seed
    material = gather(task.source, task.data, place, seed=seed, told=reading(task.source.files, watch))
    train = outlook.laid_out(material, task.train, task.data)
    return Job(
        verb=task.verb, policy=prepare(task.policy, train), method=task.method, material=material, train=train,
        data=task.data,
    )  # fmt: skip


def reading(files: Sequence[Path], watch: Watch) -> Callable[[int], None]:
    """Return what is told how many bytes were read, and passes it on now and then."""
    total = max(1, sum(path.stat().st_size for path in files if path.exists()))
    said = 0

    def told(done: int) -> None:
        nonlocal said
        if done - said >= _TELL_EVERY_BYTES:
            said = done
            watch(stage=_("read"), done=min(done, total), total=total, unit=_("bytes"), note="")

    return told


def done_before(folder: Path) -> Report | None:
    """Return the report of a finished training, or None."""
    try:
        found = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError("{path!r} cannot be read: {reason}", path=str(folder / REPORT), reason=str(error)) from error
    validation = Measured(**found["validation"]) if found["validation"] else None
    drawn = tuple(Sample(**sample) for sample in found.get("samples", ()))
    chosen = Chosen(**found["chosen"]) if found.get("chosen") else None
    return Report(**{**found, "validation": validation, "samples": drawn, "chosen": chosen, "again": True})


def _measures_after(record: Step, data: Data, seconds: float) -> bool:
    """Whether to measure now; `seconds` have passed since it was done last."""
    due = bool(data.eval_steps and record.step % data.eval_steps == 0)
    return due or record.step == record.num_steps or bool(data.eval_seconds and seconds >= data.eval_seconds)


class _Told:
    """Says after each step how far the run is, in tokens, with the loss of the last steps."""

    def __init__(self, job: Job, watch: Watch, choice: Choice | None) -> None:
        self._job, self._watch, self._total = job, watch, outlook.tokens_of(job.material, job.train)
        self.choice = choice
        self._losses: list[float] = []
        self._done = 0
        self.validation: Measured | None = None

    def __call__(self, record: Step) -> None:
        if not self._losses:
            share = (record.step - 1) / record.num_steps
            self._done = round(self._total * share)
        self._losses = [*self._losses[1 - _MEAN_OF :], record.loss]
        self._done += record.tokens
        last = record.step == record.num_steps
        note = _("step {step} of {of}, loss {loss}").format(
            step=record.step, of=record.num_steps, loss=f"{sum(self._losses) / len(self._losses):.3f}"
        )
        if self.validation:
            note += ", " + _("validation {loss}").format(loss=f"{self.validation.loss:.3f}")
        best = self.choice.best if self.choice else None
        if best:
            note += ", " + _("best {metric} {value} at step {step}").format(
                metric=best.metric, value=f"{best.value:.4f}", step=best.step
            )
        done = self._total if last else min(self._done, self._total - 1)
        self._watch(stage=self._job.verb, done=done, total=self._total, unit=_("tokens"), note=note)


def _report(job: Job, folder: Path, chosen: Chosen | None) -> Report:
    records, step = run.read(folder), chosen.step if chosen else None
    last = [record["loss"] for record in records[-_MEAN_OF:]]
    held = job.material.validation
    epochs = sum(record["tokens"] for record in records) / job.material.train.tokens
    return Report(
        model=str(folder / MODEL), parameters=job.policy.num_parameters(), steps=len(records),
        rows=len(job.material.train), left_out=job.material.left_out,
        tokens=sum(record["tokens"] for record in records), seconds=round(_seconds(records), 3),
        loss=sum(last) / len(last), validation=measuring.last(folder, step=step) if held else None,
        samples=samples.draw(job.policy, held, job.data.samples, seed=job.train.seed) if held else (),
        mixture={name: round(passes * epochs, 3) for name, passes in job.material.mixed.items()},
        chosen=chosen,
    )  # fmt: skip


def _seconds(records: Sequence[Mapping[str, Any]]) -> float:
    """Add up the time of a run and of its resumptions: a record's clock starts anew with each."""
    clocks = [record["seconds"] for record in records]
    ends = [before for before, after in pairwise(clocks) if after < before]
    return float(sum(ends) + (clocks[-1] if clocks else 0.0))


def _flat(form: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(form, Mapping):
        return {prefix: form}
    found = {}
    for name, inner in form.items():
        found.update(_flat(inner, f"{prefix}.{name}" if prefix else name))
    return found


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 24 else f"{text[:20]}…"
