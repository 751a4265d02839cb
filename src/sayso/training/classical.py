"""`pretrain` for models that are no networks: counted n-grams, and hidden Markov models.

The folder holds what a network's holds, `settings.json`, `tokens/`, `validation.jsonl`, `report.json` and `model/`; beside
them `stages.jsonl` (a line a stage of counting) or `metrics.jsonl` (a line an iteration). The same call again goes on.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso import config
from sayso.errors import SettingsError, StoreError
from sayso.i18n import gettext as _
from sayso.models import folders, textmodel
from sayso.models.classical.hmm import HmmModel
from sayso.models.classical.ngram import build, model
from sayso.models.classical.ngram.build import Ngram
from sayso.text import corpus, tokens
from sayso.text.tokens import Encoded, TokenFile
from sayso.training import fitting, measuring, pretraining, run
from sayso.training.fitting import MODEL, REPORT, TOKENS, Report, Watch
from sayso.training.foresight.outlook import Preview
from sayso.training.material import hidden, samples
from sayso.training.material.data import Data, Material, Source, Texts, gather, key_of, tokenizer_digest
from sayso.training.material.hidden import Hmm, Iteration
from sayso.training.measuring import Measured
from sayso.training.settings import Train

if TYPE_CHECKING:
    from sayso.models.textmodel import TextModel
    from sayso.training.material.mixture import Rows

SETTINGS: Mapping[str, type[Any]] = {"ngram": Ngram, "hmm": Hmm}
"""The architectures, and what their keys under `model.` are."""
STAGES = "stages.jsonl"
_STARTS = ".starts"
_TOGETHER = 1 << 18
_LOOKED_AT, _TRIED = 50_000, 200_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What is learnt from what, before anything is read."""

    model: Ngram | Hmm
    tokenizer: Any
    source: Source
    data: Data
    seed: int
    form: Mapping[str, Any]
    """What the run is of: other values in the same folder are refused."""


def task(files: Sequence[Path], settings: pretraining.Pretraining) -> Task:
    """Return a pretraining on files, for `fit` to do.

    Raises:
        SettingsError: a wrong setting, or one that only networks have.
        NotFoundError: no such file or tokenizer.
        RecordError: a file cannot be read.
    """
    _expect_no_networks_settings(settings)
    chosen: Ngram | Hmm = config.build(SETTINGS[settings.architecture], settings.model, where="model")
    if not settings.tokenizer:
        raise SettingsError("tokenizer: expected a folder; make one with: sayso tokenizer train FILES --out FOLDER")
    tokenizer = folders.open_tokenizer(folders.find(settings.tokenizer))
    _start, end = textmodel.start_and_end(tokenizer)
    source, form = _source(files, settings, tokenizer, end)
    return Task(
        model=chosen, tokenizer=tokenizer, source=source, data=settings.data, seed=settings.seed,
        form={**form, "model": asdict(chosen)},
    )  # fmt: skip


def _source(
    files: Sequence[Path], settings: pretraining.Pretraining, tokenizer: Any, end: int
) -> tuple[Source, dict[str, Any]]:
    """Return what is read and how it becomes rows, and what decides the run."""
    data = settings.data
    read = corpus.files_of(files)
    held = corpus.files_of([Path(name) for name in data.validation]) if data.validation else []
    longest = min(data.max_length or model.LONGEST, model.LONGEST)
    decisive = {
        "files": corpus.digest(read), "validation_files": corpus.digest(held), "tokenizer": tokenizer_digest(tokenizer),
    }  # fmt: skip
    source = Source(
        files=read, validation=held, kind="text", longest=longest, vocab_size=len(tokenizer),
        encoder=lambda: Texts(tokenizer, end=end, longest=longest, packing=data.packing),
        key=key_of(verb=pretraining.VERB, longest=longest, **decisive),
    )  # fmt: skip
    return source, {**asdict(settings), "verb": pretraining.VERB, **decisive}


def _expect_no_networks_settings(settings: pretraining.Pretraining) -> None:
    usual = replace(config.build(Train, pretraining.USUAL["train"], where="train"), seed=settings.seed)
    given = [f"train.{name}" for name, value in asdict(settings.train).items() if value != getattr(usual, name)]
    given += [f"data.{name}" for name in ("tokens", "mixture") if getattr(settings.data, name)]
    if given:
        raise SettingsError(
            "{keys}: only networks have it, not {name}; leave it out", keys=", ".join(given), name=settings.architecture
        )


