"""A classifier is trained and measured, or measured alone, beside the linear one; a report with pictures is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.errors import StoreError
from sayso.i18n import gettext as _
from sayso.loop.answering import Asked, Found, Measuring, Standing
from sayso.loop.progress import Progress
from sayso.records import plain
from sayso.training.engine.place import by_first, each, together

if TYPE_CHECKING:
    from sayso.evaluation.classifying import Judged
    from sayso.loop import Watcher
    from sayso.models.labelling import Labeller
    from sayso.tasks.classify.task import Classify
    from sayso.tasks.items import Item
    from sayso.training.classifiers.classifying import Classifying, Fitted

TASK = "classify"
REPORT, CONFUSION, RELIABILITY = "evaluation.json", "confusion.svg", "reliability.svg"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What a training came to, and how good its model is on the test texts."""

    fitted: Fitted
    found: Found

    @property
    def form(self) -> Mapping[str, Any]:
        """As plain values."""
        form: Mapping[str, Any] = plain({"training": asdict(self.fitted), "evaluation": asdict(self.found)})
        return form


def train(model: str, files: Sequence[Path], settings: Classifying, folder: Path, watch: Watcher) -> Trained:
    """Train a classifier into a folder and measure it on the test texts, beside the linear one.

    Raises:
        SettingsError: a wrong setting, or the folder holds another run.
        NotFoundError: no such file or model.
        RecordError: a line is wrong.
        PreflightError: there is nothing to learn from.
    """
    from sayso.models import labelling
    from sayso.training.classifiers import classifying

    def told(**seen: Any) -> None:
        watch(Progress(**seen))

    splits = classifying.read(files, settings)
    fitted = classifying.fit(model, splits, settings, folder, told)
    models = {_("model"): labelling.load(fitted.model, device=settings.device)}
    if (folder / classifying.BASELINE).is_dir():
        models[_("linear")] = labelling.load(folder / classifying.BASELINE)
    judged = [_judged(opened, splits.task, splits.test, name) for name, opened in models.items()]
    found = _found(splits.task, judged, len(splits.test), settings.seed)
    _keep(folder, splits.task, splits.test, judged[0], found)
    return Trained(fitted=fitted, found=found)


def preview(model: str, files: Sequence[Path], settings: Classifying) -> Mapping[str, Any]:
    """Return what `train` would do: how many texts of which classes, and what is held back."""
    from collections import Counter

    from sayso.training.classifiers import classifying, classifying_comments

    splits = classifying.read(files, settings)
    told = classifying_comments.read(settings.comments, splits)
    counts = Counter(item.answers[0] for item in splits.train)
    return {
        "model": model, "train": len(splits.train), "validation": len(splits.validation), "test": len(splits.test),
        "held_back": splits.held_back, "classes": {label: counts[label] for label in splits.task.classes},
        "comments": {"n": len(told.examples), "marked": told.marked, "unread": told.unread} if told.examples else {},
    }  # fmt: skip


def measured(
    model: str, files: Sequence[str], settings: Classifying, *, others: Sequence[str] = (), folder: Path | None = None,
    watch: Watcher,
) -> Found:  # fmt: skip
    """Measure a model on labelled texts, beside others: a classifier of any kind, or a model that is asked in words.

    Files of a preset's folder mean its test split; own files are measured on whole. With a `folder` the report is kept.

    Raises:
        NotFoundError: no such file or model.
        RecordError: a line is wrong, or has a class that the model does not know.
    """
    opened = [_opened(name, settings.device) for name in (model, *others)]
    task, items = _test(files, settings, opened[0])
    judged = []
    for number, (name, one) in enumerate(zip((model, *others), opened, strict=True)):
        watch(Progress(stage=_("answer"), done=number, total=len(opened), unit=_("models"), note=name))
        judged.append(_judged(one, task, items, _short(name)))
    found = _found(task, judged, len(items), settings.seed)
    if folder is not None:
        by_first(lambda: _keep(folder, task, items, judged[0], found))
    return found


def asked(model: str, files: Sequence[str], settings: Classifying) -> Asked:
    """Return what `measured` would ask a model, and measure nothing."""
    task, items = _test(files, settings, _opened(model, settings.device))
    return Asked(task=task, items=items, settings=Measuring(seed=settings.seed, device=settings.device))


def _test(files: Sequence[str], settings: Classifying, model: Any) -> tuple[Classify, tuple[Item, ...]]:
    from sayso.training.classifiers import classifying

    task = settings.classify
    if task.preset and not any(Path(name).is_file() for name in files):
        splits = classifying.read(files, settings)
        return splits.task, splits.test
    labels = getattr(model, "labels", ())
    task = task if task.classes or not labels else replace(task, labels=tuple(labels))
    items = tuple(item for name in files for item in task.items(str(name), split="test"))
    return task.with_classes_of(items), items


def _opened(name: str, device: str) -> Any:
    """Return a classifier, or a model that writes."""
    from sayso.models import folders, labelling, local, remote
    from sayso.models.forms.classifier import Classifier
    from sayso.models.headed import NetworkLabeller

    if remote.is_address(name):
        return remote.load(name)
    if labelling.form_of(folders.find(name)):
        return labelling.load(name)
    model = local.load(name, device=device)
    return NetworkLabeller(model) if isinstance(model.form, Classifier) else model


def _judged(model: Any, task: Classify, items: Sequence[Item], name: str) -> Judged:
    from sayso.evaluation import classifying as judging

    if hasattr(model, "logprobs"):
        labeller: Labeller = model
        return judging.by_labeller(labeller, task, items, name=name, each=each)
    return judging.by_prompt(together(model), task, items, name=name)


def _found(task: Classify, judged: Sequence[Judged], count: int, seed: int) -> Found:
    from sayso.evaluation import classifying as judging

    first, *rest = judged
    standings = [Standing(name=first.name, metrics=tuple(first.metrics(seed=seed)))]
    standings += [
        Standing(name=one.name, metrics=tuple(one.metrics(seed=seed)), changes=tuple(judging.changes(first, one, seed=seed)))
        for one in rest
    ]
    return Found(task=TASK, first=task.first, items=count, standings=tuple(standings))


def _keep(folder: Path, task: Classify, items: Sequence[Item], judged: Judged, found: Found) -> None:
    """Write the report and its pictures into a folder."""
    from sayso.evaluation import classifying as judging
    from sayso.evaluation.report import classes
    from sayso.evaluation.report.figures import standing_alone

    files = {REPORT: json.dumps(plain(asdict(found)), indent=1, ensure_ascii=False) + "\n"}
    if not task.about.scores:
        table = judging.mixed_up(judged, task, items)
        files[CONFUSION] = standing_alone(classes.confusion_matrix(table, task.classes))
    if judged.probabilities is not None:
        files[RELIABILITY] = standing_alone(classes.reliability(judging.reliability(judged, items)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            if text.strip():
                (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError("{path!r} cannot be written: {reason}", path=str(folder), reason=str(error)) from error


def _short(name: str) -> str:
    path = Path(name)
    return path.parent.name if path.name == "model" and path.parent.name else path.name or name
