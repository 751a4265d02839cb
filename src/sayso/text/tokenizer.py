"""A vocabulary of one's own, learnt from text and kept as a Hugging Face tokenizer folder.

The usual kind is byte-level pairs: every text can be written in it and is read back as it was, since the 256 bytes are part
of the vocabulary; `learning` has the others. A conversation is `<|user|>words<|end|><|assistant|>words<|end|>`; a system
turn stands in front in the same form.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from sayso.errors import NotFoundError, RecordError, SettingsError, StoreError
from sayso.text import learning

PAD, END = "<|pad|>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
SPECIAL = (PAD, END, *ROLES)
CHAT_TEMPLATE = """\
{%- for message in messages -%}
{{- '<|' + message['role'] + '|>' + message['content'] + '<|end|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}
"""
MASK = "<|mask|>"


def train(
    texts: Iterable[str], folder: Path, *, vocab_size: int, model_max_length: int, kind: str = "byte-bpe", mask: bool = False
) -> int:
    """Learn a vocabulary from texts, write it to `folder` and return how many entries it has.

    The folder opens with transformers' AutoTokenizer. `kind` is one of `learning.KINDS`; `mask` adds a mask token, which
    models that fill gaps (BERT) want. Fewer entries than `vocab_size` are found in little text. The same texts give the same
    files, but for `unigram`, whose probabilities differ by rounding.

    Raises:
        NotFoundError: there is no such kind.
        SettingsError: `vocab_size` has no room for what the kind needs and the special tokens.
        RecordError: there is no text.
        StoreError: the folder cannot be written.
    """
    if kind not in learning.KINDS:
        raise NotFoundError("unknown kind {kind!r}; expected one of {known}", kind=kind, known=", ".join(learning.KINDS))
    added = [learning.UNKNOWN] * (kind in learning.WITH_UNKNOWN) + [MASK] * mask
    special = (*SPECIAL, *added)
    least = learning.LEAST[kind] + len(special)
    if vocab_size < least:
        raise SettingsError(
            "vocab_size: found {found}; expected at least {least} for a vocabulary of the kind {kind}",
            found=vocab_size, least=least, kind=kind,
        )  # fmt: skip
    counted = _Counted(texts)
    tokenizer = learning.KINDS[kind](counted, vocab_size, special)
    if not counted.characters:
        raise RecordError("there is no text to learn a vocabulary from; expected at least one text that is not empty")
    _write(
        folder,
        {
            "tokenizer.json": tokenizer.to_str(pretty=False),
            "tokenizer_config.json": json.dumps(_config(model_max_length, added), indent=1) + "\n",
            "chat_template.jinja": CHAT_TEMPLATE,
        },
    )
    return int(tokenizer.get_vocab_size())


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


def _config(model_max_length: int, added: Iterable[str]) -> dict[str, object]:
    names = {learning.UNKNOWN: "unk_token", MASK: "mask_token"}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "eos_token": END,
        **{names[token]: token for token in added},
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
