"""How good classifiers from scratch are on public data sets, the linear one always in the table.

    python benchmarks/classification.py ../shared/data                       # all data sets, the linear classifier
    python benchmarks/classification.py ../shared/data --only sst2 trec6     # some of them
    python benchmarks/classification.py ../shared/data --model fresh:bert    # a network beside it, from random weights

Everything is chosen on the validation split (given, or a tenth held back by the seed); the test split is measured once.
Waimai and hotels come without a test split: a fifth is held back, by class and by the seed, equal texts on one side.
Prints a table and, last, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from sayso.evaluation import classifying as judging
from sayso.models import labelling
from sayso.training.classifiers import classifying

BARS = {"sst2": 0.82, "waimai": 0.86, "newsgroups": 0.82, "trec6": 0.88, "thucnews": 0.80}
SETS = (
    "sst2", "trec6", "trec50", "newsgroups", "newsgroups_bare", "thucnews", "waimai", "hotels", "cola", "rte", "mrpc", "qqp",
    "stsb", "wnli", "boolq", "cb", "copa", "wic", "multirc",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--model", help="a Hugging Face folder or id, or fresh:ARCHITECTURE")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rows = [row for name in given.only for row in measured(name, given)]
    print(json.dumps({"seed": given.seed, "rows": rows}, ensure_ascii=False))


def measured(name: str, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Train and measure on one data set; print a line a model."""
    rows = []
    for model in ("linear", *filter(None, [given.model])):
        own = given.set if model != "linear" else []
        settings = classifying.settings_of(
            [], [f"classify.preset={name}", "baseline=false", *own, f"seed={given.seed}"], model=model
        )
        splits = classifying.read([given.data], settings)
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            found = classifying.fit(model, splits, settings, Path(folder), lambda **_seen: None)
            seconds = time.monotonic() - started
            judged = judging.by_labeller(labelling.load(found.model), splits.task, splits.test)
        metrics = {metric.name: [metric.value, metric.low, metric.high] for metric in judged.metrics(seed=given.seed)}
        rows.append({
            "data": name, "model": model, "chosen": found.chosen, "validation": found.best, "metrics": metrics,
            "train": found.train, "test": found.test, "held_back": found.held_back, "seconds": seconds,
            "bar": BARS.get(name),
        })  # fmt: skip
        shown = "  ".join(f"{key} {value:.4f} [{low:.4f}, {high:.4f}]" for key, (value, low, high) in metrics.items())
        print(f"{name:16} {model:12} {seconds:7.1f} s  {shown}  ({found.chosen})", flush=True)
    return rows


if __name__ == "__main__":
    main()
