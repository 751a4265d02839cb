"""How an answer repeats itself, and how far it is copied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from sayso.tasks.metrics import Counted, ratio
from sayso.tasks.wording import tokens

Tokens = Callable[[str], list[str]]


def ngrams(found: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """Return the runs of `n` tokens, in order."""
    return [tuple(found[at : at + n]) for at in range(len(found) - n + 1)]


def distinct(texts: Sequence[str], n: int, *, families: Sequence[str] = ()) -> Counted:
    """Return distinct-n: different n-grams of all answers together, over all their n-grams.

    Source: Li et al. 2016 (arXiv 1510.03055), section 5.1. An n-gram that stands c times in all answers counts 1/c
    wherever it stands, which comes to the same number and is a sum over answers; the interval holds these weights fixed.
    """
    found = [ngrams(tokens(text), n) for text in texts]
    whole = Counter(gram for one in found for gram in one)
    table = [[sum(1 / whole[gram] for gram in one), len(one)] for one in found]
    return ratio(f"distinct-{n}", table, families=families)


def repeated(texts: Sequence[str], n: int = 4, *, families: Sequence[str] = ()) -> Counted:
    """Return seq-rep-n: the share of an answer's n-grams that stood in it before, mean over answers; less is better.

    Source: Welleck et al. 2019 (arXiv 1908.04319), equation 10. Answers shorter than `n` tokens count 0.
    """
    shares = []
    for text in texts:
        found = ngrams(tokens(text), n)
        shares.append(1 - len(set(found)) / len(found) if found else 0.0)
    table = [[share, 1.0] for share in shares]
    return ratio(f"rep-{n}", table, families=families)


def copied(texts: Sequence[str], origins: Sequence[str], n: int = 2, *, families: Sequence[str] = ()) -> Counted:
    """Return the share of all n-grams of the answers that stand in what each was made from.

    Source: the complement of "novel n-grams", See et al. 2017 (arXiv 1704.04368), section 7.2.
    """
    table = []
    for text, origin in zip(texts, origins, strict=True):
        known, found = set(ngrams(tokens(origin), n)), ngrams(tokens(text), n)
        table.append([float(sum(gram in known for gram in found)), float(len(found))])
    return ratio(f"copied-{n}", table, families=families)


def length(texts: Sequence[str], *, families: Sequence[str] = ()) -> Counted:
    """Return the mean length of answers in tokens."""
    return ratio("tokens", [[float(len(tokens(text))), 1.0] for text in texts], families=families)


def length_ratio(texts: Sequence[str], wanted: Sequence[str], *, families: Sequence[str] = ()) -> Counted:
    """Return the tokens of all answers over those of all right answers."""
    sizes = [[float(len(tokens(one))), float(len(tokens(other)))] for one, other in zip(texts, wanted, strict=True)]
    return ratio("length ratio", sizes, families=families)


def answered(answers: Sequence[str | None], *, families: Sequence[str] = ()) -> Counted:
    """Return the share of items to which there is an answer at all."""
    return ratio("answered", np.array([[float(answer is not None), 1.0] for answer in answers]), families=families)