def fit(task: Task, folder: Path, watch: Watch) -> Report:
    """Learn to the end, or on to the end, and return the report; what was done before is not done again.

    Raises:
        SettingsError: the folder holds another run.
        RecordError: a line of a file is wrong.
        PreflightError: there is nothing to learn from.
        ModelError: the model cannot be written.
        MissingExtraError: what learns it is not installed.
        StoreError: the disk refused.
    """
    fitting.expect_same(folder, task.form)
    before = fitting.done_before(folder)
    if before:
        return before
    material, text = _read(task, folder / TOKENS, watch)
    _keep(folder / run.SETTINGS, json.dumps(task.form, indent=1, ensure_ascii=False, default=str) + "\n")
    learn = _count if isinstance(task.model, Ngram) else _iterate
    found, story = learn(task, text, folder, watch)
    report = _report(found, material, story, folder, task)
    _keep(folder / REPORT, json.dumps(asdict(report), indent=1) + "\n")
    shutil.rmtree(folder / _STARTS, ignore_errors=True)
    return report


def preview(task: Task, folder: Path, watch: Watch) -> Preview:
    """Return what `fit` would do, and write nothing into the folder; a little of the text is tried for the time."""
    fitting.expect_same(folder, task.form)
    with tempfile.TemporaryDirectory() as aside:
        material, text = _read(task, Path(aside) / TOKENS, watch)
        few = _few(text, Path(aside) / "few", task.source.vocab_size)
        share = text.facts.tokens / few.facts.tokens
        began = time.perf_counter()
        if isinstance(task.model, Ngram):
            learnt, _story = _count(task, few, Path(aside), _deaf)
            seen, steps, numbers = text.facts.tokens, build.stages(text, task.model), share * learnt.num_parameters()
            times = share
        else:
            once = replace(task, model=replace(task.model, iterations=1, starts=1))
            learnt, _story = _iterate(once, few, Path(aside), _deaf)
            size = min(task.model.max_tokens or text.facts.tokens, text.facts.tokens)
            steps, numbers = task.model.iterations * task.model.starts, float(learnt.num_parameters())
            seen, times = size * steps, size / few.facts.tokens * steps
        seconds = (time.perf_counter() - began) * times
    return Preview(
        parameters=round(numbers), trainable=round(numbers), rows=len(material.train), left_out=material.left_out,
        tokens=text.facts.tokens, longest=text.facts.longest, steps=steps, tokens_seen=seen, seconds=seconds, packed="",
        validation_tokens=material.validation.tokens if material.validation else 0,
    )  # fmt: skip


def _deaf(**_seen: Any) -> None:
    """Hear nothing."""


def _read(task: Task, place: Path, watch: Watch) -> tuple[Material, TokenFile]:
    told = fitting.reading(task.source.files, watch)
    material = gather(task.source, task.data, place, seed=task.seed, told=told)
    return material, TokenFile(place / "train", material.train.facts)


def _few(text: TokenFile, place: Path, vocab_size: int) -> TokenFile:
    """Return a token file of the first tokens of another."""
    rows: list[Encoded] = []
    size = 0
    while size < _TRIED and len(rows) < len(text):
        ids, learnt = text.row(len(rows))
        rows.append(Encoded(ids=ids[: _TRIED - size].tolist(), learnt=learnt[: _TRIED - size].tolist(), num_bytes=0))
        size += len(rows[-1].ids)
    return tokens.write(place, rows, key="few", vocab_size=vocab_size)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Story:
    """How learning went."""

    steps: int
    tokens: int
    seconds: float
    loss: float | None
    """None: to be measured on what was learnt."""


def _count(task: Task, text: TokenFile, folder: Path, watch: Watch) -> tuple[TextModel, _Story]:
    """Count n-grams, and note how long every stage took."""
    assert isinstance(task.model, Ngram), "settings of a counted model"
    total = build.stages(text, task.model)
    noted = _Noted(folder / STAGES)
    began = time.perf_counter()

    def told(stage: str) -> None:
        nonlocal began
        now = time.perf_counter()
        number = noted.add({"num_steps": total, "stage": stage, "seconds": round(now - began, 3)})
        began = now
        watch(stage=pretraining.VERB, done=number, total=total, unit=_("stages"), note=stage)

    if not (folder / MODEL).exists():
        build.build(text, folder / MODEL, task.model, vocab_size=task.source.vocab_size, tokenizer=task.tokenizer, told=told)
    seconds = sum(line["seconds"] for line in noted.lines)
    return model.load(folder / MODEL), _Story(steps=total, tokens=text.facts.tokens, seconds=seconds, loss=None)


