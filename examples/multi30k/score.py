"""Print BLEU and chrF of a model on conversations of one question: score.py MODEL FILE [LANGUAGE].

Lines with the same question are several right answers to it. LANGUAGE is what BLEU cuts words by: zh cuts Chinese into
characters; otherwise it is sacrebleu's usual way.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import sacrebleu

from sayso.models import local
from sayso.models.writing.sampling import Sampling
from sayso.records import ask

BEAMS = Sampling(max_new_tokens=80, temperature=0, num_beams=5, length_penalty=1.0, batch_size=32)


def main(model: str, file: str, language: str = "") -> None:
    """Translate every question with five beams and compare with the answers."""
    right: dict[str, list[str]] = {}
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        asked, answer = json.loads(line)["messages"]
        right.setdefault(asked["content"], []).append(answer["content"])
    written = local.load(model).generate([ask(text) for text in right], BEAMS)
    most = max(map(len, right.values()))
    expected = [[answers[number] if number < len(answers) else None for answers in right.values()] for number in range(most)]
    for metric in (sacrebleu.BLEU(trg_lang=language), sacrebleu.CHRF()):
        print(metric.corpus_score(written, expected), metric.get_signature())


if __name__ == "__main__":
    main(*sys.argv[1:])
