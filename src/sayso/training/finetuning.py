"""`finetune`: a model that is there learns more, from conversations; or one with random weights learns all of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from sayso import config
from sayso.errors import SettingsError
from sayso.methods.sft import Sft
from sayso.models import local, pointed
from sayso.models.forms.extractive import Passages
from sayso.models.fresh import fresh, kind_of
from sayso.models.local import LocalModel
from sayso.tasks import answering
from sayso.tasks.answer import Answer
from sayso.tasks.chat import Chat
from sayso.tasks.retrieval import Retrieval
from sayso.tasks.summarize import Summarize
from sayso.tasks.translate import Translate
from sayso.tasks.write import Write
from sayso.text import corpus
from sayso.text.corpus import Document
from sayso.training.early_stopping import EarlyStopping, Rule
from sayso.training.fitting import Task
from sayso.training.foresight import outlook
from sayso.training.material import lessons
from sayso.training.material.corrupting import Correcting
from sayso.training.material.data import Chats, Data, Encoder, Source, held_back, key_of, tokenizer_digest
from sayso.training.pointing import Pointing, Windows
from sayso.training.settings import Train

if TYPE_CHECKING:
    from sayso.methods import Method
    from sayso.tasks import Task as Applied
    from sayso.tasks.items import Item

VERB = "finetune"
WHOLE_RATE = 4e-5
"""Peak rate when all weights of a model of about half a billion parameters are trained; a small model wants up to 3e-3."""
TaskName = Literal["chat", "summarize", "translate", "answer", "retrieval", "write"]
FRESH = "fresh:"
"""`fresh:bart` in the place of a model: random weights of that architecture, around the tokenizer of the settings."""
USUAL_FRESH: Mapping[str, Any] = {
    "train": {
        "learning_rate": 1e-3, "num_train_epochs": 10.0, "per_device_train_batch_size": 64, "max_tokens": 4096,
        "adam_beta2": 0.99, "save_steps": 200, "use_lora": False, "dropout": True,
    }
}  # fmt: skip
"""What random weights want, where it differs from the usual training settings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finetuning:
    """Settings of a fine-tuning."""

    task: TaskName = "chat"
    """What is learnt: `chat`, the answers in conversations; or the right answers of another task."""
    summarize: Summarize = field(default_factory=Summarize)
    translate: Translate = field(default_factory=Translate)
    answer: Answer = field(default_factory=Answer)
    retrieval: Retrieval = field(default_factory=Retrieval)
    write: Write = field(default_factory=Write)
    last_turn_only: bool = False
    """Learn the last answer of a conversation only; earlier ones are context."""
    label_smoothing_factor: float = 0.0
    """Share of each target that is spread over the whole vocabulary; 0.1 helps random weights on few texts."""
    tokenizer: str = ""
    """For a model `fresh:ARCHITECTURE`: the folder of a tokenizer, or a Hugging Face id."""
    model: Mapping[str, Any] = field(default_factory=dict)
    """For a model `fresh:ARCHITECTURE`: the architecture's own keys, such as d_model."""
    data: Data = field(default_factory=Data)
    early_stopping: EarlyStopping = field(default_factory=EarlyStopping)
    train: Train = field(default_factory=Train)
    seed: int = 0
    """The order of rows, a fresh adapter's (or fresh model's) weights, and what is held back."""
    device: str = "auto"
    """Where it is trained: auto is the GPU where there is one."""


def settings_of(layers: Sequence[Mapping[str, Any]], assignments: Sequence[str], *, model: str = "") -> Finetuning:
    """Return settings for a model: what random weights want where it is `fresh:`, the layers, and `key=value` assignments.

    Raises:
        SettingsError: an unknown key or a wrong value.
    """
    usual = [USUAL_FRESH] if model.startswith(FRESH) else []
    found = config.build(Finetuning, config.override(config.merged(*usual, *layers), assignments), where=VERB)
    if usual and found.train.use_lora:
        raise SettingsError("train.use_lora: random weights have nothing to adapt; leave it false")
    return replace(found, train=outlook.seeded(found.train, found.seed))


def task(model: str, files: Sequence[Path], settings: Finetuning) -> Task:
    """Return the fine-tuning of a model on files, for `training.fitting` to do.

    Raises:
        SettingsError: a wrong setting.
        NotFoundError: no such model or file.
        RecordError: a file cannot be read.
        ModelError: the model cannot be opened.
    """
    points = settings.task == "answer" and _points(model)
    reading = _pointed_reading(files, settings) if points else _reading(files, settings)
    policy = _policy(model, settings, points=points)
    longest = min(settings.data.max_length or policy.max_length, policy.max_length)
    decisive = {
        "verb": VERB, "files": reading.digest(reading.files), "validation_files": reading.digest(reading.held),
        "tokenizer": tokenizer_digest(policy.tokenizer),
    }  # fmt: skip
    if points:
        pointed.narrow(policy, longest)
        pointed.expect_room(policy, lessons.longest_answer(settings.answer, reading.files, policy.encode_response))
    source = Source(
        files=reading.files, validation=reading.held, kind="messages", longest=longest, vocab_size=len(policy.tokenizer),
        documents=reading.documents,
        encoder=lambda: _encoder(policy, longest, settings),
        key=key_of(**decisive, longest=longest, last=settings.last_turn_only),
        apart=settings.task == "chat" and not points,
    )  # fmt: skip
    return Task(
        verb=VERB, policy=policy, method=_method(settings, points=points), source=source,
        train=settings.train, data=settings.data, form={**asdict(settings), **decisive, "model": str(model)},
        rule=_rule(settings, source),
    )  # fmt: skip


