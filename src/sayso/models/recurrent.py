"""LSTM and GRU language models, as transformers models: opened, saved, generated from and trained like any other.

Importing this file tells transformers of them, so that `AutoModelForCausalLM.from_pretrained` opens a saved folder, without
any code from the folder. A layer is a norm (optional), a recurrent net, and a sum with its input (optional); a linear layer
leads from the last one to the embedding's width, so that the output head may share the embedding's weights.

The state after the last token is what is kept between calls (`RecurrentState`, one a layer of transformers' cache). Padding
may stand left or right of a text and is never read. Texts that share one line are not told apart, so batches run padded.

Source: Hochreiter and Schmidhuber 1997 (LSTM); Cho et al. 2014, arXiv 1406.1078 (GRU); the first forget gate's bias of 1 is
Jozefowicz et al. 2015; shared embeddings are Press and Wolf 2017, arXiv 1608.05859, and Inan et al. 2017, arXiv 1611.01462.

Letters: B texts, T tokens, E embedding size, H hidden size, V vocabulary.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from huggingface_hub.dataclasses import strict
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache, GenerationMixin, PreTrainedConfig, PreTrainedModel
from transformers import initialization as init
from transformers.cache_utils import Cache, CacheLayerMixin
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

MODEL_TYPE = "sayso_recurrent"
NAMES: Mapping[str, Mapping[str, Any]] = {"lstm": {"cell": "lstm"}, "gru": {"cell": "gru"}}
"""What a user calls these architectures, and the keys that stand for it."""
_NETS = {"lstm": nn.LSTM, "gru": nn.GRU}
State = tuple[Tensor, ...]
"""An LSTM's output and cell, or a GRU's output; each (B, H)."""


@strict
class RecurrentConfig(PreTrainedConfig):
    """The shape of a recurrent language model; keys are Hugging Face's where Hugging Face has one."""

    model_type = MODEL_TYPE
    keys_to_ignore_at_inference = ("past_key_values",)

    vocab_size: int = 8192
    cell: Literal["lstm", "gru"] = "lstm"
    hidden_size: int = 512
    embedding_size: int = 0
    """Width of the embedding and of the output head; 0: the hidden size."""
    num_hidden_layers: int = 2
    max_position_embeddings: int = 1024
    """The longest text it is trained on and writes; the net itself has no such bound."""
    layer_norm: bool = True
    residual: bool = True
    dropout: float = 0.0
    """Between layers, in training mode."""
    tie_word_embeddings: bool = True
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-5
    use_cache: bool = True
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    pad_token_id: int | None = None

    def validate_cell(self) -> None:
        """Refuse a kind of cell that there is none of; transformers calls it."""
        if self.cell not in _NETS:
            raise ValueError(f"cell is {self.cell!r}; expected one of {', '.join(_NETS)}")

    @property
    def width(self) -> int:
        """Width of the embedding."""
        return self.embedding_size or self.hidden_size


class RecurrentState(CacheLayerMixin):
    """What one layer keeps between calls: its state after the last token of each text, and how many tokens came so far."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.state: State = ()
        self.length = 0

    def keep(self, state: State, tokens: int) -> None:
        """Put the state after `tokens` more tokens in the place of the one before."""
        self.state, self.is_initialized = state, True
        self.length += tokens

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Put the texts in another order, some perhaps more than once."""
        self.state = tuple(part.index_select(0, beam_idx.to(part.device)) for part in self.state)

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep some of the texts."""
        self.reorder_cache(indices)

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Have each text several times, one beside the other."""
        self.state = tuple(part.repeat_interleave(repeats, dim=0) for part in self.state)

    def reset(self) -> None:
        """Begin anew."""
        self.state, self.length, self.is_initialized = (), 0, False

    def get_seq_length(self) -> int:
        """Return how many tokens came so far."""
        return self.length

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return how many tokens a mask speaks of, and where it begins."""
        return self.length + query_length, 0

    def get_max_length(self) -> int:
        """Return -1: there is no bound."""
        return -1

    def offload(self) -> None:
        """Move the state to the CPU."""
        self.state = tuple(part.to("cpu") for part in self.state)

    def prefetch(self) -> None:
        """Do nothing: the state goes where the layer is when it is read."""

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Do nothing: there is nothing to make before the first state."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Refuse keys and values, which are attention's."""
        raise TypeError("a recurrent layer keeps a state, no keys and values")


