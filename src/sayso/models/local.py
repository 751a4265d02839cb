"""A Hugging Face model that runs here: it writes, says how probable words are, and can be trained.

Dropout: the model is kept in evaluation mode, also while it learns, because every method here compares probabilities of the
same words and dropout would compare noise. The exceptions are on while gradients are recorded: `lora_dropout`, and the
model's own dropout where the training asked for it (`dropout`, for plain likelihood).
"""

from __future__ import annotations

import copy
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, runtime_checkable

import torch
from jaxtyping import Float
from peft import PeftModel
from torch import Tensor, nn

from sayso.batches import Batch
from sayso.errors import ModelError, NotFoundError
from sayso.models import adapters, folders, opening
from sayso.models.forms import Form, Words
from sayso.models.forms.apart import States
from sayso.models.forms.causal import Causal
from sayso.models.writing.sampling import Sampling, Written
from sayso.records import Prompt

_NAMES = {"_name_or_path", "transformers_version"}
"""What a model's configuration says that changes nothing of what the model says."""

T = TypeVar("T")


def load(
    name_or_path: str | Path, *, adapter: str | Path | None = None, device: str = "auto", dtype: str | None = None
) -> LocalModel:
    """Open a language model by folder or Hugging Face id, with an adapter on it where one is named.

    A folder that is itself an adapter is opened on the base its adapter_config.json names. `device` "auto" is the GPU where
    there is one. `dtype` None is float32 on a CPU, and elsewhere what the weights are stored in.

    Raises:
        NotFoundError: there is no such model or adapter.
        ModelError: it cannot be opened: pickled or damaged weights, no tokenizer, another base, another kind of model.
    """
    name = str(name_or_path)
    folder = folders.find(name)
    if folders.is_adapter(folder):
        base = folders.read_json(folder / "adapter_config.json").get("base_model_name_or_path") or ""
        return load(base, adapter=folder, device=device, dtype=dtype)
    config = folders.open_config(folder)
    where = place(device)
    module = folders.open_module(folder, config, dtype=_dtype(dtype, where)).to(where).eval()
    tokenizer = folders.open_tokenizer(folder)
    model = LocalModel(name=name, module=module, tokenizer=tokenizer)
    model.base = str(Path(name).expanduser().absolute()) if Path(name).expanduser().is_dir() else name
    return model if adapter is None else adapters.load_onto(model, folders.find(str(adapter)))


@runtime_checkable
class Reader(Protocol):
    """A form whose answers are words of the prompt itself, which may be longer than the model's context."""

    def answers(self, module: Any, prompts: Sequence[Prompt], sampling: Sampling) -> list[Written]:
        """Return one answer a prompt."""


