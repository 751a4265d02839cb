"""Weights, gradients or the optimizer's state in shards by DeepSpeed (ZeRO 1, 2, 3), where the launcher asks for it.

DeepSpeed's engine does what it is for: it shards, offloads and sums. What a step learns, its length, its clipping and its
rate stay this loop's: of the launcher's configuration the part about ZeRO is taken, and what would say otherwise is refused.
DeepSpeed means gradients over processes and divides them by its loss scale before the optimizer's step; ours are sums, so
that the scale of a step is what its loss counted over the number of processes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import pad

from sayso.errors import MissingExtraError, SettingsError
from sayso.training.engine import distributed
from sayso.training.engine.place import by_deepspeed
from sayso.training.engine.sharding import Root

if TYPE_CHECKING:
    from sayso.methods import Method
    from sayso.models.local import LocalModel
    from sayso.training.settings import Train

OURS = ("optimizer", "scheduler", "fp16", "bf16", "amp", "data_types", "tensor_parallel", "pipeline", "autotuning")
"""What of DeepSpeed's configuration is decided by `train`."""
MOMENTS = ("exp_avg", "exp_avg_sq")


def expect_possible(method: Method) -> None:
    """Pass silently if a training can be done by DeepSpeed.

    Raises:
        SettingsError: it cannot.
    """
    if distributed.here().size == 1:
        raise SettingsError(
            "the launcher asks for DeepSpeed with one process, and there is nothing to share; start it without "
            "--use_deepspeed, or with --num_processes of 2 or more"
        )
    if "anchors" in method.wants:
        raise SettingsError(
            "with DeepSpeed this method would wait for ever: it asks the model for each kind of row by itself, and the "
            "processes have different kinds; start it without --use_deepspeed, or take another method"
        )


def settled(settings: Train) -> Train:
    """Return the settings; where DeepSpeed does a training, bfloat16 is not taken unasked."""
    return replace(settings, bf16=False) if by_deepspeed() and settings.bf16 is None else settings


def configuration(settings: Train) -> dict[str, Any]:
    """Return DeepSpeed's configuration for a training: what the launcher says of ZeRO, and the rest from the settings.

    Raises:
        MissingExtraError: DeepSpeed is not installed.
        SettingsError: the configuration or the settings ask for what cannot be done with it.
    """
    try:
        import deepspeed
        from accelerate.utils import DeepSpeedPlugin
    except ImportError as error:
        raise MissingExtraError(
            "the launcher asks for DeepSpeed, which is not installed: pip install deepspeed, or use train.fsdp=true and "
            "start it without --use_deepspeed"
        ) from error
    if not hasattr(deepspeed.DeepSpeedEngine, "managed_gradient_accumulation"):
        raise SettingsError(
            "deepspeed {version} is too old: it cannot sum as many micro-batches as a step may have; expected 0.19 or "
            "newer: pip install -U deepspeed",
            version=deepspeed.__version__,
        )  # fmt: skip
    try:
        given: dict[str, Any] = DeepSpeedPlugin().deepspeed_config
    except (ValueError, OSError) as error:
        raise SettingsError("DeepSpeed's configuration cannot be used: {reason}", reason=str(error)) from error
    zero = {key: value for key, value in given.get("zero_optimization", {}).items() if value != "auto"}
    _expect_possible(given, int(zero.get("stage", 0)), settings)
    if zero["stage"] == 1:
        zero["overlap_comm"] = False  # DeepSpeed can do it there only where it counts the micro-batches itself
    return {
        "train_micro_batch_size_per_gpu": 1, "managed_gradient_accumulation": False, "steps_per_print": 10**9,
        "gradient_clipping": settings.max_grad_norm or 0.0, "zero_optimization": zero,
        "zero_allow_untested_optimizer": True, "zero_force_ds_cpu_optimizer": False,
    }  # fmt: skip


def _expect_possible(given: Mapping[str, Any], stage: int, settings: Train) -> None:
    wrong = [key for key in OURS if given.get(key) and (not isinstance(given[key], dict) or given[key].get("enabled", True))]
    if wrong:
        raise SettingsError(
            "DeepSpeed's configuration says {key}, which train.* decides: take it out; the rate, the optimizer and bf16 "
            "are settings of sayso",
            key=wrong[0],
        )
    if stage not in (1, 2, 3):
        raise SettingsError("DeepSpeed's configuration asks for ZeRO stage {stage}; expected 1, 2 or 3", stage=stage)
    if settings.fsdp:
        raise SettingsError("train.fsdp and DeepSpeed both put weights in shards; take one of them")
    if settings.bf16 or settings.optim != "adamw":
        raise SettingsError(
            "with DeepSpeed a training is in float32 with AdamW; set train.bf16 to false and train.optim to adamw, or use "
            "train.fsdp"
        )
    if stage == 3 and settings.use_lora:
        raise SettingsError(
            "ZeRO stage 3 is for trainings of all weights: set train.use_lora to false, or take stage 1 or 2"
        )


@contextmanager
def aside(policy: LocalModel) -> Iterator[None]:
    """Let a copy of the model be trained for the time of a block; afterwards the model has its weights."""
    whole = policy.module
    policy.module = copy.deepcopy(whole)
    for item in whole.parameters():
        item.data = item.data.new_empty(0)
    yield
    for before, after in zip(whole.parameters(), policy.module.parameters(), strict=True):
        before.data = after.detach()
    policy.module = whole


