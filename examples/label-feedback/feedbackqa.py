"""Make texts for classifiers of comments from your copy of FeedbackQA: how good does a comment find the answer?

    python examples/label-feedback/feedbackqa.py ../shared/data/feedbackqa comments
    sayso finetune linear comments/train.jsonl --task classify --out polarity --set test='["comments/test.jsonl"]'

The folder holds `feedback_train`, `feedback_valid` and `feedback_test` files (.json or .json.gz) of McGill-NLP/feedbackqa in
one folder a source. Excellent and Acceptable become good; Could be Improved and Bad become bad; the files `rating_train` and
`rating_test` keep all four. The test files are measured on; a question that stands there is not learnt. The data states no
licence: ask its authors before you pass on what you make of it.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RATINGS = {"Excellent": "good", "Acceptable": "good", "Could be Improved": "bad", "Bad": "bad"}


def main(source: str, target: str) -> None:
    parts = {name: list(rated(Path(source), names)) for name, names in
             (("train", ("train", "valid")), ("test", ("test",)), ("clear", ("test",)))}  # fmt: skip
    asked = {line["family"] for line in parts["test"]}
    parts["train"] = [line for line in parts["train"] if line["family"] not in asked]
    parts["clear"] = [line for line in parts["clear"] if line["rating"] in ("Excellent", "Bad")]
    for name in ("train", "test"):
        parts[f"rating_{name}"] = [{**line, "label": line["rating"]} for line in parts[name]]
    Path(target).mkdir(parents=True, exist_ok=True)
    for name, lines in parts.items():
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (Path(target) / f"{name}.jsonl").write_text(text, encoding="utf-8")
        print(f"{name}: {len(lines)} comments")


def rated(source: Path, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield comments with what their rating says."""
    for path in sorted(path for name in names for path in source.glob(f"*/feedback_{name}.json*")):
        whole = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for item in json.loads(whole):
            for words, rating in zip(item["feedback"], item["rating"], strict=True):
                if words.strip():
                    yield {"text": words, "label": RATINGS[rating], "rating": rating, "family": item["question"]}


if __name__ == "__main__":
    main(*sys.argv[1:])