class RecurrentLayer(nn.Module):
    """One layer: norm, recurrent net, sum with the input where both are equally wide."""

    def __init__(self, config: RecurrentConfig, size: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size, eps=config.layer_norm_eps) if config.layer_norm else nn.Identity()
        self.cell = _NETS[config.cell](size, config.hidden_size, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        self.adds = config.residual and size == config.hidden_size

    def train(self, mode: bool = True) -> RecurrentLayer:  # noqa: FBT001, FBT002  torch's own form
        """Switch dropout on or off; the net itself drops nothing, and on a GPU it learns in training mode alone."""
        super().train(mode)
        self.cell.train()
        return self

    def forward(
        self, inputs: Float[Tensor, "B T E"], state: State, real: Bool[Tensor, "B T"] | None
    ) -> tuple[Float[Tensor, "B T H"], State]:
        """Return the outputs and the state after each text's last real token."""
        before = tuple(part.to(inputs.device)[None] for part in state)
        start = before if len(before) > 1 else before[0] if before else None
        normed = self.norm(inputs)
        if real is None:
            outputs, after = self.cell(normed, start)
        else:
            outputs, after = _over_real(self.cell, normed, start, real)
        outputs = self.dropout(outputs)
        ended = tuple(part[0] for part in (after if isinstance(after, tuple) else (after,)))
        return (inputs + outputs if self.adds else outputs), ended


def _over_real(
    cell: Any, inputs: Float[Tensor, "B T E"], start: Any, real: Bool[Tensor, "B T"]
) -> tuple[Float[Tensor, "B T H"], Any]:
    """Run over the real tokens alone, wherever the padding stands; outputs at padding are 0."""
    order = (~real).long().argsort(dim=1, stable=True)  # (B, T): the real ones first, in their order
    lengths = real.sum(dim=1).clamp(min=1).cpu()
    moved = inputs.gather(1, order[:, :, None].expand_as(inputs))
    packed, after = cell(pack_padded_sequence(moved, lengths, batch_first=True, enforce_sorted=False), start)
    outputs, _ = pad_packed_sequence(packed, batch_first=True, total_length=inputs.shape[1])
    back = order.argsort(dim=1)[:, :, None].expand_as(outputs)
    return outputs.gather(1, back) * real[:, :, None], after


class RecurrentPreTrainedModel(PreTrainedModel):
    """What transformers asks of a family of models: its configuration, and how weights are drawn."""

    config_class = RecurrentConfig
    base_model_prefix = "model"
    _no_split_modules = ["RecurrentLayer"]  # noqa: RUF012  transformers' own form
    _is_stateful = True

    @classmethod
    def _can_set_attn_implementation(cls) -> bool:
        """Return False: nothing here attends."""
        return False

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.LSTM | nn.GRU):
            _draw(module)
        elif isinstance(module, nn.LayerNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)
        else:
            super()._init_weights(module)


def _draw(net: nn.LSTM | nn.GRU) -> None:
    """Draw a net's weights: orthogonal between states, by Glorot from its inputs, and an LSTM begins by remembering."""
    for name, parameter in net.named_parameters():
        if getattr(parameter, "_is_hf_initialized", False):
            continue
        if name.startswith("weight_ih"):
            nn.init.xavier_uniform_(parameter)
        elif name.startswith("weight_hh"):
            for gate in parameter.split(net.hidden_size):
                nn.init.orthogonal_(gate)
        else:
            nn.init.zeros_(parameter)
            if isinstance(net, nn.LSTM) and name.startswith("bias_ih"):
                nn.init.ones_(parameter[net.hidden_size : 2 * net.hidden_size])