class Zero:
    """A model under DeepSpeed's engine, in the place of the optimizer."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.state: Mapping[nn.Parameter, Mapping[str, torch.Tensor]] = {}
        self._count = 1.0

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of parameters, whose rate may be set."""
        groups: list[dict[str, Any]] = self.engine.optimizer.param_groups
        return groups

    def ask(self, do: Callable[[], Any]) -> Any:
        """Ask the model; a gradient that comes back later is what a division of all by the count leaves whole."""
        found, factor = self.engine(do), self._count
        if isinstance(found, torch.Tensor) and found.requires_grad and factor != 1.0:
            found.register_hook(lambda gradient: gradient * factor)  # type: ignore[no-untyped-call]
        return found

    def divide(self, count: float) -> None:
        """Divide what was summed so far by what it counts: done in the step, so that what comes after is scaled up."""
        self._count = count

    def step(self) -> float:
        """Update the weights, and return the length of the gradient before it was shortened."""
        optimizer = self.engine.optimizer
        optimizer.loss_scale = self._count / distributed.here().size
        try:
            self.engine.step()
        finally:
            optimizer.loss_scale, self._count = 1.0, 1.0
        return float(self.engine.get_global_grad_norm())

    def zero_grad(self, *, set_to_none: bool) -> None:
        """Forget the gradient."""
        self.engine.optimizer.zero_grad(set_to_none=set_to_none)
        self._count = 1.0


@contextmanager
def sharded(
    policy: LocalModel, parameters: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer, config: dict[str, Any]
) -> Iterator[Zero]:
    """Keep what the configuration says in shards for the time of a block; afterwards the weights are whole everywhere.

    The weights and the optimizer's state may come from a checkpoint. In a copy that `aside` made.
    """
    import deepspeed

    kept = {name: dict(optimizer.state[item]) for name, item in parameters.items() if item in optimizer.state}
    optimizer.state.clear()
    engine, *_rest = deepspeed.initialize(
        model=Root(policy.module), optimizer=optimizer, config=config, dist_init_required=False
    )
    zero = Zero(engine)
    _begin(zero, parameters, kept)
    policy.through = zero.ask
    yield zero
    policy.through = None
    weights = whole(parameters)
    engine.destroy()
    for name, value in weights.items():
        parameters[name].data = value


def whole(parameters: Mapping[str, nn.Parameter]) -> dict[str, torch.Tensor]:
    """Return all weights, whole, in every process."""
    from deepspeed.utils import safe_get_full_fp32_param

    return {name: safe_get_full_fp32_param(item).detach().clone() for name, item in parameters.items()}


def snapshot(zero: Zero, parameters: Mapping[str, nn.Parameter]) -> tuple[dict[str, nn.Parameter], torch.optim.Optimizer]:
    """Return the weights and an optimizer with its state as one process would have them; all processes must ask."""
    from deepspeed.utils import safe_get_full_optimizer_state

    weights = {name: nn.Parameter(value) for name, value in whole(parameters).items()}
    found = torch.optim.AdamW(weights.values())
    done = next(iter(_inner(zero).state.values()))["step"]
    for name, item in parameters.items():
        moments = {kind: safe_get_full_optimizer_state(item, kind).detach().clone() for kind in MOMENTS}
        found.state[weights[name]] = {"step": done.detach().clone().cpu().float(), **moments}
    return weights, found


def _begin(zero: Zero, parameters: Mapping[str, nn.Parameter], kept: Mapping[str, Mapping[str, torch.Tensor]]) -> None:
    """Give DeepSpeed's optimizer its state: that of a checkpoint, or none yet.

    Also none yet, because DeepSpeed looks for the state of all groups of parameters when the first of them was updated.
    """
    inner, done = _inner(zero), next(iter(kept.values()))["step"] if kept else torch.tensor(0.0)
    for flat in _flat(zero):
        inner.state[flat] = {"step": done.clone().to(flat.device), **{kind: torch.zeros_like(flat) for kind in MOMENTS}}
    if hasattr(zero.engine.optimizer, "_lazy_init_hp_params_optimizer_state"):  # of stages 1 and 2, else done in a step
        zero.engine.optimizer._lazy_init_hp_params_optimizer_state()
    for name, state in kept.items():
        for kind in MOMENTS:
            _set_state(parameters[name], state[kind], kind)


def _set_state(item: Any, value: torch.Tensor, kind: str) -> None:
    from deepspeed.utils import safe_get_local_optimizer_state, safe_set_full_optimizer_state, safe_set_local_optimizer_state

    if not hasattr(item, "ds_id"):
        safe_set_full_optimizer_state(item, value, kind)
        return
    group, size = distributed.here(), safe_get_local_optimizer_state(item, kind).numel()  # stage 3: parts of equal size
    spread = pad(value.flatten(), (0, size * group.size - value.numel()))
    safe_set_local_optimizer_state(item, spread[group.rank * size : (group.rank + 1) * size], kind)


def _inner(zero: Zero) -> torch.optim.Optimizer:
    inner: torch.optim.Optimizer = zero.engine.optimizer.optimizer
    return inner


def _flat(zero: Zero) -> Sequence[torch.Tensor]:
    """Return the flat parts that DeepSpeed's optimizer updates."""
    outer = zero.engine.optimizer
    flat = getattr(outer, "single_partition_of_fp32_groups", None)
    return list(outer.fp32_partitioned_groups_flat if flat is None else flat)