class LocalModel:
    """A Hugging Face model with its tokenizer; a `Policy`. What depends on the kind of model is its form's."""

    def __init__(self, *, name: str, module: Any, tokenizer: Any, form: Form | None = None) -> None:
        self.name = name
        self.base = name
        """What an adapter saved from this model is loaded onto; empty: weights that no folder holds yet."""
        self.module = module
        self.tokenizer = tokenizer
        self.form: Form = form or opening.form_of(module, tokenizer)
        self.chat: Words = self.form.chat
        self.pad_id: int = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(self.chat.stop_ids)
        self.max_length: int = _max_length(module, tokenizer) - self.form.reserved
        self.packed, self.packed_reason = self.form.packed, self.form.packed_reason
        """Why batches are packed, or why they are padded."""
        self.dropout = False
        """Whether the model's own dropout is on while gradients are recorded."""
        self.through: Callable[[Callable[[], Any]], Any] | None = None
        """What the model is asked through while its weights are in shards over several processes; None: it is just asked."""
        self._continued = False
        self._reference: _Frozen | None = None

    @property
    def inner(self) -> Any:
        """The transformers model itself, inside peft's wrapper where there is one; its adapters act in it."""
        return self.module.get_base_model() if isinstance(self.module, PeftModel) else self.module

    @property
    def device(self) -> torch.device:
        """Where the weights are, and where batches belong."""
        return torch.device(self.inner.device)

    def trainable(self) -> list[nn.Parameter]:
        """Return the parameters that learn: the adapter's, or all of them."""
        return [parameter for parameter in self.module.parameters() if parameter.requires_grad]

    def num_parameters(self, *, trainable: bool = False) -> int:
        """Count the weights, or only those that learn."""
        return sum(p.numel() for p in self.module.parameters() if p.requires_grad or not trainable)

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """Return the ids of a prompt, up to where the answer begins.

        Raises:
            ModelError: the model's chat template refuses these turns.
        """
        return self.chat.encode_prompt(prompt)

    def encode_response(self, text: str) -> list[int]:
        """Return the ids of an answer, the end-of-answer token included; never joined with the prompt's text."""
        return self.chat.encode_response(text)

    def token_spans(self, text: str, spans: Sequence[tuple[int, int]]) -> list[range]:
        """Return, for each half-open span of characters of `text`, which tokens of `encode_response(text)` hold any of it.

        Raises:
            ModelError: the tokenizer cannot tell where its tokens stand in a text.
        """
        return self.chat.token_spans(text, spans)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the words of an answer's ids, without what the chat template puts around them."""
        return self.chat.decode(ids)

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """Write one response a prompt; a prompt given twice gets two, and the batch size changes nothing.

        Raises:
            ModelError: a prompt leaves no room for an answer in the model's context.
        """
        return [answer.text for answer in self.write(prompts, sampling)]

    def write(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Written]:
        """Write what `generate` writes, and say which tokens were drawn and whether the answer was ended or cut off.

        Raises:
            ModelError: a prompt leaves no room for an answer in the model's context.
        """
        if isinstance(self.form, Reader):
            self._set_dropout(learning=False)
            return self.form.answers(self.inner, prompts, sampling)
        encoded = [self.encode_prompt(prompt) for prompt in prompts]
        for prompt, ids in zip(prompts, encoded, strict=True):
            if len(ids) >= self.max_length:
                raise ModelError(
                    "prompt {prompt!r} has {found} tokens, but the context of {name!r} holds {limit} with the answer; "
                    "shorten the prompt or use a model with a longer context",
                    prompt=prompt.id,
                    found=len(ids),
                    name=self.name,
                    limit=self.max_length,
                )
        self._set_dropout(learning=False)
        stop_ids = self.chat.stop_ids
        answers = self._ask(lambda: self.form.write(self.inner, encoded, sampling, max_length=self.max_length))
        return [Written(text=self.decode(ids), ids=tuple(ids), ended=bool(ids) and ids[-1] in stop_ids) for ids in answers]

    def token_logprobs(self, batch: Batch) -> Float[Tensor, " M"]:
        """Return the float32 log-probability (nats) of every target of a batch, with gradient."""
        self._set_dropout(learning=torch.is_grad_enabled())
        return self._ask(lambda: self.form.token_logprobs(self.inner, batch))

    def distributions(self, batch: Batch) -> Float[Tensor, "M V"]:
        """Return the float32 log-probability (nats) of the whole vocabulary at every target, with gradient."""
        self._set_dropout(learning=torch.is_grad_enabled())
        return self._ask(lambda: self.form.distributions(self.inner, batch))

    def states(self, batch: Batch) -> States | None:
        """Return what the output head reads at every target, with gradient; None where a table has to be asked for.

        So it is of models that are not causal, whose head is no plain matrix, or whose weights are in shards.
        """
        if self.through is not None or not isinstance(self.form, Causal):
            return None
        self._set_dropout(learning=torch.is_grad_enabled())
        return self.form.states(self.inner, batch)

    def reference(self) -> _Frozen:
        """Return the frozen model as it was before training.

        A fresh adapter is switched off; of an adapter trained earlier, or of all weights, a copy is made when this is first
        called: call it before the first step.
        """
        if self._reference is None:
            self._reference = _Frozen(self, _before(self))
        return self._reference

    def save(self, folder: Path) -> None:
        """Write an ordinary Hugging Face folder, or an adapter's, safetensors only; a crash leaves what was there before.

        Raises:
            ModelError: the disk refused.
        """
        folders.write_whole(Path(folder), self._fill)
        if not isinstance(self.module, PeftModel):
            self.base = str(Path(folder).absolute())

    def carrying(self, module: Any, *, continued: bool) -> LocalModel:
        """Return this model around another module: with an adapter, or with one merged."""
        other = copy.copy(self)
        other.module, other._continued, other._reference = module, continued, None
        return other

    def _ask(self, do: Callable[[], T]) -> T:
        return do() if self.through is None else cast("T", self.through(do))

    def _fill(self, folder: Path) -> None:
        if isinstance(self.module, PeftModel):
            adapters.save_adapter(self, folder)
            return
        self.module.save_pretrained(str(folder), safe_serialization=True)
        self.tokenizer.save_pretrained(str(folder))

    def _set_dropout(self, *, learning: bool) -> None:
        if self.module.training != (learning and self.dropout):
            self.module.train(learning and self.dropout)
        for name, part in self.module.named_modules() if isinstance(self.module, PeftModel) else ():
            if "lora_dropout" in name and isinstance(part, nn.Dropout):
                part.train(learning)