class RecurrentModel(RecurrentPreTrainedModel):
    """Tokens to hidden states."""

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__(config)
        self.embed_tokens: nn.Module = nn.Embedding(config.vocab_size, config.width)
        self.dropout = nn.Dropout(config.dropout)
        sizes = [config.width, *[config.hidden_size] * (config.num_hidden_layers - 1)]
        self.layers = nn.ModuleList(RecurrentLayer(config, size) for size in sizes)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps) if config.layer_norm else nn.Identity()
        self.projection = nn.Linear(config.hidden_size, config.width)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """Return the embedding."""
        return self.embed_tokens

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Put another embedding in."""
        self.embed_tokens = value

    def forward(
        self,
        input_ids: Int[Tensor, "B T"] | None = None,
        attention_mask: Tensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: Float[Tensor, "B T E"] | None = None,
        use_cache: bool | None = None,  # noqa: FBT001  transformers' own form
        **_others: Any,
    ) -> BaseModelOutputWithPast:
        """Return the hidden states of tokens, and with `use_cache` the states to go on from."""
        keeps = self.config.use_cache if use_cache is None else use_cache
        embedded = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
        cache = DynamicCache(config=self.config) if keeps and past_key_values is None else past_key_values
        kept = _states(cache, len(self.layers))
        real = _real(attention_mask, embedded.shape[1], keeps=keeps)
        hidden = self.dropout(embedded)
        for layer, memory in zip(self.layers, kept, strict=True):
            hidden, after = layer(hidden, memory.state, real)
            if keeps:
                memory.keep(after, embedded.shape[1])
        states = self.projection(self.norm(hidden))
        return BaseModelOutputWithPast(last_hidden_state=states, past_key_values=cache if keeps else None)


def _states(cache: Cache | None, layers: int) -> list[RecurrentState]:
    """Return the states in a cache; a cache that nothing was kept in yet is made one of states."""
    if cache is None:
        return [RecurrentState() for _ in range(layers)]
    if not all(isinstance(layer, RecurrentState) for layer in cache.layers) or len(cache.layers) != layers:
        cache.layers[:] = [RecurrentState() for _ in range(layers)]
    return cache.layers  # type: ignore[return-value]


def _real(mask: Tensor | None, length: int, *, keeps: bool) -> Bool[Tensor, "B T"] | None:
    """Return which of the last `length` tokens are real; None where it makes no difference."""
    if mask is None or mask.dim() != 2:
        return None
    real = mask[:, -length:].bool()
    after = real[:, 1:] & ~real[:, :-1]  # a real token behind padding
    return real if bool(after.any()) or (keeps and not bool(real.all())) else None


class RecurrentForCausalLM(RecurrentPreTrainedModel, GenerationMixin):
    """A recurrent language model: hidden states and the output head."""

    _tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}  # noqa: RUF012  transformers' own form

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__(config)
        self.model = RecurrentModel(config)
        self.lm_head: nn.Module = nn.Linear(config.width, config.vocab_size, bias=False)
        self.post_init()

    def get_output_embeddings(self) -> nn.Module:
        """Return the output head."""
        head: nn.Module = self.lm_head
        return head

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        """Put another output head in."""
        self.lm_head = new_embeddings

    def forward(
        self,
        input_ids: Int[Tensor, "B T"] | None = None,
        attention_mask: Tensor | None = None,
        labels: Int[Tensor, "B T"] | None = None,
        logits_to_keep: int | Tensor = 0,
        **others: Any,
    ) -> CausalLMOutputWithPast:
        """Return the logits of the last `logits_to_keep` tokens (0: all), and with `labels` the mean loss (nats a token)."""
        out = self.model(input_ids=input_ids, attention_mask=attention_mask, **others)
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head(out.last_hidden_state[:, kept])  # (B, T, V)
        loss = None
        if labels is not None:
            loss = cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=-100)
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=out.past_key_values)


AutoConfig.register(MODEL_TYPE, RecurrentConfig, exist_ok=True)
AutoModelForCausalLM.register(RecurrentConfig, RecurrentForCausalLM, exist_ok=True)
