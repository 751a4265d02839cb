"""Counted models: tokens a second and peak memory of counting and scoring, on many tokens, and beside NLTK on few.

    python benchmarks/ngram.py                                       a million made-up tokens, and the table beside NLTK
    python benchmarks/ngram.py --tokens 100000000 --folder scratch   the large run; the scratch folder wants about 12 GB
    python benchmarks/ngram.py --text shakespeare.txt.gz             beside NLTK on your own text (its words)

The large text is made up: pieces of random length out of one Zipf text, some pieces much oftener than others, so that
n-grams of all orders keep coming as in real text. Scoring is of other pieces from the same source, in one batch. Every
figure is taken in a process of its own; memory is the process's peak resident set, pages of mapped files included. NLTK's
KneserNeyInterpolated (pip install nltk) has one discount, not three.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from sayso.models.classical.ngram.build import Ngram, build
from sayso.models.classical.ngram.model import load
from sayso.text import tokens
from sayso.text.tokens import Encoded, TokenFile

VOCAB = 8192
ROW = 1 << 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=1_000_000, help="tokens of the made-up text; 0: none")
    parser.add_argument("--scored", type=int, default=4_000_000, help="tokens scored in one batch")
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--dtype", default="float64", choices=["float64", "float32"])
    parser.add_argument("--folder", type=Path, help="where the token file and the model go, and stay; else a temporary one")
    parser.add_argument("--text", type=Path, help="a .txt or .txt.gz file, compared with NLTK on its words")
    parser.add_argument("--words", type=int, default=20_000, help="words compared with NLTK; 0: none")
    asked = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if asked.tokens:
            found["large"] = large(folder, asked)
        if asked.words:
            found["beside NLTK"] = beside_nltk(Path(scratch), asked)
    for name, rows in found.items():
        print(f"\n{name}")
        for key, value in rows.items():
            print(f"  {key:38} {value:>16,.4g}" if isinstance(value, float) else f"  {key:38} {value!s:>16}")
    print(json.dumps(found))


def large(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    alone(write_text, folder, asked.tokens)
    counted, count_memory = alone(count_text, folder, Ngram(order=asked.order, dtype=asked.dtype))
    scored, score_memory = alone(score_text, folder, asked.scored)
    config = json.loads((folder / "model" / "config.json").read_text())
    return {
        "tokens": asked.tokens, "order": asked.order, "dtype": asked.dtype, "n-grams": sum(config["num_ngrams"]),
        "gigabytes on disk": sum(path.stat().st_size for path in (folder / "model").rglob("*.npy")) / 1e9,
        "counting: seconds": counted, "counting: tokens a second": asked.tokens / counted,
        "counting: peak gigabytes": count_memory, "scoring: tokens": asked.scored,
        "scoring: tokens a second": asked.scored / scored, "scoring: peak gigabytes": score_memory,
    }  # fmt: skip


def made_up(count: int, seed: int) -> np.ndarray[Any, Any]:
    """Pieces of one Zipf text, put end to end."""
    base = np.random.default_rng(0).choice(VOCAB - 1, size=20_000_000, p=zipf(VOCAB - 1, 1.0)).astype(np.uint16) + 1
    draw = np.random.default_rng(seed)
    lengths = draw.geometric(1 / 8, size=count // 6 + 100)
    begins = (draw.pareto(0.25, size=len(lengths)) * 1000).clip(0, 1e15).astype(np.int64) % (len(base) - 200)
    ends = np.cumsum(lengths)
    places = np.arange(ends[-1]) + np.repeat(begins - (ends - lengths), lengths)
    return base[places[:count] % len(base)]


def zipf(size: int, power: float) -> np.ndarray[Any, Any]:
    weights = 1 / np.arange(1, size + 1) ** power
    return weights / weights.sum()


def write_text(folder: Path, count: int) -> None:
    if kept(folder, count) is not None:
        return
    with tokens.Writer(folder / "tokens", key=str(count), vocab_size=VOCAB) as writer:
        for number, first in enumerate(range(0, count, 4_000_000)):
            ids = made_up(min(4_000_000, count - first), number + 1)
            for begin in range(0, len(ids), ROW):
                row = ids[begin : begin + ROW]
                writer.add(Encoded(ids=row, learnt=np.ones(len(row), dtype=np.uint8), num_bytes=4 * len(row)))  # type: ignore[arg-type]
        writer.done()


def kept(folder: Path, count: int) -> TokenFile | None:
    return tokens.kept(folder / "tokens", str(count))


def count_text(folder: Path, settings: Ngram) -> float:
    text = tokens.kept(folder / "tokens", json.loads((folder / "tokens" / "rows.json").read_text())["key"])
    assert text is not None
    started = time.perf_counter()

    def told(stage: str) -> None:
        print(f"{time.perf_counter() - started:8.1f} s  {peak():5.2f} GB  {stage}", flush=True)

    build(text, folder / "model", settings, vocab_size=VOCAB, tokenizer=words_of([str(n) for n in range(VOCAB)]), told=told)
    return time.perf_counter() - started


def score_text(folder: Path, count: int) -> float:
    model = load(folder / "model")
    ids = made_up(count, 1_000_003).astype(np.int64)
    rows = [ids[first : first + 1000] for first in range(0, len(ids), 1000)]
    model.logprobs(rows[: len(rows) // 4])
    started = time.perf_counter()
    values = model.logprobs(rows)
    seconds = time.perf_counter() - started
    print(f"mean {np.concatenate(values).mean():.4f} nats a token")
    return seconds


def words_of(words: list[str]) -> PreTrainedTokenizerFast:
    inner = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=words[0]))
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=words[0], unk_token=words[0])


def beside_nltk(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    rows = small(asked.text, asked.words)
    cut = len(rows) * 9 // 10
    train, held = rows[:cut], rows[cut:]
    learnt, scored = sum(map(len, train)), sum(len(row) - 1 for row in held)
    (ours, our_nats), our_memory = alone(ours_on, folder, train, held, asked.order)
    (theirs, their_nats), their_memory = alone(nltk_on, train, held[: max(1, len(held) // 40)], asked.order)
    few = sum(len(row) - 1 for row in held[: max(1, len(held) // 40)])
    return {
        "words": learnt, "order": asked.order,
        "sayso: counted a second": learnt / ours[0], "NLTK: counted a second": learnt / theirs[0],
        "sayso: scored a second": scored / ours[1], "NLTK: scored a second": few / theirs[1],
        "sayso: peak gigabytes": our_memory, "NLTK: peak gigabytes": their_memory,
        "sayso: nats a word": our_nats, "NLTK: nats a word (fewer words)": their_nats,
    }  # fmt: skip


def small(path: Path | None, count: int) -> list[list[int]]:
    """Lines of words as ids; 0 begins and ends a line."""
    if path is None:
        ids = made_up(count, 1).astype(int).tolist()
        return [[0, *ids[first : first + 20], 0] for first in range(0, len(ids), 20)]
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.name.endswith(".gz") else raw).decode()
    found: dict[str, int] = {}
    rows = [[0, *(found.setdefault(word, len(found) + 1) for word in line.split()), 0] for line in text.splitlines() if line]
    ends = np.cumsum([len(row) for row in rows])
    return [[min(word, VOCAB - 1) for word in row] for row in rows[: int(np.searchsorted(ends, count)) + 1]]


def ours_on(folder: Path, train: list[list[int]], held: list[list[int]], order: int) -> tuple[tuple[float, float], float]:
    text = tokens.write(
        folder / "few", [Encoded(ids=row, learnt=[1] * len(row), num_bytes=1) for row in train], key="few", vocab_size=VOCAB
    )
    words = words_of([str(n) for n in range(VOCAB)])
    started = time.perf_counter()
    build(text, folder / "small", Ngram(order=order), vocab_size=VOCAB, tokenizer=words, told=lambda _stage: None)
    counted = time.perf_counter() - started
    model = load(folder / "small")
    started = time.perf_counter()
    values = np.concatenate(model.logprobs(held))
    return (counted, time.perf_counter() - started), float(-values.mean())


def nltk_on(train: list[list[int]], held: list[list[int]], order: int) -> tuple[tuple[float, float], float]:
    from nltk.lm import KneserNeyInterpolated
    from nltk.util import everygrams

    words = [[str(word) for word in row] for row in train]
    started = time.perf_counter()
    model = KneserNeyInterpolated(order)
    model.fit([everygrams(row, max_len=order) for row in words], sorted({word for row in words for word in row}))
    counted = time.perf_counter() - started
    started = time.perf_counter()
    total, number = 0.0, 0
    for row in held:
        said = [str(word) for word in row]
        for place in range(1, len(said)):
            try:
                total += model.logscore(said[place], said[max(0, place - order + 1) : place])
            except ZeroDivisionError:  # NLTK divides by 0 after what is only seen at the start of lines
                continue
            number += 1
    return (counted, time.perf_counter() - started), -total / number * float(np.log(2))


def alone(work: Callable[..., Any], *given: Any) -> tuple[Any, float]:
    """Do it in a new process; return what it gave and its peak memory in gigabytes."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measured, (work, given))


def _measured(work: Callable[..., Any], given: tuple[Any, ...]) -> tuple[Any, float]:
    return work(*given), peak()


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
