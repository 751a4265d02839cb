"""`pretrain`: a model from random weights, on plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sayso import config
from sayso.errors import SettingsError
from sayso.methods.sft import Sft
from sayso.models.forms import encoder_decoder, masked
from sayso.models.fresh import SENTINEL, fresh, kind_of
from sayso.models.local import LocalModel
from sayso.text import corpus
from sayso.training.fitting import Task
from sayso.training.foresight import outlook
from sayso.training.material.corrupting import Correcting
from sayso.training.material.data import Data, Encoder, Source, Texts, key_of, tokenizer_digest
from sayso.training.material.denoising import Denoising, Whole
from sayso.training.material.masking import Masked, WholeWords
from sayso.training.settings import Train

if TYPE_CHECKING:
    from sayso.methods import Method

VERB = "pretrain"
SENTINELS = 100
"""As many spans may be taken out of a text; T5's number."""
Objective = Literal["usual", "spans", "infilling"]
USUAL: Mapping[str, Any] = {
    "train": {
        "learning_rate": 3e-3, "num_train_epochs": 1.0, "per_device_train_batch_size": 16, "max_tokens": 4096,
        "warmup_ratio": 0.03, "weight_decay": 0.05, "adam_beta2": 0.99, "lr_scheduler_type": "linear", "save_steps": 100,
        "use_lora": False,
    }
}  # fmt: skip
"""What a model of a few million weights wants, where it differs from the usual training settings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pretraining:
    """Settings of a pretraining."""

    architecture: str = "llama"
    """A language model of transformers: llama, gpt2, qwen2 … foretell the next token; bert, roberta masked words; t5, bart
    and marian put back what was taken out."""
    objective: Objective = "usual"
    """For a model with an encoder and a decoder: `spans`, each written behind its sentinel (T5), or `infilling`, the whole
    text written anew (BART); usual: infilling for bart, else spans."""
    tokenizer: str = ""
    """The folder of a tokenizer, or a Hugging Face id."""
    model: Mapping[str, Any] = field(default_factory=dict)
    """The architecture's own keys, such as hidden_size; vocabulary, context and special tokens come from the tokenizer."""
    data: Data = field(default_factory=Data)
    train: Train = field(default_factory=Train)
    seed: int = 0
    """The first weights, the order of rows, and what is held back."""
    device: str = "auto"
    """Where it is trained: auto is the GPU where there is one."""


def settings_of(layers: Sequence[Mapping[str, Any]], assignments: Sequence[str]) -> Pretraining:
    """Return settings: the usual ones, the layers over them, and `key=value` assignments over those.

    Raises:
        SettingsError: an unknown key or a wrong value.
    """
    form = config.merged(USUAL, *layers)
    found = config.build(Pretraining, config.override(form, assignments), where=VERB)
    if found.train.use_lora:
        raise SettingsError("train.use_lora: random weights have nothing to adapt; leave it false")
    return replace(found, train=outlook.seeded(found.train, found.seed))


def task(files: Sequence[Path], settings: Pretraining) -> Task:
    """Return a pretraining on files, for `training.fitting` to do; without any, on those that `data.mixture` names.

    Raises:
        SettingsError: a wrong setting.
        NotFoundError: no such file, tokenizer or architecture.
        RecordError: a file cannot be read.
    """
    corpus.files_of(files or [Path(name) for name in settings.data.mixture])  # a missing one is said before a model is made
    policy = _policy(settings)
    source, form = _source(files, settings, policy)
    return Task(
        verb=VERB, policy=policy, method=_method(settings, policy), source=source, train=settings.train, data=settings.data,
        form=form,
    )  # fmt: skip


def _policy(settings: Pretraining) -> LocalModel:
    if not settings.tokenizer:
        raise SettingsError("tokenizer: expected a folder; make one with: sayso tokenizer train FILES --out FOLDER")
    return fresh(
        settings.architecture, settings.model, Path(settings.tokenizer), seed=settings.seed, device=settings.device,
        sentinels=SENTINELS if kind_of(settings.architecture) == "encoder_decoder" else 0,
    )  # fmt: skip


def _method(settings: Pretraining, policy: LocalModel) -> Method:
    """Return what is learnt of a text: its next tokens, its masked words, or what was taken out of it."""
    tokenizer, kind = policy.tokenizer, kind_of(settings.architecture)
    if isinstance(policy.form, masked.Masked):
        special = tuple(sorted(tokenizer.all_special_ids))
        return Correcting(objective=Masked(mask_id=tokenizer.mask_token_id, num_words=len(tokenizer), special_ids=special))
    if kind != "encoder_decoder":
        return Sft(learning_rate=3e-3)
    sentinels = tuple(tokenizer.convert_tokens_to_ids(SENTINEL.format(number=number)) for number in range(SENTINELS))
    if _objective(settings) == "spans":
        return Correcting(objective=Denoising(sentinels=sentinels, end=tokenizer.eos_token_id))
    mask = tokenizer.mask_token_id
    sentinel = sentinels[0] if mask is None else mask
    return Correcting(objective=Denoising(kind="infilling", sentinels=(sentinel,), end=tokenizer.eos_token_id, share=0.3))


def _objective(settings: Pretraining) -> Objective:
    usual: Objective = "infilling" if "bart" in settings.architecture else "spans"
    return usual if settings.objective == "usual" else settings.objective


def _encoder(settings: Pretraining, policy: LocalModel, longest: int) -> Encoder:
    """Return what makes rows of texts."""
    tokenizer, packing = policy.tokenizer, settings.data.packing
    if isinstance(policy.form, masked.Masked):
        return WholeWords(tokenizer, longest=longest, packing=packing)
    if isinstance(policy.form, encoder_decoder.EncoderDecoder):
        return Whole(tokenizer, longest=longest, packing=packing)
    end = tokenizer.eos_token_id
    return Texts(tokenizer, end=min(policy.chat.stop_ids) if end is None else end, longest=longest, packing=packing)


def _source(files: Sequence[Path], settings: Pretraining, policy: LocalModel) -> tuple[Source, dict[str, Any]]:
    data = settings.data
    read = corpus.files_of(files or [Path(name) for name in data.mixture])
    held = corpus.files_of([Path(name) for name in data.validation]) if data.validation else []
    longest = min(data.max_length or policy.max_length, policy.max_length)
    form = {
        **asdict(settings), "verb": VERB,
        "files": corpus.digest(read), "validation_files": corpus.digest(held),
        "tokenizer": tokenizer_digest(policy.tokenizer),
    }  # fmt: skip
    source = Source(
        files=read, validation=held, kind="text", longest=longest, vocab_size=len(policy.tokenizer),
        encoder=lambda: _encoder(settings, policy, longest),
        key=key_of(
            verb=VERB, longest=longest, form=policy.form.adapter_task,
            **{name: form[name] for name in ("files", "validation_files", "tokenizer")},
        ),
    )  # fmt: skip
    return source, form
