"""A network learns labelled texts: whole, by an adapter, or its head alone, and stops when it gets no better."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.batches import Row
from sayso.i18n import gettext as _
from sayso.methods import Method
from sayso.methods.rationale import Rationale
from sayso.methods.sft import Sft
from sayso.models import adapters, headed
from sayso.models.forms import classifier
from sayso.models.forms.classifier import Classifier
from sayso.models.headed import NetworkLabeller
from sayso.models.local import LocalModel
from sayso.tasks.classify.splits import Splits
from sayso.text import tokenizer as tokenizers
from sayso.training import run
from sayso.training.classifiers import calibration, classifying, classifying_comments
from sayso.training.classifiers.classifying_comments import Told
from sayso.training.classifiers.classifying_data import class_weights, rows, text_of, value_of
from sayso.training.early_stopping import Keeper
from sayso.training.engine import checkpoints, order, stopping
from sayso.training.engine.optimizer import prepare, trainable
from sayso.training.fitting import MODEL
from sayso.training.settings import Train
from sayso.training.steps import Step, steps

if TYPE_CHECKING:
    from sayso.training.classifiers.classifying import Classifying, Fitted
    from sayso.training.fitting import Watch

FRESH = "fresh:"
_LONGEST_FRESH = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """What is trained on what."""

    policy: LocalModel
    splits: Splits
    rows: list[Row]
    method: Method
    train: Train
    every: int
    """Steps between two measurements."""
    watch: Watch

    @property
    def num_steps(self) -> int:
        """How many steps there are at most."""
        return order.num_steps(len(self.rows), self.train)

    def value(self) -> float:
        """Return the task's metric on the validation texts."""
        items = self.splits.validation
        logits = NetworkLabeller(self.policy).logits([text_of(item) for item in items])
        return value_of(self.splits.task, items, logits)


def fit(
    model: str, splits: Splits, settings: Classifying, folder: Path, form: Mapping[str, Any], watch: Watch, told: Told
) -> Fitted:
    """Train a network to the end, or on to the end, and return what came of it."""
    folder.mkdir(parents=True, exist_ok=True)
    classifying.with_baseline(splits, settings, folder, watch, told)
    job = _job(model, splits, settings, folder, watch, told)
    found = checkpoints.newest(folder / "checkpoints", say=False)
    keeper = Keeper(folder, patience=settings.patience, step=found.step if found else 0)
    parameters = trainable(job.policy.module)
    with stopping.signals() as stop:
        if not keeper.over:
            records = steps(
                job.method, job.policy, job.rows, job.train, folder=folder, resume=True, stop=lambda: stop() or keeper.over
            )
            for record in run.keep(records, folder, settings=form):
                _measure(job, keeper, record, parameters)
        done = run.read(folder)
        if not keeper.over and done[-1]["step"] < done[-1]["num_steps"]:
            stop.leave()
    keeper.restore(parameters)
    temperature = _calibrated(job) if settings.calibrate and not splits.task.about.scores else 1.0
    parameters_count = job.policy.num_parameters()
    whole = adapters.merge(job.policy)
    classifier.set_temperature(whole, temperature)
    whole.save(folder / MODEL)
    best = keeper.best
    assert best is not None, "it was measured at the last step"
    return classifying.Fitted(
        model=str(folder / MODEL), parameters=parameters_count, train=len(splits.train), validation=len(splits.validation),
        test=len(splits.test), held_back=splits.held_back, metric=splits.task.first, best=best.value,
        temperature=temperature, chosen=_("best after step {step} of {of}").format(step=best.step, of=job.num_steps),
        seconds=round(float(done[-1]["seconds"]), 3), steps=len(done),
    )  # fmt: skip


def _job(model: str, splits: Splits, settings: Classifying, folder: Path, watch: Watch, told: Told) -> _Job:
    policy = prepare(_policy(model, splits, settings, folder), settings.train)
    assert isinstance(policy.form, Classifier)
    if settings.max_length:
        chat = replace(policy.form.chat, longest=min(settings.max_length, policy.form.chat.longest))
        policy.form = replace(policy.form, chat=chat)
        policy.chat = chat
    if settings.freeze_body:
        classifier.freeze_body(policy)
    weights = class_weights(splits.task, splits.train, balanced=settings.class_weights == "balanced")
    made = rows(splits.task, splits.train, policy, weights)
    by_name = {label: weights.get(number, 1.0) for number, label in enumerate(splits.task.classes)}
    made += classifying_comments.rows(told, policy, by_name, settings.comments)
    marked = settings.comments.penalty and any(row.beside for row in made)
    method: Method = Rationale(penalty=settings.comments.penalty) if marked else Sft()
    every = settings.eval_steps or math.ceil(len(made) / settings.train.groups_per_step)
    train = replace(settings.train, save_steps=settings.train.save_steps or every)
    return _Job(policy=policy, splits=splits, rows=made, method=method, train=train, every=every, watch=watch)


def _policy(model: str, splits: Splits, settings: Classifying, folder: Path) -> LocalModel:
    labels = splits.task.classes
    if not model.startswith(FRESH):
        return headed.headed(model, labels, seed=settings.seed, device=settings.device)
    place = Path(settings.tokenizer) if settings.tokenizer else folder / "tokenizer"
    if not settings.tokenizer and not place.is_dir():
        texts = (part for item in splits.train for part in text_of(item) if part)
        tokenizers.train(texts, place, vocab_size=settings.vocab_size, model_max_length=_LONGEST_FRESH)
    return headed.drawn(model.removeprefix(FRESH), settings.model, place, labels, seed=settings.seed, device=settings.device)


def _measure(job: _Job, keeper: Keeper, record: Step, parameters: Mapping[str, Any]) -> None:
    if record.step % job.every == 0 or record.step == record.num_steps:
        keeper.note(record.step, job.value(), parameters)
    best = keeper.best
    note = _("step {step} of {of}, loss {loss}").format(
        step=record.step, of=record.num_steps, loss=f"{record.loss:.3f}"
    )  # fmt: skip
    if best:
        note += ", " + _("best {metric} {value} at step {step}").format(
            metric=job.splits.task.first, value=f"{best.value:.4f}", step=best.step
        )
    job.watch(stage=classifying.VERB, done=record.step, total=record.num_steps, unit=_("steps"), note=note)


def _calibrated(job: _Job) -> float:
    items = job.splits.validation
    logits = NetworkLabeller(job.policy).logits([text_of(item) for item in items])
    return calibration.temperature(logits, [job.splits.task.classes.index(item.answers[0]) for item in items])
