"""`finetune --task classify`: a linear classifier, or a network with a head for the classes, learns labelled texts.

The run folder holds `settings.json`, `model/` and, beside a network, `baseline/`: the linear classifier that it is held
against; a network's run holds `metrics.jsonl`, `validation.jsonl` and `checkpoints/` too. The same call goes on where it
stopped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sayso import config
from sayso.errors import PreflightError, SettingsError
from sayso.i18n import gettext as _
from sayso.models.classical import linear
from sayso.models.classical.linear import Linear
from sayso.records import identity
from sayso.tasks.classify.splits import Shares, Splits, split
from sayso.tasks.classify.task import Classify
from sayso.training import run
from sayso.training.classifiers import calibration, classifying_comments
from sayso.training.classifiers.classifying_comments import NOTHING, Comments, Told
from sayso.training.classifiers.classifying_data import examples, judge, text_of, value_of
from sayso.training.fitting import MODEL, REPORT, Watch, expect_same
from sayso.training.foresight import outlook
from sayso.training.settings import Train

VERB = "finetune"
LINEAR = "linear"
"""In the place of a model: the linear classifier itself."""
BASELINE = "baseline"
USUAL: Mapping[str, Any] = {
    "train": {
        "learning_rate": 5e-5, "num_train_epochs": 5.0, "per_device_train_batch_size": 32, "max_tokens": 8192,
        "lr_scheduler_type": "linear", "weight_decay": 0.01, "save_steps": 0, "use_lora": False, "dropout": True,
    }
}  # fmt: skip
"""What a classifier wants, where it differs from the usual training settings."""
USUAL_FRESH: Mapping[str, Any] = {"train": {"learning_rate": 1e-3, "num_train_epochs": 20.0}}
"""What random weights want besides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Classifying:
    """Settings of a classifier's training."""

    task: Literal["classify"] = "classify"
    classify: Classify = field(default_factory=Classify)
    """What is read, and which classes there are."""
    validation: tuple[str, ...] = ()
    """Own files to choose on; empty: a share is held back."""
    test: tuple[str, ...] = ()
    """Own files to measure on once, at the end; empty: a share is held back."""
    shares: Shares = field(default_factory=Shares)
    """How much is held back where a split is not given."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced`: the rarer a class, the more its texts weigh."""
    calibrate: bool = True
    """Fit a temperature on the validation texts at the end; no answer changes, its probability does."""
    baseline: bool = True
    """Train the linear classifier too, for the table."""
    freeze_body: bool = False
    """Train the head for the classes alone."""
    max_length: int = 0
    """Texts are cut to so many tokens; 0: to the model's context."""
    eval_steps: int = 0
    """Measure on the validation texts every so many steps; 0: after every epoch."""
    patience: int = 3
    """Stop when so many measurements in a row were no better than the best; 0: never. The best is kept in any case."""
    comments: Comments = field(default_factory=Comments)
    """What was said of answers, to be learnt beside the texts."""
    tokenizer: str = ""
    """For a model `fresh:ARCHITECTURE`: a tokenizer's folder; empty: one is learnt from the texts."""
    vocab_size: int = 8000
    """Entries of a tokenizer that is learnt from the texts."""
    model: Mapping[str, Any] = field(default_factory=dict)
    """For a model `fresh:ARCHITECTURE`: the architecture's own keys, such as hidden_size."""
    train: Train = field(default_factory=Train)
    seed: int = 0
    """What is held back, the first weights, and the order of texts."""
    device: str = "auto"
    """Where it is trained: auto is the GPU where there is one."""

    def __post_init__(self) -> None:
        for name in ("max_length", "eval_steps", "patience"):
            if getattr(self, name) < 0:
                raise SettingsError("{key}: found {found}; expected 0 or more", key=name, found=getattr(self, name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """What a classifier's training came to."""

    model: str
    parameters: int
    train: int
    """Texts that were learnt from."""
    validation: int
    test: int
    held_back: tuple[str, ...]
    """Splits that were not given, but held back from what was."""
    metric: str
    best: float
    """Of that metric, on the validation texts."""
    temperature: float
    chosen: str
    """How the best was come to."""
    seconds: float = 0.0
    steps: int = 0
    again: bool = False
    """Whether it was done before."""
    commented: int = 0
    """Texts that were learnt from what comments name."""
    marked: int = 0
    """Of those, with words that comments mark."""
    unread: int = 0
    """Answers whose comments name no class, or several."""


def settings_of(layers: Sequence[Mapping[str, Any]], assignments: Sequence[str], *, model: str = "") -> Classifying:
    """Return settings: the usual ones, the layers over them, and `key=value` assignments over those.

    Raises:
        SettingsError: an unknown key or a wrong value.
    """
    fresh = [USUAL_FRESH] if model.startswith("fresh:") else []
    form = config.override(config.merged(USUAL, *fresh, *layers), assignments)
    found = config.build(Classifying, form, where=VERB)
    if fresh and (found.train.use_lora or found.freeze_body):
        raise SettingsError("random weights have nothing to adapt; leave train.use_lora and freeze_body false")
    if found.train.use_lora and found.freeze_body:
        raise SettingsError("train.use_lora and freeze_body: an adapter is in the body; set one of them")
    return replace(found, train=outlook.seeded(found.train, found.seed))


def read(files: Sequence[str | Path], settings: Classifying) -> Splits:
    """Return the items of a training: learnt from, chosen on, measured on.

    Raises:
        NotFoundError: a file is not there.
        RecordError: a line is wrong; it is named.
    """
    return split(
        settings.classify, [str(name) for name in files], validation=settings.validation, test=settings.test,
        shares=settings.shares, seed=settings.seed,
    )  # fmt: skip


def fit_linear(splits: Splits, settings: Classifying, watch: Watch, told: Told = NOTHING) -> tuple[Linear, float]:
    """Return the linear classifier that does best on the validation texts, calibrated on them, and how well it does.

    Raises:
        PreflightError: there is one class alone.
    """
    task, held = splits.task, [text_of(item) for item in splits.validation]
    values: list[float] = []

    def tried(what: str, value: float) -> None:
        values.append(value)
        watch(
            stage=_("baseline"), done=len(values), total=2 * len(linear.GRID), unit=_("tried"), note=f"{what}: {value:.4f}"
        )

    learnt = classifying_comments.taught(examples(task, splits.train), told, task.classes, settings.comments)
    found = linear.fit(
        learnt, held, judge(task, splits.validation), task.classes,
        balanced=settings.class_weights == "balanced", seed=settings.seed, told=tried,
    )  # fmt: skip
    if settings.calibrate and not task.about.scores:
        classes = [task.classes.index(item.answers[0]) for item in splits.validation]
        found = found.calibrated(calibration.temperature(found.margins(held), classes))
    return found, value_of(task, splits.validation, found.margins(held))


def fit(model: str, splits: Splits, settings: Classifying, folder: Path, watch: Watch) -> Fitted:
    """Train to the end, or on to the end, and return what came of it; what was done before is not done again.

    Raises:
        SettingsError: the folder holds another run.
        PreflightError: there is nothing to learn from.
        ModelError: the model cannot be opened, or the loss is not finite.
        StoreError: the disk refused.
    """
    if not splits.train or not splits.validation:
        raise PreflightError(
            "{train} texts to learn from and {validation} to choose on; expected some of both, add texts or name files",
            train=len(splits.train), validation=len(splits.validation),
        )  # fmt: skip
    told = classifying_comments.read(settings.comments, splits)
    form = {**asdict(settings), "verb": VERB, "model": model, "texts": _digest(splits), "said": identity(told.examples)}
    expect_same(folder, form)
    if (folder / REPORT).exists():
        return replace(_report(folder), again=True)
    if model == LINEAR:
        found = _linear(splits, settings, folder, form, watch, told)
    else:
        from sayso.training.classifiers.classifying_network import fit as fit_network

        found = fit_network(model, splits, settings, folder, form, watch, told)
    found = replace(found, commented=len(told.examples), marked=told.marked, unread=told.unread)
    run.write_whole(folder / REPORT, json.dumps(asdict(found), indent=1, ensure_ascii=False) + "\n")
    return found


def with_baseline(splits: Splits, settings: Classifying, folder: Path, watch: Watch, told: Told) -> None:
    """Put the linear classifier into `baseline/`, where it is wanted and not there yet."""
    if settings.baseline and not (folder / BASELINE).is_dir():
        fit_linear(splits, settings, watch, told)[0].save(folder / BASELINE)


def _linear(
    splits: Splits, settings: Classifying, folder: Path, form: Mapping[str, Any], watch: Watch, told: Told
) -> Fitted:
    found, best = fit_linear(splits, settings, watch, told)
    folder.mkdir(parents=True, exist_ok=True)
    run.write_whole(folder / run.SETTINGS, json.dumps(form, indent=1, ensure_ascii=False, default=str) + "\n")
    found.save(folder / MODEL)
    return Fitted(
        model=str(folder / MODEL), parameters=found.num_parameters(), train=len(splits.train),
        validation=len(splits.validation), test=len(splits.test), held_back=splits.held_back, metric=splits.task.first,
        best=best, temperature=found.temperature, chosen=found.chosen,
    )  # fmt: skip


def _report(folder: Path) -> Fitted:
    found = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    return Fitted(**{**found, "held_back": tuple(found["held_back"])})


def _digest(splits: Splits) -> str:
    import hashlib

    found = hashlib.sha256()
    for items in (splits.train, splits.validation, splits.test):
        for item in items:
            found.update(repr((sorted(item.inputs.items()), item.answers)).encode())
        found.update(b"|")
    return found.hexdigest()
