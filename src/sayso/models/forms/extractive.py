"""The form of a model that points: a question and a passage are read, and the answer is a stretch of the passage.

A network with a head for beginnings and ends (`AutoModelForQuestionAnswering`) is a `Policy` whose vocabulary are the places
of a row: at a row's first token it is foretold where the answer begins, at the second where it ends, and its first place
stands for "not here". Two turns of a prompt are the question and the passage. A passage that is longer than the context is
read in windows that overlap. A row either has its two places as labels, or the words of the answer as its last tokens, as a
method writes rows; they are then sought in the passage.

Letters: R rows, T tokens of a line, M targets, N tokens of a passage, L of the longest answer.

Source: BERT (Devlin et al. 2019, arXiv 1810.04805, section 4.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from sayso.batches import Batch, Row, collate, micro_batches
from sayso.errors import ModelError
from sayso.models.arithmetic import quick_products
from sayso.models.forms.chat import touched
from sayso.models.forms.masked import first_position
from sayso.models.writing.sampling import Sampling, Written
from sayso.records import Prompt

LONGEST = "max_answer_tokens"
"""The key of config.json that says how many tokens an answer has at most."""
USUAL_LONGEST = 30
"""That of a model which does not say."""
_OVERLAP = 128
_MOST_TOKENS = 8192
_UNBOUNDED = 1 << 20
_NEVER = -1e4

Places = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A question and a stretch of its passage as ids."""

    ids: tuple[int, ...]
    first: int
    """Where the passage's tokens begin among the ids."""
    places: tuple[tuple[int, int], ...]
    """Of each of the passage's tokens here: its characters of the passage, half-open."""

    def marks(self, start: int, end: int) -> range:
        """Return which ids are the tokens of these characters of the passage; none unless all of them are here."""
        held = touched(self.places, start, end)
        whole = held and self.places[held[0]][0] <= start and end <= self.places[held[-1]][1]
        return range(self.first + held[0], self.first + held[-1] + 1) if whole else range(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Passages:
    """How a question and a passage become ids, and stretches of the passage answers."""

    tokenizer: Any
    before: tuple[int, ...]
    """What stands before the question; it is not empty."""
    between: tuple[int, ...]
    """What stands between the question and the passage; it is not empty."""
    after: tuple[int, ...]
    longest: int
    """Tokens of a row."""
    plain: bool = True
    """It reads a task's texts, with no words around them."""

    @property
    def stop_ids(self) -> frozenset[int]:
        """What stands behind the question ends a text."""
        return frozenset(self.between)

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """Return the ids of the question and of as much of the passage as there is room for.

        Raises:
            ModelError: the prompt is not a question and a passage.
        """
        return list(next(self.windows(*asked(prompt))).ids)

    def encode_response(self, text: str) -> list[int]:
        """Return the ids of the words of an answer."""
        return list(self._encoded(text.strip()).input_ids)

    def token_spans(self, text: str, spans: Sequence[tuple[int, int]]) -> list[range]:
        """Return, for each half-open span of characters of `text`, which tokens of its ids hold any of it."""
        places = self._encoded(text.strip()).offset_mapping
        shift = len(text) - len(text.lstrip())
        return [touched(places, start - shift, end - shift) for start, end in spans]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the words of an answer."""
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text.strip()

    def windows(self, question: str, passage: str) -> Iterator[Window]:
        """Yield the windows of a passage, each with the question; neighbours share up to 128 tokens.

        A question takes half of a row at most; what is longer is cut.
        """
        room = self.longest - len(self.before) - len(self.between) - len(self.after)
        asks = tuple(self._encoded(question).input_ids)[: room // 2]
        room -= len(asks)
        read = self._encoded(passage)
        lead = (*self.before, *asks, *self.between)
        start = 0
        while True:
            ids, places = read.input_ids[start : start + room], read.offset_mapping[start : start + room]
            yield Window(ids=(*lead, *ids, *self.after), first=len(lead), places=tuple(map(tuple, places)))
            if start + room >= len(read.input_ids):
                return
            start += room - min(room // 2, _OVERLAP)

    def passage_of(self, ids: Sequence[int]) -> range:
        """Return where the passage stands in the ids of a window."""
        begins = list(ids).index(self.between[0], len(self.before)) + len(self.between)
        return range(begins, len(ids) - len(self.after))

    def _encoded(self, text: str) -> Any:
        return self.tokenizer(
            text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True, verbose=False
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Extractive:
    """How a model that points reads, scores and answers."""

    chat: Passages
    typed: bool
    """Whether each token has a type, 1 from the passage on."""
    reserved: int
    packed: bool = False
    packed_reason: str = "a model that points reads each question in a line of its own"
    adapter_task: str = "FEATURE_EXTRACTION"
    """Not peft's own for this kind, which would train the head twice: as a layer, and whole."""

    def token_logprobs(self, module: Any, batch: Batch) -> Float[Tensor, " M"]:
        """Return the float32 log-probability of every target: of where an answer begins, and of where it ends.

        Of an answer given in words the first token has that of its beginning, the last one that of its end.

        Raises:
            ModelError: the words of a row's answer do not stand in its passage.
        """
        target, number, end, place = zip(*_pointed(self.chat, batch), strict=True)
        found = self.places(module, batch)[list(number), list(end), list(place)]
        where = torch.tensor(target, device=found.device)
        return torch.zeros(len(batch.targets), device=found.device).index_add(0, where, found)

    def distributions(self, module: Any, batch: Batch) -> Float[Tensor, "M T"]:
        """Return the float32 log-probability of every place, once a target: a row's first is of the beginning."""
        before = torch.cat([batch.row_of.new_full((1,), -1), batch.row_of[:-1]])
        return self.places(module, batch)[batch.row_of, (batch.row_of == before).long()]

    def places(self, module: Any, batch: Batch) -> Float[Tensor, "R 2 T"]:
        """Return the log-probability of every place of every row as the beginning of the answer, and as its end."""
        ids, allowed, known = self._lines(batch)
        more = {"token_type_ids": known} if self.typed else {}
        mask = (torch.arange(ids.shape[1], device=ids.device) < _lengths(batch)[:, None]).long()
        with quick_products():
            out = module(input_ids=ids, attention_mask=mask, **more)
        logits = torch.stack([out.start_logits, out.end_logits], dim=1).float()  # (R, 2, T)
        return torch.log_softmax(logits.masked_fill(~allowed[:, None], _NEVER), dim=2)

    def answers(self, module: Any, prompts: Sequence[Prompt], sampling: Sampling) -> list[Written]:
        """Return the likeliest stretch of each passage, or one that is drawn, as its words stand there.

        Raises:
            ModelError: a prompt is not a question and a passage.
        """
        texts = [asked(prompt) for prompt in prompts]
        windows = [list(self.chat.windows(*text)) for text in texts]
        found = iter(self._scored(module, [window for some in windows for window in some]))
        random = np.random.default_rng(sampling.seed)
        longest = min(sampling.max_new_tokens, getattr(module.config, LONGEST, USUAL_LONGEST))
        answers = []
        for (_question, passage), some in zip(texts, windows, strict=True):
            scores = [next(found) for _window in some]
            number, first, last = best(scores, longest, temperature=sampling.temperature, random=random)
            window = some[number]
            said = passage[window.places[first][0] : window.places[last][1]].strip()
            ids = window.ids[window.first + first : window.first + last + 1]
            answers.append(Written(text=said, ids=ids, ended=True))
        return answers

    def write(
        self, module: Any, prompts: Sequence[Sequence[int]], sampling: Sampling, *, max_length: int
    ) -> list[list[int]]:
        """Return the ids of the likeliest stretch of each window."""
        found = []
        for ids in prompts:
            held = self.chat.passage_of(ids)
            window = Window(ids=tuple(ids), first=held.start, places=((0, 0),) * len(held))
            _number, first, last = best(self._scored(module, [window]), sampling.max_new_tokens)
            found.append(list(ids[held.start + first : held.start + last + 1]))
        return found

    @torch.no_grad()
    def _scored(self, module: Any, windows: Sequence[Window]) -> list[tuple[Places, Places]]:
        """Return, of each window, the log-probability of each of its passage's tokens as beginning and as end."""
        rows = [_row(window.ids, 0, 0) for window in windows]
        order = sorted(range(len(rows)), key=lambda number: len(rows[number].ids))
        found: dict[int, tuple[Places, Places]] = {}
        for part in micro_batches([rows[number] for number in order], group=1, max_tokens=_MOST_TOKENS):
            batch = collate(part, packed=False, pad_id=module.config.pad_token_id or 0, device=module.device)
            for line in self.places(module, batch).double().cpu().numpy():
                number = order[len(found)]
                window = windows[number]
                held = slice(window.first, window.first + len(window.places))
                found[number] = (line[0, held], line[1, held])
        return [found[number] for number in range(len(rows))]

    def _lines(self, batch: Batch) -> tuple[Tensor, Bool[Tensor, "R T"], Tensor]:
        """Return a batch's ids without the answers behind them, which places may be pointed at, and the types."""
        ids = batch.ids[:, : max(map(_ends, batch.rows))].clone()
        allowed, known = torch.zeros_like(ids, dtype=torch.bool), torch.zeros_like(ids)
        for number, item in enumerate(batch.rows):
            end = _ends(item)
            ids[number, end:] = batch.pad_id
            held = self.chat.passage_of(item.ids[:end])
            allowed[number, 0] = True
            allowed[number, held.start : held.stop] = True
            known[number, held.start : end] = 1
        return ids, allowed, known


def form(module: Any, tokenizer: Any) -> Extractive:
    """Find out how a model that points is to be read.

    Raises:
        ModelError: the tokenizer cannot tell where its tokens stand, or the model's head is of another kind.
    """
    if not tokenizer.is_fast:
        raise ModelError(
            "the tokenizer of {name!r} cannot tell where its tokens stand in a text, so that nothing can be pointed at; use "
            "its fast version (tokenizer.json)",
            name=tokenizer.name_or_path,
        )
    config, reserved = module.config, first_position(module)
    table = getattr(config, "max_position_embeddings", None)
    sizes = [table - reserved if table else None, tokenizer.model_max_length]
    longest = min([int(size) for size in sizes if size and size < _UNBOUNDED] or [512])
    before, between, after = _around(tokenizer)
    chat = Passages(tokenizer=tokenizer, before=before, between=between, after=after, longest=longest)
    return Extractive(chat=chat, typed=getattr(config, "type_vocab_size", 0) > 1, reserved=reserved)


def asked(prompt: Prompt) -> tuple[str, str]:
    """Return the question and the passage of a prompt of two turns.

    Raises:
        ModelError: there are more or fewer.
    """
    texts = [message.content for message in prompt.messages if message.role != "system"]
    if len(texts) != 2:
        raise ModelError(
            "prompt {prompt!r} has {found} turns; a model that points reads two, the question and the passage",
            prompt=prompt.id, found=len(texts),
        )  # fmt: skip
    return texts[0], texts[1]


def best(
    scores: Sequence[tuple[Places, Places]], longest: int, *, temperature: float = 0.0,
    random: np.random.Generator | None = None,
) -> tuple[int, int, int]:  # fmt: skip
    """Return the window, the first and the last token of the likeliest answer of at most `longest` tokens, or of one drawn.

    `scores` has of each window the log-probability of each token as beginning and as end. Of equals the first is taken,
    which begins first and is shortest.
    """
    bands = []
    for begins, ends in scores:
        after = np.concatenate([ends, np.full(longest - 1, -np.inf)])
        bands.append(begins[:, None] + np.lib.stride_tricks.sliding_window_view(after, longest))  # (N, L)
    whole = np.concatenate(bands).ravel()
    if temperature > 0 and random is not None:
        chances = np.exp((whole - whole.max()) / temperature)
        chosen = int(random.choice(len(whole), p=chances / chances.sum()))
    else:
        chosen = int(whole.argmax())
    first, more = divmod(chosen, longest)
    for number, band in enumerate(bands):
        if first < len(band):
            return number, first, first + more
        first -= len(band)
    raise AssertionError("every place is in a window")


def _row(ids: Sequence[int], start: int, end: int, *, label: str = "") -> Row:
    """Return the row whose answer begins and ends at these ids; 0 and 0: it is not here."""
    rest = len(ids) - 2
    return Row(ids=tuple(ids), weights=(1.0, 1.0, *(0.0,) * rest), labels=(start, end, *(0,) * rest), label=label)


def _ends(item: Row) -> int:
    """Return where a row's window ends, and the words of its answer begin where it has them."""
    if item.labels:
        return len(item.ids)
    return next((place for place, weight in enumerate(item.weights) if weight and place), len(item.ids))


def _lengths(batch: Batch) -> Tensor:
    return torch.tensor([_ends(item) for item in batch.rows], device=batch.ids.device)


def _pointed(chat: Passages, batch: Batch) -> Iterator[tuple[int, int, int, int]]:
    """Yield what the targets' log-probabilities are summed of: (target, row, 0 or 1 for the end, place)."""
    first = 0
    for number, item in enumerate(batch.rows):
        count = item.num_targets
        if item.labels:
            assert count == 2, "a beginning and an end"
            places = [int(batch.targets[first]), int(batch.targets[first + 1])]
        else:
            places = _sought(chat, item)
        yield first, number, 0, places[0]
        yield first + count - 1, number, 1, places[1]
        first += count


def _sought(chat: Passages, item: Row) -> list[int]:
    """Return where the words of a row's answer first begin and end in its passage."""
    end = _ends(item)
    words = item.ids[end:]
    held = chat.passage_of(item.ids[:end])
    text = chat.decode(words)
    for said in (list(words), chat.encode_response(text), list(chat._encoded(f" {text}").input_ids)):
        for place in held:
            if said and list(item.ids[place : min(place + len(said), held.stop)]) == said:
                return [place, place + len(said) - 1]
    raise ModelError(
        "{row}: the answer {answer!r} does not stand in its passage; a model that points learns nothing but words of "
        "the passage",
        row=item.label or "a row", answer=text,
    )  # fmt: skip


def _around(tokenizer: Any) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Return what a tokenizer puts before, between and behind two texts; where it puts nothing, what can stand there."""
    found = tokenizer("a", "a")
    sides = found.sequence_ids(0)
    first, second = (sides.index(side) for side in (0, 1))
    between = [number for number in range(first, second) if sides[number] is None]
    last = max(number for number, side in enumerate(sides) if side == 1)
    ids = tuple(found.input_ids)
    parts = (ids[:first], tuple(ids[number] for number in between), ids[last + 1 :])
    ends = (tokenizer.eos_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id, 0)
    starts = (tokenizer.bos_token_id, tokenizer.cls_token_id, *ends)
    usual = [next(int(number) for number in known if number is not None) for known in (starts, ends)]
    return parts[0] or (usual[0],), parts[1] or (usual[1],), parts[2]
