"""BLEU and chrF by sacrebleu, as sums over items: the number of the whole corpus is sacrebleu's own, in every draw too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sayso.tasks.metrics import Counted, Sums
from sayso.text.files import opening

TOKENIZERS = {"zh": "zh", "ja": "char", "ko": "char", "th": "char"}
"""How BLEU cuts a language into words; the others are cut as mteval-v13a does."""


def count(
    texts: Sequence[str], wanted: Sequence[tuple[str, ...]], *, language: str, families: Sequence[str] = ()
) -> list[Counted]:
    """Return BLEU and chrF (0 to 100) of translations into a language, each with sacrebleu's signature.

    Source: Papineni et al. 2002; Popović 2015; Post 2018 (arXiv 1804.08771). A sentence's n-gram counts and lengths are its
    row, their sum gives the corpus's score, so that the bootstrap is exact (Koehn 2004).

    Raises:
        MissingExtraError: sacrebleu is not installed.
    """
    library = opening.extra("sacrebleu.metrics", "BLEU and chrF need the package sacrebleu: pip install 'sayso[tasks]'")
    most = max(len(one) for one in wanted)
    references = [[one[number] if number < len(one) else None for one in wanted] for number in range(most)]
    scorers = {"BLEU": library.BLEU(tokenize=TOKENIZERS.get(language, "13a")), "chrF": library.CHRF()}
    return [_counted(name, scorer, texts, references, families) for name, scorer in scorers.items()]


def _counted(
    name: str, scorer: Any, texts: Sequence[str], references: Sequence[Sequence[str | None]], families: Sequence[str]
) -> Counted:
    """Return a metric as sums; where an item has fewer references than others, None stands for those it lacks."""
    table = np.asarray(scorer._extract_corpus_statistics(list(texts), [list(one) for one in references]), dtype=float)

    def of(sums: Sums) -> Sums:
        scored = (scorer._compute_score_from_stats([float(number) for number in row]) for row in sums)
        return np.array([float(found.score) for found in scored])

    return Counted(name=name, table=table, of=of, families=tuple(families), signature=str(scorer.get_signature()))
