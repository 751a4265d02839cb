"""The kinds of vocabulary that can be learnt, each a function from texts to a `Tokenizer` of the library `tokenizers`.

| kind | entries | reads back |
|---|---|---|
| `byte-bpe` | pairs of bytes, joined where they are frequent | every text as it was |
| `bytes` | the 256 bytes | every text as it was |
| `bpe` | pairs of characters; what is none of them is written in bytes | every text, but `▁` becomes a space |
| `unigram` | pieces by their probability; what is none of them is written in bytes | as `bpe` |
| `characters` | each character of the text | characters that were learnt; others become the unknown token |
| `wordpiece` | words and pieces inside words (`##`), as BERT's | words; not the spaces between them |

Source: byte-level pairs are Radford et al. 2019; pairs Sennrich et al. 2016, arXiv 1508.07909; Unigram is Kudo 2018, arXiv
1804.10959; WordPiece is Schuster and Nakajima 2012, in BERT's form (Devlin et al. 2019, arXiv 1810.04805).
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

UNKNOWN = "<|unknown|>"
_BYTES = [f"<0x{number:02X}>" for number in range(256)]
Learn = Callable[[Iterable[str], int, Sequence[str]], Tokenizer]
"""Texts, the most entries there may be, and the special tokens, which come first; returns what was learnt."""


def byte_bpe(texts: Iterable[str], vocab_size: int, special: Sequence[str]) -> Tokenizer:
    """Learn frequent runs of bytes."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, min_frequency=2, special_tokens=list(special), show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )  # fmt: skip
    tokenizer.train_from_iterator(texts, trainer=trainer)
    return tokenizer


def single_bytes(texts: Iterable[str], _vocab_size: int, special: Sequence[str]) -> Tokenizer:
    """Take the 256 bytes; nothing is learnt from the texts."""
    any(texts)  # a text is looked for, so that no text at all is an error here too
    entries = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE(vocab=_numbered(entries), merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return _with_special(tokenizer, special)


def characters(texts: Iterable[str], vocab_size: int, special: Sequence[str]) -> Tokenizer:
    """Take the characters of the texts, the most frequent where there are too many."""
    counts = Counter[str]()
    for text in texts:
        counts.update(text)
    ordered = sorted(counts, key=lambda character: (-counts[character], character))
    entries = [*special, *sorted(ordered[: vocab_size - len(special)])]
    tokenizer = Tokenizer(models.BPE(vocab=_numbered(entries), merges=[], unk_token=UNKNOWN))
    tokenizer.decoder = decoders.Fuse()
    return _with_special(tokenizer, special)


def bpe(texts: Iterable[str], vocab_size: int, special: Sequence[str]) -> Tokenizer:
    """Learn frequent runs of characters; what is none of them is written in bytes."""
    tokenizer = _spaced(Tokenizer(models.BPE()))
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(_BYTES), min_frequency=2, special_tokens=list(special), show_progress=False,
        limit_alphabet=max(1, (vocab_size - len(_BYTES) - len(special)) * 3 // 4),
    )  # fmt: skip
    tokenizer.train_from_iterator(texts, trainer=trainer)
    form = json.loads(tokenizer.to_str())
    model = form["model"]
    model["vocab"] |= {name: len(model["vocab"]) + number for number, name in enumerate(_BYTES)}
    model["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(form))


def unigram(texts: Iterable[str], vocab_size: int, special: Sequence[str]) -> Tokenizer:
    """Learn the pieces that make the texts most probable; what is none of them is written in bytes."""
    tokenizer = _spaced(Tokenizer(models.Unigram()))
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab_size - len(_BYTES), special_tokens=list(special), unk_token=UNKNOWN, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer=trainer)
    form = json.loads(tokenizer.to_str())
    model = form["model"]
    least = min(score for _, score in model["vocab"])
    model["vocab"] += [[name, least - 10] for name in _BYTES]
    model["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(form))


def wordpiece(texts: Iterable[str], vocab_size: int, special: Sequence[str]) -> Tokenizer:
    """Learn words and pieces inside words, as BERT reads them; a Chinese character is a word.

    The texts are read twice: the trainer numbers the pieces inside words in an order of chance, unless it is told them.
    """
    with _kept(texts) as again:
        found = sorted({character for text in again() for character in text if not character.isspace()})
        room = (vocab_size - len(special)) // 2
        inside = [f"##{character}" for character in found][:room]
        learnt = _bert(Tokenizer(models.WordPiece(unk_token=UNKNOWN)))
        trainer = trainers.WordPieceTrainer(
            vocab_size=vocab_size, min_frequency=2, special_tokens=[*special, *inside], show_progress=False,
            limit_alphabet=max(1, room),
        )  # fmt: skip
        learnt.train_from_iterator(again(), trainer=trainer)
    tokenizer = _bert(Tokenizer(models.WordPiece(vocab=learnt.get_vocab(), unk_token=UNKNOWN)))
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    return _with_special(tokenizer, special)


KINDS: Mapping[str, Learn] = {
    "byte-bpe": byte_bpe, "bytes": single_bytes, "bpe": bpe, "unigram": unigram, "characters": characters,
    "wordpiece": wordpiece,
}  # fmt: skip
LEAST: Mapping[str, int] = {"byte-bpe": 256, "bytes": 256, "bpe": 257, "unigram": 257, "characters": 1, "wordpiece": 2}
"""Entries that each kind needs beside the special tokens."""
WITH_UNKNOWN = frozenset({"characters", "wordpiece", "unigram"})
"""Kinds that have a token for what they cannot write."""


def _numbered(entries: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(entries)}


def _with_special(tokenizer: Tokenizer, special: Sequence[str]) -> Tokenizer:
    """Mark tokens that have their numbers already as special."""
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in special])
    return tokenizer


def _spaced(tokenizer: Tokenizer) -> Tokenizer:
    """Cut at lines, punctuation and spaces, a space going with the word behind it."""
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\n+"), "isolated"),
            pre_tokenizers.Punctuation("isolated"),
            pre_tokenizers.Metaspace(prepend_scheme="never"),
        ]
    )
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def _bert(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


@contextmanager
def _kept(texts: Iterable[str]) -> Iterator[Callable[[], Iterator[str]]]:
    """Keep texts in a file for the time of a block, and yield what reads them again."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        for text in texts:
            file.write(json.dumps(text) + "\n")

        def again() -> Iterator[str]:
            file.seek(0)
            return (json.loads(line) for line in file)

        yield again
