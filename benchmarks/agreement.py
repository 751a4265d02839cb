"""Figures on agreement: the published example, what plain agreement hides, and how often the intervals hold the truth.

python benchmarks/agreement.py                  the figures of docs/explanation/agreement.md
python benchmarks/agreement.py --rounds 200     fewer simulated rounds
python benchmarks/agreement.py --feedbackqa ../shared/data/feedbackqa     with real ratings too
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

import numpy as np

from sayso.evaluation.agreement import VERDICTS, Rating, agree, alpha, say
from sayso.evaluation.overlap import Marking, on_spans

PUBLISHED = ("1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 .")
QUALITIES = ("Bad", "Could be Improved", "Acceptable", "Excellent")
TRUTH_UNITS = 40_000
"""Units on which the alpha that the intervals should hold is found."""


def published() -> None:
    """Print the example of Krippendorff 2011: four observers, twelve units, with gaps."""
    ratings = [
        Rating(str(unit), f"observer {rater}", word)
        for rater, row in enumerate(PUBLISHED)
        for unit, word in enumerate(row.split())
        if word != "."
    ]
    print(f"published example: nominal {alpha(ratings):.3f}, ordinal {alpha(ratings, metric='ordinal', order='12345'):.3f}")
    print("  with its interval:", say(agree(ratings, seed=0).overall))


def pair(rows: dict[str, str]) -> None:
    """Print plain agreement beside alpha for two rows of g (good), n (needs work) and b (bad)."""
    names = {"g": "good", "n": "needs_work", "b": "bad"}
    ratings = [Rating(str(unit), who, names[word]) for who, row in rows.items() for unit, word in enumerate(row)]
    for metric in ("nominal", "ordinal"):
        found = agree(ratings, metric=metric, order=VERDICTS, seed=0).overall  # type: ignore[arg-type]
        print(f"  {metric}: the same {found.observed:.0%}, alpha {say(found)}")


def spans() -> None:
    """Print the example with spans."""
    marked = [("Ada", 0, 10), ("Bo", 5, 15)]
    markings = [Marking("1", who, ((start, end),), 20) for who, start, end in marked]
    for measure in ("f1", "jaccard", "alpha"):
        print(f"  {measure}: {on_spans(markings, measure=measure, seed=0).overall.value:.2f}")  # type: ignore[arg-type]


def judged(units: int, raters: int, noise: float, generator: np.random.Generator) -> list[Rating]:
    """Return ratings by people who see the truth (half of it good) but guess with probability `noise`."""
    shares = [0.2, 0.3, 0.5]
    truth = generator.choice(3, units, p=shares)
    found = []
    for rater in range(raters):
        seen = np.where(generator.random(units) < noise, generator.choice(3, units, p=shares), truth)
        found += [Rating(str(unit), str(rater), VERDICTS[value]) for unit, value in enumerate(seen)]
    return found


def coverage(rounds: int) -> None:
    """Print how often a 95 % interval holds the alpha of very many units."""
    generator = np.random.default_rng(11)
    print("| reviewers | guess | alpha | responses | the interval holds it | its mean width |\n|---|---|---|---|---|---|")
    for raters, noise in ((2, 0.1), (2, 0.4), (2, 0.8), (4, 0.4)):
        truth = alpha(judged(TRUTH_UNITS, raters, noise, generator), metric="ordinal", order=VERDICTS)
        assert truth is not None
        for units in (10, 30, 100, 300):
            held, widths = [], []
            for _round in range(rounds):
                ratings = judged(units, raters, noise, generator)
                found = agree(ratings, metric="ordinal", order=VERDICTS, seed=0, draws=500).overall
                low, high = found.interval or (-1.0, 1.0)
                held.append(low <= truth <= high)
                widths.append(high - low)
            print(f"| {raters} | {noise:.0%} | {truth:.2f} | {units} | {np.mean(held):.1%} | {np.mean(widths):.2f} |")


def feedbackqa(folder: Path) -> None:
    """Print the agreement of FeedbackQA's ratings, two on each answer: who gave them is not told, so places stand in."""
    ratings, number = [], 0
    for path in sorted(folder.glob("*/feedback_*")):
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for entry in json.loads(text):
            number += 1
            ratings += [Rating(str(number), str(place), value) for place, value in enumerate(entry["rating"])]
    found = agree(ratings, metric="ordinal", order=QUALITIES, seed=0).overall
    print(f"FeedbackQA: {say(found)}; the same {found.observed:.0%}")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--feedbackqa", type=Path)
    asked = parser.parse_args()
    published()
    print("twenty responses, of which one is bad for Ada and another for Bo:")
    pair({"Ada": "b" + "g" * 19, "Bo": "g" + "b" + "g" * 18})
    print("twenty responses, half good, half bad, two seen differently:")
    pair({"Ada": "g" * 10 + "b" * 10, "Bo": "g" * 9 + "b" * 10 + "g"})
    print("the same with the differences at needs work:")
    pair({"Ada": "g" * 10 + "b" * 10, "Bo": "g" * 9 + "n" + "b" * 9 + "n"})
    print("Ada marks the characters 0 to 10 of 20, Bo 5 to 15:")
    spans()
    if asked.feedbackqa:
        feedbackqa(asked.feedbackqa)
    coverage(asked.rounds)


if __name__ == "__main__":
    main()