def _encoder(policy: LocalModel, longest: int, settings: Finetuning) -> Encoder:
    if isinstance(policy.chat, Passages):
        return cast("Encoder", Windows(policy.chat))
    return Chats(policy, longest=longest, last_turn_only=settings.last_turn_only)


def _method(settings: Finetuning, *, points: bool) -> Method:
    rate = Sft().learning_rate if settings.train.use_lora else WHOLE_RATE
    if points:
        return Correcting(objective=Pointing(), learning_rate=rate)
    return Sft(
        learning_rate=rate, last_turn_only=settings.last_turn_only, label_smoothing_factor=settings.label_smoothing_factor
    )


def _points(model: str) -> bool:
    """Whether a model points at answers, since it has an encoder alone and cannot write any."""
    if model.startswith(FRESH):
        return kind_of(model.removeprefix(FRESH)) == "masked"
    return pointed.is_encoder(model)


def _pointed_reading(files: Sequence[Path], settings: Finetuning) -> _Reading:
    """Return how questions on passages are read for a model that points at the answer."""
    if settings.data.mixture:
        raise _mixed(settings)

    def documents(paths: Sequence[Path], *, kind: corpus.Kind = "messages") -> Iterator[Document]:
        assert kind == "messages", "a task's items are conversations"
        return cast("Iterator[Document]", lessons.posed(settings.answer, paths))

    return _Reading(
        files=list(files), held=[Path(name) for name in settings.data.validation], documents=documents,
        digest=lambda paths: lessons.posed_digest(settings.answer, paths),
    )  # fmt: skip


def _mixed(settings: Finetuning) -> SettingsError:
    return SettingsError(
        "data.mixture is for conversations and texts; the task {task!r} reads its files itself", task=settings.task
    )


def _rule(settings: Finetuning, source: Source) -> Rule | None:
    """Return by what the weights are chosen; None: they are the last."""
    wanted = settings.early_stopping
    if wanted.by == "last":
        return None
    if wanted.by == "loss":
        return Rule(metric="loss", settings=wanted)
    asked: Applied = Chat() if settings.task == "chat" else getattr(settings, settings.task)
    items = _held_items(asked, source, settings)

    def value(model: LocalModel) -> float:
        prompts = answering.prompts(model, asked, items)
        return answering.value(asked, items, answering.written(model, prompts, wanted.generate).written)

    return Rule(metric=asked.first, settings=wanted, items=len(items), value=value)


def _held_items(asked: Applied, source: Source, settings: Finetuning) -> list[Item]:
    """Return the validation items that are answered: of the files named for it, else of what is held back."""
    if source.validation:
        found = list(lessons.items(asked, source.validation, split="validation"))
    elif settings.task == "chat":
        raise SettingsError(
            "early_stopping.by: task, of conversations, wants files of their own; name them in data.validation, or set loss"
        )
    else:
        held = set(held_back(source, settings.data, seed=settings.seed))
        found = [item for number, item in enumerate(lessons.items(asked, source.files)) if number in held]
    if not found:
        raise SettingsError(
            "early_stopping.by: there is no validation item with a right answer; raise data.validation_share, or name files "
            "in data.validation"
        )
    most = min(len(found), settings.early_stopping.items)
    return [found[number] for number in sorted(random.Random(settings.seed).sample(range(len(found)), most))]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    """The files of a task, and how they are read."""

    files: list[Path]
    held: list[Path]
    documents: Callable[..., Iterator[Document]]
    digest: Callable[[Sequence[Path]], str]


def _reading(files: Sequence[Path], settings: Finetuning) -> _Reading:
    held = [Path(name) for name in settings.data.validation]
    if settings.task == "chat":
        return _Reading(
            files=corpus.files_of(files), held=corpus.files_of(held) if held else [], documents=corpus.documents,
            digest=corpus.digest,
        )  # fmt: skip
    if settings.data.mixture:
        raise _mixed(settings)
    wanted = getattr(settings, settings.task)

    def documents(paths: Sequence[Path], *, kind: corpus.Kind = "messages") -> Iterator[Document]:
        assert kind == "messages", "a task's items are conversations"
        return lessons.documents(wanted, paths)

    return _Reading(
        files=list(files), held=held, documents=documents, digest=lambda paths: lessons.digest(wanted, paths)
    )  # fmt: skip


def _policy(model: str, settings: Finetuning, *, points: bool = False) -> LocalModel:
    """Open a model, or draw the weights of one; with a head that points where it is wanted."""
    if not model.startswith(FRESH):
        if settings.model or settings.tokenizer:
            raise SettingsError(
                "tokenizer and model are for random weights, fresh:ARCHITECTURE; {model!r} has its own, leave them out",
                model=model,
            )
        if points:
            return pointed.opened(model, seed=settings.seed, device=settings.device)
        return local.load(model, device=settings.device)
    if not settings.tokenizer:
        raise SettingsError("tokenizer: expected a folder; make one with: sayso tokenizer train FILES --out FOLDER")
    place = Path(settings.tokenizer)
    make = pointed.drawn if points else fresh
    return make(model.removeprefix(FRESH), settings.model, place, seed=settings.seed, device=settings.device)