class _Frozen:
    """A model as it was before training: a `Scorer` without gradient and without dropout."""

    def __init__(self, model: LocalModel, before: Any) -> None:
        self._model, self._before = model, before

    def token_logprobs(self, batch: Batch) -> Float[Tensor, " M"]:
        """Return the log-probability of every target under the frozen model."""
        model = self._model
        model._set_dropout(learning=False)
        with torch.no_grad(), _standing(model, self._before) as module:
            return model.form.token_logprobs(module, batch)

    def identity(self) -> str:
        """Return the hash of the weights that score and of their configuration; an adapter that is off is none of them."""
        model = self._model
        off = {id(parameter) for parameter in model.trainable()} if self._before is None else set()
        digest = hashlib.sha256()
        with _standing(model, self._before) as module:
            config = {key: value for key, value in module.config.to_dict().items() if key not in _NAMES}
            digest.update(json.dumps(config, sort_keys=True, default=str).encode())
            for name, tensor in module.state_dict(keep_vars=True).items():
                if id(tensor) not in off:
                    found = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
                    digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype} {zlib.crc32(found)}".encode())
        return digest.hexdigest()

    def distributions(self, batch: Batch) -> Float[Tensor, "M V"]:
        """Return the log-probability of the whole vocabulary at every target under the frozen model."""
        model = self._model
        model._set_dropout(learning=False)
        with torch.no_grad(), _standing(model, self._before) as module:
            return model.form.distributions(module, batch)

    def states(self, batch: Batch) -> States | None:
        """Return what the frozen model's output head reads at every target; see `LocalModel.states`."""
        model = self._model
        if model.through is not None or not isinstance(model.form, Causal):
            return None
        model._set_dropout(learning=False)
        with torch.no_grad(), _standing(model, self._before) as module:
            return model.form.states(module, batch)


def _before(model: LocalModel) -> Any:
    """Return what it takes to score as before training: None (adapter off), an adapter's tensors, or a whole module."""
    if not isinstance(model.module, PeftModel):
        return copy.deepcopy(model.module).requires_grad_(requires_grad=False).eval()
    return [parameter.detach().clone() for parameter in model.trainable()] if model._continued else None


@contextmanager
def _standing(model: LocalModel, before: Any) -> Iterator[Any]:
    """Yield the model as it was before training; afterwards everything is as it was."""
    if isinstance(before, nn.Module):
        yield before
    elif before is None:
        with model.module.disable_adapter():
            yield model.inner
    else:
        learning = [(parameter, parameter.data) for parameter in model.trainable()]
        try:
            for (parameter, _), kept in zip(learning, before, strict=True):
                parameter.data = kept
            yield model.inner
        finally:
            for parameter, data in learning:
                parameter.data = data


def place(name: str) -> torch.device:
    """Return the device of that name; `auto` is the GPU where there is one.

    Raises:
        ModelError: there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ModelError(
            "device {name!r} cannot be used here ({reason}); expected auto, cpu or cuda", name=name, reason=str(error)
        ) from error


def _dtype(name: str | None, device: torch.device) -> torch.dtype | str:
    if name is None:
        return torch.float32 if device.type == "cpu" else "auto"
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise NotFoundError("unknown dtype {name!r}; expected float32, bfloat16 or float16", name=name)
    return found


def _max_length(module: Any, tokenizer: Any) -> int:
    config = module.config.get_text_config()
    known = [getattr(config, name, None) for name in ("max_position_embeddings", "n_positions")]
    return int(min([size for size in known if size] or [tokenizer.model_max_length]))


if TYPE_CHECKING:
    from sayso.models import Policy

    _: type[Policy] = LocalModel
