"""What steers a training run; keys are Hugging Face's where Hugging Face has one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from sayso.errors import SettingsError

Schedule = Literal["constant", "linear", "cosine", "rising"]
LOWEST_RATE = 1e-6
"""Where a `rising` rate begins, as a share of the peak."""
Optimizer = Literal["adamw", "muon"]
Order = Literal["random", "sequential"]
INDIFFERENT = frozenset(
    {"max_tokens", "memory_limit", "auto_find_batch_size", "gradient_checkpointing", "torch_compile", "fsdp"}
)
"""Settings that, like those of checkpoints (`save_…`), do not change what is learnt: a run is taken up with others."""
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?I?)B?", re.IGNORECASE)
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


@dataclass(frozen=True, kw_only=True, slots=True)
class Train:
    """Settings of one training run."""

    learning_rate: float | None = None
    """Peak learning rate; empty: the method's own."""
    max_steps: int = 0
    """How many optimizer steps; 0: as many as `num_train_epochs` needs."""
    num_train_epochs: float = 3.0
    """How often every row is seen, when `max_steps` is 0."""
    per_device_train_batch_size: int = 8
    """Groups (single rows, or pairs) a step."""
    gradient_accumulation_steps: int = 1
    """Multiplies the groups of a step; memory is governed by `max_tokens` alone."""
    max_tokens: int = 2048
    """Tokens that go through the model at once; a larger group goes alone. Does not change what is learnt."""
    memory_limit: str = ""
    """Memory that the training may take, such as `8GB` or `500MB`, which `sayso plan` and a check before training hold it
    against; empty: what is free then. Does not change what is learnt."""
    auto_find_batch_size: bool = False
    """Before training, set `max_tokens` (and `gradient_checkpointing`, where that alone does not do) to what fits; otherwise
    it is only said. Does not change what is learnt."""
    gradient_checkpointing: bool = False
    """Keep only what goes into each layer, and compute the rest again for the gradient: less memory, a third more time. Does
    not change what is learnt."""
    torch_compile: bool = False
    """Compile the layers: quicker steps after a slow first one, for long trainings of larger models."""
    warmup_ratio: float = 0.05
    """Share of the steps during which the rate rises from 0."""
    lr_scheduler_type: Schedule = "cosine"
    """How the rate falls after warm-up: not (`constant`), in a line, or along a cosine, to 0; `rising` is for finding a
    rate: from a millionth of the peak up to it, by the same factor every step."""
    optim: Optimizer = "adamw"
    """`muon` orthogonalises the updates of the hidden matrices, at AdamW's scale, and leaves the rest to AdamW; much quicker
    for a model that starts from random weights."""
    train_sampling_strategy: Order = "random"
    """The order of the groups: drawn anew for every epoch, or as they come (`sequential`), for a curriculum."""
    bf16: bool | None = None
    """Compute matrix products in bfloat16 (weights stay in float32), for plain likelihood alone; unset: where the device has
    units for it and a transformer at least ten million weights."""
    dropout: bool = False
    """Drop, while learning, as the model's own configuration says (`dropout`, `dropout_rate` …); for plain likelihood from
    little data. Otherwise the model is trained as it is used."""
    weight_decay: float = 0.0
    """Decoupled decay of the matrices."""
    adam_beta1: float = 0.9
    """AdamW's decay of the mean gradient."""
    adam_beta2: float = 0.999
    """AdamW's decay of the mean squared gradient."""
    adam_epsilon: float = 1e-8
    """AdamW's guard against division by nothing."""
    max_grad_norm: float = 1.0
    """Gradients longer than this are shortened to it; 0: never."""
    seed: int = 0
    """Order of rows, dropout, and the adapter's first weights."""
    fsdp: bool = False
    """Of several processes each keeps a part of every weight, of its gradient and of the optimizer's state; for models that
    would not fit otherwise, when all weights are trained. One process keeps everything."""
    save_steps: int = 50
    """A checkpoint every so many steps and at the end; 0: at the end only."""
    save_total_limit: int = 2
    """How many checkpoints are kept, the newest; 0: all."""
    use_lora: bool = True
    """Train a low-rank adapter; otherwise all weights."""
    lora_r: int = 16
    """Rank of the adapter."""
    lora_alpha: int = 32
    """The adapter's output is scaled by `lora_alpha / lora_r`."""
    lora_dropout: float = 0.0
    """Share of the adapter's inputs dropped in training."""
    lora_target_modules: str | tuple[str, ...] = "all-linear"
    """Which modules get an adapter: `all-linear`, or names."""

    def __post_init__(self) -> None:
        if self.memory_limit:
            size_of(self.memory_limit, key="memory_limit")
        for name in ("per_device_train_batch_size", "gradient_accumulation_steps", "max_tokens", "lora_r"):
            _at_least(self, name, 1)
        for name in ("max_steps", "num_train_epochs", "warmup_ratio", "weight_decay", "max_grad_norm"):
            _at_least(self, name, 0)
        for name in ("save_steps", "save_total_limit", "lora_dropout"):
            _at_least(self, name, 0)

    @property
    def groups_per_step(self) -> int:
        """Groups whose gradients make one optimizer step."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """Settings of the scope guard: the model's own answers on near and out prompts hold it where no comment applies."""

    enabled: bool = True
    """Whether anchors are learnt beside the method's rows."""
    near_weight: float = 1.0
    """Weight of the anchors on prompts that look alike but where the comment does not apply."""
    out_weight: float = 2.0
    """Weight of the anchors on all other prompts."""
    rows_per_step: int = 8
    """Anchors of each kind a step."""
    temperature: float = 1.0
    """How widely the answers that anchor are drawn; what is to be refined is drawn as `generate` says."""
    kl_share: float = 1.0
    """Share of the anchors' loss that is the divergence from the model before training, over the whole vocabulary; the
    rest is the likelihood of its own answers."""

    def __post_init__(self) -> None:
        _at_least(self, "near_weight", 0)
        _at_least(self, "out_weight", 0)
        _at_least(self, "rows_per_step", 1)
        if not 0 <= self.kl_share <= 1:
            raise SettingsError("kl_share: found {found!r}; expected a number from 0 to 1", found=self.kl_share)


def _at_least(settings: Train | Guard, name: str, least: float) -> None:
    value = getattr(settings, name)
    if not value >= least:
        raise SettingsError(
            "{key}: found {found!r}; expected a number of at least {least}", key=name, found=value, least=least
        )


def size_of(text: str, *, key: str) -> int:
    """Return the bytes of a size such as 8GB, 500 MB or 2GiB.

    Raises:
        SettingsError: it is no size; `key` is named.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise SettingsError("{key}: found {found!r}; expected a size such as 8GB or 500MB", key=key, found=text)
    return int(float(found[1]) * _UNITS[found[2].upper()])
