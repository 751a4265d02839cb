"""ROUGE by the package rouge-score, for Chinese too: its own tokens are English words, so it is given ours."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Literal

from sayso.tasks.metrics import Counted, mean
from sayso.tasks.wording import has_chinese, jieba_tokens, tokens
from sayso.text.files import opening

KINDS = ("rouge1", "rouge2", "rougeL")
Segment = Literal["characters", "jieba"]


class _Chinese:
    """Cuts a text into characters of Chinese and words of other languages, or into jieba's words."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment

    def tokenize(self, text: str) -> list[str]:
        return jieba_tokens(text) if self._segment == "jieba" else tokens(text)


def count(
    texts: Sequence[str], wanted: Sequence[tuple[str, ...]], *, segment: Segment, families: Sequence[str] = ()
) -> list[Counted]:
    """Return ROUGE-1, ROUGE-2 and ROUGE-L (F1, 0 to 1, mean over items; of several right texts the best counts).

    Where any right text has Chinese characters, all texts are cut as `segment` says; otherwise as rouge-score cuts English
    (letters and digits, small letters, no stemming).

    Raises:
        MissingExtraError: rouge-score, or jieba, is not installed.
    """
    library = opening.extra("rouge_score.rouge_scorer", "ROUGE needs the package rouge-score: pip install 'sayso[tasks]'")
    is_chinese = any(has_chinese(text) for one in wanted for text in one)
    scorer = library.RougeScorer(list(KINDS), use_stemmer=False, tokenizer=_Chinese(segment) if is_chinese else None)
    found: list[dict[str, Any]] = [scorer.score_multi(one, text) for one, text in zip(wanted, texts, strict=True)]
    signature = f"rouge-score:{version('rouge-score')}|F1|refs:best|tok:{segment if is_chinese else 'default'}|stem:no"
    return [
        mean(kind, [float(one[kind].fmeasure) for one in found], families=families, signature=signature) for kind in KINDS
    ]
