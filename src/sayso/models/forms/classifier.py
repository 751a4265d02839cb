"""The form of a classifier: a text is read, and the one token of the answer is its class.

A network with a head for classes (`AutoModelForSequenceClassification`) is a `Policy` whose vocabulary are its classes, so
that the loop, its methods and its losses work on it. Two turns of a prompt are a text and a second one. A row either carries
its class as a label at its last token, or has it as its last token, as a method writes rows.

Letters: R rows, K classes, M targets, N texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sayso.batches import Batch, Row, collate, micro_batches
from sayso.errors import ModelError
from sayso.models.arithmetic import quick_products
from sayso.models.writing.sampling import Sampling
from sayso.records import Prompt

TEMPERATURE = "calibration_temperature"
"""The key of config.json that all logits are divided by."""
Place = tuple[int, int, int]
"""Where a token stands: the number of the prompt's message, and half-open characters of it."""
_MOST_TOKENS = 8192
_LONGEST = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Classes:
    """How texts become ids, and classes answers."""

    tokenizer: Any
    labels: tuple[str, ...]
    longest: int
    """Longer texts are cut, a pair's longer text first."""

    @property
    def stop_ids(self) -> frozenset[int]:
        """Every class ends the answer."""
        return frozenset(range(len(self.labels)))

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """Return the ids of a text, or of two."""
        texts = [message.content for message in prompt.messages if message.role != "system"]
        return self.encode(texts[0], "\n".join(texts[1:]))

    def encode(self, text: str, pair: str = "") -> list[int]:
        """Return the ids of a text and a second one, with what the tokenizer puts around and between them."""
        found: list[int] = self._encoded(text, pair).input_ids
        return found or [self._filler]

    def places(self, prompt: Prompt) -> list[Place | None]:
        """Return where each token of `encode_prompt` stands; None for what the tokenizer puts around the texts.

        Raises:
            ModelError: the tokenizer cannot tell where its tokens stand in a text.
        """
        if not self.tokenizer.is_fast:
            raise ModelError(
                "the tokenizer of {name!r} cannot tell where its tokens stand in a text, so marked words cannot be learnt "
                "from; use its fast version (tokenizer.json)",
                name=self.tokenizer.name_or_path,
            )
        turns = [(number, item.content) for number, item in enumerate(prompt.messages) if item.role != "system"]
        pair = "\n".join(content for _number, content in turns[1:])
        found = self._encoded(turns[0][1], pair, return_offsets_mapping=True)
        sides = (turns,) if self._joined(pair) else (turns[:1], turns[1:])
        spans = zip(found.sequence_ids(0), found.offset_mapping, strict=True)
        return [None if side is None else _place(sides[side], *span) for side, span in spans] or [None]

    def _encoded(self, text: str, pair: str, **more: Any) -> Any:
        if self._joined(pair):
            text, pair = f"{text}\n{pair}", ""
        return self.tokenizer(text, pair or None, truncation="longest_first", max_length=self.longest, verbose=False, **more)

    def _joined(self, pair: str) -> bool:
        """Whether a second text goes on in the first, because the tokenizer would put nothing between them."""
        added = self.tokenizer.num_special_tokens_to_add
        return bool(pair) and not added(pair=True) - added(pair=False)

    @property
    def _filler(self) -> int:
        known = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id, self.tokenizer.unk_token_id, 0)
        return int(next(number for number in known if number is not None))

    def encode_response(self, text: str) -> list[int]:
        """Return the id of a class.

        Raises:
            ModelError: there is no such class.
        """
        if text.strip() not in self.labels:
            raise ModelError(
                "{found!r} is no class of this model; expected one of {known}",
                found=text, known=", ".join(self.labels[:20]),
            )  # fmt: skip
        return [self.labels.index(text.strip())]

    def token_spans(self, text: str, spans: Sequence[tuple[int, int]]) -> list[range]:
        """Return the one token for every span that holds anything."""
        return [range(int(start < end)) for start, end in spans]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the class's name."""
        return self.labels[ids[0]] if ids else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Classifier:
    """How a classifier reads, scores and answers."""

    chat: Classes
    typed: int | None
    """The token between two texts, where the model has a type beside each token to tell them apart (BERT); else None."""
    packed: bool = False
    packed_reason: str = "a classifier reads each text in a line of its own"
    reserved: int = 0
    adapter_task: str = "SEQ_CLS"

    def token_logprobs(self, module: Any, batch: Batch) -> Float[Tensor, " M"]:
        """Return the float32 log-probability of the class of every row."""
        return self.distributions(module, batch).gather(1, batch.targets[:, None]).squeeze(1)

    def distributions(self, module: Any, batch: Batch) -> Float[Tensor, "M K"]:
        """Return the float32 log-probability of every class, once a target."""
        return torch.log_softmax(self.logits(module, batch)[batch.row_of], dim=1)

    def logits(self, module: Any, batch: Batch) -> Float[Tensor, "R K"]:
        """Return the logits of every row's classes, divided by the temperature."""
        ids, mask = _texts(batch)
        more = {} if self.typed is None else {"token_type_ids": _types(ids, self.typed)}
        with quick_products():
            found = module(input_ids=ids, attention_mask=mask, **more).logits
        return found.float() / float(getattr(module.config, TEMPERATURE, 1.0))  # type: ignore[no-any-return]

    def write(
        self, module: Any, prompts: Sequence[Sequence[int]], sampling: Sampling, *, max_length: int
    ) -> list[list[int]]:
        """Return the likeliest class of each text, or one that is drawn."""
        pad = module.config.pad_token_id or 0
        found = self.of_ids(module, prompts, pad_id=pad)
        if sampling.temperature <= 0:
            return [[int(number)] for number in found.argmax(dim=1)]
        generator = torch.Generator().manual_seed(sampling.seed)
        chances = torch.softmax(found / sampling.temperature, dim=1)
        return [[int(number)] for number in torch.multinomial(chances, 1, generator=generator)[:, 0]]

    def of_rows(self, module: Any, texts: Sequence[Sequence[int]], *, pad_id: int) -> Float[Tensor, "N K"]:
        """Return the logits of a few texts that are ids, with gradient, read in one go."""
        batch = collate([_row(ids) for ids in texts], packed=False, pad_id=pad_id, device=module.device)
        return self.logits(module, batch)

    @torch.no_grad()
    def of_ids(self, module: Any, texts: Sequence[Sequence[int]], *, pad_id: int) -> Float[Tensor, "N K"]:
        """Return the logits of texts that are ids, on the CPU, in their order; texts of like length go together."""
        rows = [_row(ids) for ids in texts]
        order = sorted(range(len(rows)), key=lambda number: len(rows[number].ids))
        found = torch.zeros(len(rows), len(self.chat.labels))
        done = 0
        for part in micro_batches([rows[number] for number in order], group=1, max_tokens=_MOST_TOKENS):
            batch = collate(part, packed=False, pad_id=pad_id, device=module.device)
            found[order[done : done + len(part)]] = self.logits(module, batch).cpu()
            done += len(part)
        return found


