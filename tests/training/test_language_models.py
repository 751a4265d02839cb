"""The benchmark's figure of a counted model is that of a slow second computation, over the same held-out bytes."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from benchmarks import language_models

from sayso.text import tokenizer
from sayso.training import classical, fitting, pretraining

ORDER = 4
END = "the end of a text"


def discounts(n: Counter[int]) -> list[float]:
    """Return what is taken from counts of one, two, and three or more; the usual where the formula gives nothing above 0."""
    if all(n[j] for j in (1, 2, 3, 4)):
        y = n[1] / (n[1] + 2 * n[2])
        found = [j - (j + 1) * y * n[j + 1] / n[j] for j in (1, 2, 3)]
        if min(found) > 0:
            return found
    return [0.5, 1.0, 1.5]


def slow_bits(learnt: str, held: str, entries: int) -> float:
    """Return the bits a byte of `held` by interpolated modified Kneser–Ney (Chen and Goodman 1999)."""
    row = [END, *learnt, END]
    counts = {ORDER: Counter(zip(*(row[shift:] for shift in range(ORDER)), strict=False))}
    for order in range(ORDER - 1, 0, -1):
        longer = {tuple(row[place : place + order + 1]) for place in range(len(row) - order)}
        counts[order] = Counter(gram[1:] for gram in longer)
        if order > 1:
            counts[order][tuple(row[:order])] += 1  # nothing stands before a text, so it counts itself
    taken = {order: [0.0, *discounts(Counter(found.values()))] for order, found in counts.items()}

    def chance(context: tuple[str, ...], char: str) -> float:
        order = len(context) + 1
        lower = chance(context[1:], char) if context else 1 / entries
        after = {gram: count for gram, count in counts[order].items() if gram[:-1] == context}
        if not after:
            return lower
        total = sum(after.values())
        own = counts[order][(*context, char)]
        freed = sum(taken[order][min(count, 3)] for count in after.values())
        return (own - taken[order][min(own, 3)] + freed * lower) / total

    asked = [END, *held, END]
    found = [chance(tuple(asked[max(0, place - ORDER + 1) : place]), asked[place]) for place in range(1, len(asked))]
    return -sum(map(math.log2, found)) / len(held.encode())


def text() -> str:
    """Return a text with lines that end in several ways, spaces at their ends, and nothing behind the last one."""
    draw = random.Random(0)
    words = ["the", "cat", "sat", "on", "mat", "rané", "home", "again", "and", "not", "dog's", "élan"]
    ends = [" ", " ", " ", " ", "\n", "\r\n", " \n\n\t", "  "]
    return "".join(f"{words[min(int(draw.expovariate(0.3)), 11)]}{draw.choice(ends)}" for _ in range(900)) + "the end"


def test_the_figure_of_a_counted_model_is_that_of_a_slow_second_way(tmp_path):
    (tmp_path / "whole.txt").write_bytes(text().encode())
    learnt, held = language_models.split(tmp_path / "whole.txt", tmp_path)
    entries = tokenizer.train([learnt], tmp_path / "words", vocab_size=200, model_max_length=64, kind="characters")
    assert (tmp_path / "learnt.txt").read_bytes().decode() == learnt
    settings = pretraining.settings_of([], [
        "architecture=ngram", f"model.order={ORDER}", f"tokenizer={tmp_path / 'words'}", "data.validation_tokens=0",
        "data.eval_steps=0", "data.samples=0", f"data.validation=[{tmp_path / 'held.txt'}]",
    ])  # fmt: skip
    report = classical.fit(classical.task([tmp_path / "learnt.txt"], settings), tmp_path / "run", lambda **_seen: None)
    assert report.validation.tokens == len(held) + 1, "every character, and the end"
    assert report.validation.bits_per_byte == pytest.approx(slow_bits(learnt, held, entries), abs=1e-9)


DECODER = ("hidden_size=16", "num_hidden_layers=1", "num_attention_heads=2", "intermediate_size=16")
HALF = ("layers=1", "attention_heads=2", "ffn_dim=16")
NETWORKS = {
    "llama": DECODER,
    "bert": DECODER,
    "bart": ("d_model=16", *(f"{half}_{name}" for half in ("encoder", "decoder") for name in HALF)),
}


@pytest.mark.parametrize("architecture", list(NETWORKS))
def test_the_bits_of_a_network_are_over_the_bytes_that_it_was_to_foretell(tmp_path, architecture):
    (tmp_path / "whole.txt").write_bytes(text().encode())
    learnt, held = language_models.split(tmp_path / "whole.txt", tmp_path)
    tokenizer.train([learnt], tmp_path / "words", vocab_size=200, model_max_length=64, kind="characters")
    shape = [f"model.{key}" for key in NETWORKS[architecture]]
    settings = pretraining.settings_of([], [
        f"architecture={architecture}", f"tokenizer={tmp_path / 'words'}", *shape,
        "data.validation_tokens=0", "data.eval_steps=0", "data.samples=0", f"data.validation=[{tmp_path / 'held.txt'}]",
        "train.max_steps=1", "device=cpu",
    ])  # fmt: skip
    found = fitting.fit(
        pretraining.task([tmp_path / "learnt.txt"], settings), tmp_path / "run", lambda **_seen: None
    ).validation
    if architecture == "llama":
        assert found.tokens == len(held) + 1, "the same tokens as of a counted model"
    elif architecture == "bert":
        assert 0.1 * len(held) < found.tokens < 0.2 * len(held), "words, where a vocabulary of characters knows none"
    else:
        assert len(held) < found.tokens < 1.1 * len(held), "all of the text is put right, each row with its end"
    share = 0.15 if architecture == "bert" else 1.0
    size = share * len(held.encode())
    assert found.bits_per_byte == pytest.approx(found.loss * found.tokens / math.log(2) / size, rel=5e-3)


def test_a_part_with_characters_of_its_own_is_refused():
    language_models.expect_known("abc\n", "cab")
    with pytest.raises(SystemExit, match=r"2 characters of the last tenth do not stand before it \('xy'\)"):
        language_models.expect_known("abc", "caxyb")


def test_what_stands_in_both_parts_is_said():
    line = "".join(chr(97 + number % 23) for number in range(60))
    assert language_models.repeated(line, "-" * 20 + line) == pytest.approx(21 / 41)
    assert language_models.repeated(line, line.upper()) == 0.0
    assert language_models.repeated("short", "short") == 0.0


def test_models_that_were_asked_for_other_tokens_are_not_put_into_one_table():
    rows = [{"architecture": name, "held_tokens": count} for name, count in (("ngram", 9), ("llama", 9), ("bert", 2))]
    language_models.expect_same_tokens(rows)
    with pytest.raises(SystemExit, match="different tokens"):
        language_models.expect_same_tokens([*rows, {"architecture": "hmm", "held_tokens": 8}])
