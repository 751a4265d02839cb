"""Print BLEU and chrF of a model on conversations of one question: score.py MODEL FILE."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import sacrebleu

from sayso.models import local
from sayso.models.writing.sampling import Sampling
from sayso.records import ask

BEAMS = Sampling(max_new_tokens=80, temperature=0, num_beams=5, length_penalty=1.0, batch_size=32)


def main(model: str, file: str) -> None:
    """Translate every question with five beams and compare with the answers."""
    turns = [json.loads(line)["messages"] for line in Path(file).read_text(encoding="utf-8").splitlines()]
    written = local.load(model).generate([ask(asked["content"]) for asked, _ in turns], BEAMS)
    expected = [[answer["content"] for _, answer in turns]]
    for metric in (sacrebleu.BLEU(), sacrebleu.CHRF()):
        print(metric.corpus_score(written, expected), metric.get_signature())


if __name__ == "__main__":
    main(*sys.argv[1:])
