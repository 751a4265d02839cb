"""A vocabulary of one's own: byte-level pairs learnt from text, kept as a Hugging Face tokenizer folder.

Every text can be written in it and is read back as it was, since the 256 bytes are part of the vocabulary. A conversation is
`<|user|>words<|end|><|assistant|>words<|end|>`; a system turn stands in front in the same form.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from sayso.errors import RecordError, SettingsError, StoreError

PAD, END = "<|pad|>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
SPECIAL = (PAD, END, *ROLES)
CHAT_TEMPLATE = """\
{%- for message in messages -%}
{{- '<|' + message['role'] + '|>' + message['content'] + '<|end|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}
"""
_LEAST = 256 + len(SPECIAL)


def train(texts: Iterable[str], folder: Path, *, vocab_size: int, model_max_length: int) -> int:
    """Learn a vocabulary from texts, write it to `folder` and return how many entries it has.

    The folder opens with transformers' AutoTokenizer. Fewer entries than `vocab_size` are found in little text. The same
    texts give the same files.

    Raises:
        SettingsError: `vocab_size` has no room for the bytes and the special tokens.
        RecordError: there is no text.
        StoreError: the folder cannot be written.
    """
    if vocab_size < _LEAST:
        raise SettingsError(
            "vocab_size: found {found}; expected at least {least}, the bytes and the special tokens",
            found=vocab_size, least=_LEAST,
        )  # fmt: skip
    tokenizer = _learn(texts, vocab_size)
    _write(
        folder,
        {
            "tokenizer.json": tokenizer.to_str(pretty=False),
            "tokenizer_config.json": json.dumps(_config(model_max_length), indent=1) + "\n",
            "chat_template.jinja": CHAT_TEMPLATE,
        },
    )
    return tokenizer.get_vocab_size()


def _learn(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    counted = _Counted(texts)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, min_frequency=2, special_tokens=list(SPECIAL), show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )  # fmt: skip
    tokenizer.train_from_iterator(counted, trainer=trainer)
    if not counted.characters:
        raise RecordError("there is no text to learn a vocabulary from; expected at least one text that is not empty")
    return tokenizer


class _Counted:
    """Passes texts on and remembers how many characters went through."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = iter(texts)
        self.characters = 0

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> str:
        text = next(self._texts)
        self.characters += len(text)
        return text


def _config(model_max_length: int) -> dict[str, object]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "eos_token": END,
        "extra_special_tokens": list(ROLES),
        "clean_up_tokenization_spaces": False,
        "model_max_length": model_max_length,
    }


def _write(folder: Path, files: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            writing = folder / f"{name}.writing"
            writing.write_text(text, encoding="utf-8")
            writing.replace(folder / name)
    except OSError as error:
        raise StoreError(
            "the tokenizer folder {path!r} cannot be written: {reason}", path=str(folder), reason=str(error)
        ) from error