def form(module: Any, tokenizer: Any) -> Classifier:
    """Find out how a classifier is to be read."""
    config = module.config
    names = {int(number): str(name) for number, name in config.id2label.items()}
    known = [getattr(config, "max_position_embeddings", None), tokenizer.model_max_length]
    longest = min([int(size) for size in known if size and size < _LONGEST] or [512]) - 1
    separator = tokenizer.sep_token_id if getattr(config, "type_vocab_size", 0) > 1 else None
    chat = Classes(tokenizer=tokenizer, labels=tuple(names[number] for number in sorted(names)), longest=longest)
    return Classifier(chat=chat, typed=separator)


def set_temperature(model: Any, temperature: float) -> None:
    """Divide all logits by a number from now on; it is saved with the model."""
    setattr(model.inner.config, TEMPERATURE, temperature)


def freeze_body(model: Any) -> None:
    """Leave the head for the classes alone to learn."""
    body = model.inner.base_model_prefix + "."
    for name, parameter in model.inner.named_parameters():
        parameter.requires_grad_(not name.startswith(body) or ".pooler." in name)


def _row(ids: Sequence[int]) -> Row:
    """Return a text whose class is asked for and not learnt."""
    return Row(ids=tuple(ids), weights=(*(0.0 for _ in ids[1:]), 1.0), labels=(0,) * len(ids))


def _place(turns: Sequence[tuple[int, str]], start: int, end: int) -> Place:
    """Return where characters of turns that are joined by line breaks stand in their own turn."""
    for number, content in turns[:-1]:
        if start <= len(content):
            return number, start, end
        start, end = start - len(content) - 1, end - len(content) - 1
    return turns[-1][0], start, end


def _texts(batch: Batch) -> tuple[Int[Tensor, "R T"], Int[Tensor, "R T"]]:
    """Return a batch's ids and mask without the classes that stand as tokens behind the texts."""
    assert batch.mask is not None, "a classifier's rows are padded"
    ids, mask = batch.ids.clone(), batch.mask.long()
    for number, item in enumerate(batch.rows):
        if not item.labels:
            learnt = next((place for place, weight in enumerate(item.weights) if weight and place), len(item.ids))
            ids[number, learnt:], mask[number, learnt:] = batch.pad_id, 0
    return ids, mask


def _types(ids: Int[Tensor, "R T"], separator: int) -> Int[Tensor, "R T"]:
    """Return 1 for what stands behind the first separator, else 0."""
    behind = (ids == separator).cumsum(dim=1) - (ids == separator).long()
    return (behind > 0).long()