def _iterate(task: Task, text: TokenFile, folder: Path, watch: Watch) -> tuple[TextModel, _Story]:
    """Learn a hidden Markov model, and note the loss of every iteration."""
    assert isinstance(task.model, Hmm), "settings of a hidden Markov model"
    noted = _Noted(folder / run.METRICS)
    total = task.model.iterations * task.model.starts
    best: dict[int, float] = {}

    def told(seen: Iteration) -> None:
        best[seen.start] = seen.loss
        seconds = sum(line["seconds"] for line in noted.lines[-1:]) + seen.seconds
        noted.add(
            {"num_steps": total, "start": seen.start, "loss": seen.loss, "tokens": seen.tokens, "seconds": seconds},
            step=seen.step,
        )
        note = _("start {start}, loss {loss}").format(start=seen.start, loss=f"{seen.loss:.4f}")
        watch(stage=pretraining.VERB, done=seen.step, total=total, unit=_("iterations"), note=note)

    tables = hidden.learn(text, folder / _STARTS, task.model, vocab_size=task.source.vocab_size, seed=task.seed, told=told)
    made = HmmModel(name=str(folder / MODEL), tokenizer=task.tokenizer, tables=tables)
    made.save(folder / MODEL)
    lines = noted.lines
    story = _Story(
        steps=len(lines), tokens=sum(line["tokens"] for line in lines), seconds=lines[-1]["seconds"], loss=min(best.values())
    )
    return made, story


class _Noted:
    """A file of lines, one a step; a step that was noted before is not noted again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        self.lines: list[dict[str, Any]] = [json.loads(line) for line in text.split("\n")[:-1]]
        self._step = 0

    def add(self, line: Mapping[str, Any], *, step: int = 0) -> int:
        """Note a step, the next one by default, and return its number."""
        self._step = step or self._step + 1
        if self._step > len(self.lines):
            self.lines.append({"step": self._step, **line})
            _keep(self._path, "".join(json.dumps(item) + "\n" for item in self.lines))
        return self._step


def _report(found: TextModel, material: Material, story: _Story, folder: Path, task: Task) -> Report:
    held = material.validation
    began = time.perf_counter()
    if held:
        measuring.note(folder, measured(found, held, step=story.steps))
    loss = story.loss
    if loss is None:
        loss = measured(found, material.train, step=story.steps, most=_LOOKED_AT).loss
    return Report(
        model=str(folder / MODEL), parameters=found.num_parameters(), steps=story.steps, rows=len(material.train),
        left_out=material.left_out, tokens=story.tokens, seconds=round(story.seconds + time.perf_counter() - began, 3),
        loss=loss, validation=measuring.last(folder) if held else None,
        samples=samples.continued(found, held, task.data.samples, seed=task.seed) if held else (),
    )  # fmt: skip


def measured(found: TextModel, rows: Rows, *, step: int, most: int = 0) -> Measured:
    """Return what a language model of any kind costs on rows, or on those that hold the first `most` tokens."""
    nats, count = 0.0, 0
    for part in _parts(rows, most):
        values = found.logprobs(part)
        nats -= sum(float(line.sum()) for line in values)
        count += sum(map(len, values))
    whole = rows.facts.num_bytes and count == rows.facts.targets
    bits = nats / math.log(2) / rows.facts.num_bytes if whole else math.nan
    return Measured(step=step, loss=nats / count, bits_per_byte=bits, tokens=count)


def _parts(rows: Rows, most: int) -> Iterator[list[tuple[int, ...]]]:
    part: list[tuple[int, ...]] = []
    size = done = 0
    for number in range(len(rows)):
        part.append(rows[number].ids)
        size += len(part[-1])
        done += len(part[-1])
        if size >= _TOGETHER:
            yield part
            part, size = [], 0
        if most and done >= most:
            break
    if part:
        yield part


def _keep(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        run.write_whole(path, text)
    except OSError as error:
        raise StoreError(
            "the run folder {path!r} cannot be written: {reason}", path=str(path.parent), reason=str(error)
        ) from error
