"""`finetune`: a model that is there learns more, from conversations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sayso import config
from sayso.methods.sft import Sft
from sayso.models import local
from sayso.text import corpus
from sayso.training import outlook
from sayso.training.data import Chats, Data, Source, key_of, tokenizer_digest
from sayso.training.fitting import Task
from sayso.training.settings import Train

VERB = "finetune"
WHOLE_RATE = 4e-5
"""Peak rate when all weights of a model of about half a billion parameters are trained; a small model wants up to 3e-3."""
TaskName = Literal["chat"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finetuning:
    """Settings of a fine-tuning."""

    task: TaskName = "chat"
    """What is learnt: `chat`, the answers in conversations."""
    last_turn_only: bool = False
    """Learn the last answer of a conversation only; earlier ones are context."""
    data: Data = field(default_factory=Data)
    train: Train = field(default_factory=Train)
    seed: int = 0
    """The order of rows, a fresh adapter's weights, and what is held back."""
    device: str = "auto"
    """Where it is trained: auto is the GPU where there is one."""


def settings_of(layers: Sequence[Mapping[str, Any]], assignments: Sequence[str]) -> Finetuning:
    """Return settings: the layers one over the other, and `key=value` assignments over those.

    Raises:
        SettingsError: an unknown key or a wrong value.
    """
    found = config.build(Finetuning, config.override(config.merged(*layers), assignments), where=VERB)
    return replace(found, train=outlook.seeded(found.train, found.seed))


def task(model: str, files: Sequence[Path], settings: Finetuning) -> Task:
    """Return the fine-tuning of a model on files, for `training.fitting` to do.

    Raises:
        SettingsError: a wrong setting.
        NotFoundError: no such model or file.
        RecordError: a file cannot be read.
        ModelError: the model cannot be opened.
    """
    read = corpus.files_of(files)
    held = corpus.files_of([Path(name) for name in settings.data.validation]) if settings.data.validation else []
    policy = local.load(model, device=settings.device)
    longest = min(settings.data.max_length or policy.max_length, policy.max_length)
    decisive = {
        "verb": VERB, "files": corpus.digest(read), "validation_files": corpus.digest(held),
        "tokenizer": tokenizer_digest(policy.tokenizer),
    }  # fmt: skip
    source = Source(
        files=read, validation=held, kind="messages", longest=longest, vocab_size=len(policy.tokenizer),
        encoder=lambda: Chats(policy, longest=longest, last_turn_only=settings.last_turn_only),
        key=key_of(**decisive, longest=longest, last=settings.last_turn_only),
    )  # fmt: skip
    rate = Sft().learning_rate if settings.train.use_lora else WHOLE_RATE
    return Task(
        verb=VERB, policy=policy, method=Sft(learning_rate=rate, last_turn_only=settings.last_turn_only), source=source,
        train=settings.train, data=settings.data, form={**asdict(settings), **decisive, "model": str(model)},
    )  # fmt: skip
