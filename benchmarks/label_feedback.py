"""Do the words that comments mark teach a classifier more than their labels alone?

    python benchmarks/label_feedback.py ../shared/data/sentence_classification_en               # the linear classifier
    python benchmarks/label_feedback.py ../shared/data/sentence_classification_en --model fresh:bert --seeds 3 --replay 1500

A sentiment classifier is trained on movie reviews (SST-2) and makes errors on product reviews (CR). A part of these is
commented on, and it learns on with the movies beside: from the labels of the comments alone, from the labels and the words
they mark, and from the labels and as many words drawn by chance (the control).

No human comments on these errors exist. They are made by a rule: `LABEL: "word", "word" say so`, where LABEL is the right
one and the words are the (at most) three that speak most for it in the eyes of an oracle: logistic regression on the movies
and on the labelled product reviews that comments are drawn from. It stands in for a reader who knows what the words mean,
and so it passes on more than 150 labels: the control shows how much of a gain is its words. A person may mark better or
worse.

Product reviews are divided once: 1,500 to measure on, 1,500 to draw errors from, the rest to choose settings on (--dev).
The linear classifier learns on in the way that was best for the movies (logistic regression or support vector machine, and
how little held back), so that the arms differ in what they learn alone. A seed draws the errors and the training.
Differences are paired by text; their intervals draw texts and seeds anew.
Prints a line and a table a seed and, last, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sayso.evaluation.resampling import resample
from sayso.models import labelling
from sayso.models.attribution import attribute
from sayso.models.classical import linear
from sayso.models.labelling import Labeller
from sayso.records import Comment, Response, ask
from sayso.store.forms import comment_line
from sayso.training.classifiers import classifying

LABELS = ("negative", "positive")
ARMS = ("labels", "labels and marks", "labels and chance")
LEARNING_ON = ("train.learning_rate=3e-4", "train.num_train_epochs=3", "eval_steps=100000", "comments.weight=3")
"""Of a network; it is measured on movies after the last step alone, so that no step is chosen by movies."""
MEASURED, DRAWN_FROM, MARKED = 1500, 1500, 3
Reviews = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Data:
    """Reviews with their labels."""

    movies: Reviews
    movies_dev: Reviews
    movies_test: Reviews
    products: Reviews
    """To draw errors from."""
    measured: Reviews


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="linear", help="linear, fresh:ARCHITECTURE, or a Hugging Face folder or id")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--comments", type=int, default=150)
    parser.add_argument("--replay", type=int, default=0, help="movies learnt beside the comments; 0: all")
    parser.add_argument("--dev", action="store_true", help="measure on the product reviews for choosing settings")
    parser.add_argument("--base", type=Path, help="keep the classifier of movies there, or take it from there")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="of learning on, such as comments.marked=3"
    )
    parser.add_argument("--set-base", action="append", default=[], metavar="KEY=VALUE", help="of learning the movies")
    given = parser.parse_args()
    data = read(given.data, dev=given.dev)
    if given.model != "linear":
        given.set = [*LEARNING_ON, *given.set]
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(measured(given, data, Path(name)), ensure_ascii=False))


def measured(given: argparse.Namespace, data: Data, folder: Path) -> dict[str, Any]:
    """Train and measure all arms of all seeds."""
    files = {"movies": data.movies, "movies_dev": data.movies_dev, "movies_test": data.movies_test}
    for name, reviews in files.items():
        write(folder / f"{name}.jsonl", reviews)
    base = trained(given.model, folder, given.base or folder / "base", given.set_base)
    oracle = oracle_of(data)
    print(f"oracle: {right(oracle, data.measured).mean():.4f} of the measured product reviews", file=sys.stderr)
    hits: dict[str, dict[str, list[NDArray[np.float64]]]] = {arm: {"products": [], "movies": []} for arm in ("base", *ARMS)}
    if isinstance(base, linear.Linear):
        linear.GRID = tuple(item for item in linear.GRID if str(item) in base.chosen)  # what was best for the movies
    for seed in range(given.seeds):
        said = errors(base, data.products, given.comments, seed)
        models = {"base": base}
        for arm in ARMS:
            models[arm] = learnt(given, arm, (folder, base), marked_by(oracle, said, arm, seed), seed)
        for arm, model in models.items():
            hits[arm]["products"].append(right(model, data.measured))
            hits[arm]["movies"].append(right(model, data.movies_test))
        found = {arm: [f"{both[where][-1].mean():.4f}" for where in both] for arm, both in hits.items()}
        print(f"seed {seed}: " + "  ".join(f"{arm} {'/'.join(shown)}" for arm, shown in found.items()), flush=True)
        summary = report(given, hits)
    return summary


def report(given: argparse.Namespace, hits: dict[str, dict[str, list[NDArray[np.float64]]]]) -> dict[str, Any]:
    """Print the table and return it."""
    tables = {arm: {where: np.column_stack(found) for where, found in both.items()} for arm, both in hits.items()}
    rows = {arm: {where: float(table.mean()) for where, table in both.items()} for arm, both in tables.items()}
    pairs = {}
    for one, other in (("labels", "base"), ("labels and marks", "labels"), ("labels and chance", "labels"),
                       ("labels and marks", "labels and chance"), ("labels and marks", "base")):  # fmt: skip
        for where in ("products", "movies"):
            found = resample(tables[one][where] - tables[other][where], seed=0)
            low, high = found.interval()
            pairs[f"{one} - {other}, {where}"] = [found.mean, low, high]
    print(f"\n{'':20} products  movies")
    for arm, row in rows.items():
        print(f"{arm:20} {row['products']:8.4f} {row['movies']:8.4f}")
    for name, (mean, low, high) in pairs.items():
        print(f"{name:55} {100 * mean:+.2f} points [{100 * low:+.2f}, {100 * high:+.2f}]", flush=True)
    kept = {key: str(value) if isinstance(value, Path) else value for key, value in vars(given).items() if key != "data"}
    return {**kept, "accuracy": rows, "differences": pairs}


def read(folder: Path, *, dev: bool) -> Data:
    """Read movie and product reviews."""
    products = lines(folder / "custrev.all")
    order = np.random.default_rng(0).permutation(len(products))
    parts = np.split(order, [MEASURED, MEASURED + DRAWN_FROM])
    measured, drawn, rest = ([products[number] for number in part] for part in parts)
    train, chosen, test = (lines(folder / f"stsa.binary.{name}") for name in ("train", "dev", "test"))
    return Data(movies=train, movies_dev=chosen, movies_test=test, products=drawn, measured=rest if dev else measured)


def lines(path: Path) -> list[tuple[str, str]]:
    """Return texts with their labels."""
    split = (line.partition(" ") for line in path.read_text(encoding="latin-1").splitlines() if line.strip())
    return [(text.strip(), LABELS[int(number)]) for number, _space, text in split if text.strip()]


def write(path: Path, reviews: Reviews) -> None:
    """Write labelled texts as JSONL."""
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in reviews), encoding="utf-8")


def trained(model: str, folder: Path, out: Path, assignments: Sequence[str]) -> Labeller:
    """Train the classifier of movies, or take it from where it is."""
    if (out / "model" / "config.json").exists():
        return labelling.load(out / "model")
    return fitted(model, folder / "movies.jsonl", folder, out, assignments)


def learnt(
    given: argparse.Namespace, arm: str, begun: tuple[Path, Labeller], said: Sequence[Comment], seed: int
) -> Labeller:
    """Learn on from comments, with movies beside them."""
    folder, base = begun
    place = folder / f"{arm} {seed}".replace(" ", "-")
    place.mkdir()
    comments, movies = place / "comments.jsonl", folder / "movies.jsonl"
    comments.write_text("".join(json.dumps(comment_line(comment)) + "\n" for comment in said), encoding="utf-8")
    if given.replay:
        kept = np.random.default_rng(seed).permutation(movies.read_text(encoding="utf-8").splitlines())[: given.replay]
        movies = place / "movies.jsonl"
        movies.write_text("\n".join(kept) + "\n", encoding="utf-8")
    alone = ["comments.marked=0", "comments.penalty=0"] if arm == "labels" else []
    own = [f"comments.files={json.dumps([str(comments)])}", f"seed={seed}", *given.set, *alone]
    model = "linear" if given.model == "linear" else base.name
    return fitted(model, movies, folder, place / "run", own)


def fitted(model: str, movies: Path, folder: Path, out: Path, assignments: Sequence[str]) -> Labeller:
    """Train on movies and open what came of it."""
    splits = {"validation": "movies_dev", "test": "movies_test"}
    held = [f"{name}={json.dumps([str(folder / f'{file}.jsonl')])}" for name, file in splits.items()]
    first = ["baseline=false", f"classify.labels={json.dumps(LABELS)}"]
    settings = classifying.settings_of([], [*first, *held, *assignments], model=model)
    found = classifying.fit(model, classifying.read([movies], settings), settings, out, lambda **_seen: None)
    return labelling.load(found.model, device=settings.device)


def oracle_of(data: Data) -> linear.Linear:
    """Return the classifier that knows which words speak for what."""
    reviews = [*data.movies, *data.products]
    weights = [1.0] * len(data.movies) + [3.0] * len(data.products)
    texts = [(text, "") for text, _label in reviews]
    examples = linear.Examples(texts=texts, classes=[LABELS.index(label) for _text, label in reviews], weights=weights)
    tried = iter(range(100))  # the first of the grid: words and pairs of words, logistic regression
    return linear.fit(examples, texts[:1], lambda _logits: -float(next(tried)), LABELS)


def errors(model: Labeller, products: Reviews, count: int, seed: int) -> list[tuple[str, str]]:
    """Return some reviews that a model labels wrongly, with the right labels."""
    wrong = [review for review, good in zip(products, right(model, products), strict=True) if not good]
    order = np.random.default_rng(seed).permutation(len(wrong))[:count]
    return [wrong[number] for number in order]


def marked_by(oracle: linear.Linear, said: Reviews, arm: str, seed: int) -> list[Comment]:
    """Return comments that name the right label and mark words."""
    random = np.random.default_rng(seed)
    found = []
    for text, label in said:
        parts = [part for part in attribute(oracle, (text, ""), label=label).parts if part.text[0].isalnum()]
        best = sorted(parts, key=lambda part: -part.value)[:MARKED]
        best = [part for part in best if part.value > 0]
        if arm == "labels and chance":
            best = [parts[number] for number in random.permutation(len(parts))[: len(best)]]
        quoted = ", ".join(f'"{part.text}"' for part in best)
        wrong = Response(prompt=ask(text), text=next(other for other in LABELS if other != label))
        found.append(Comment(text=f"{label}: {quoted} say so" if quoted else f"{label}", response=wrong, source="tool"))
    return found


def right(model: Labeller, reviews: Reviews) -> NDArray[np.float64]:
    """Return 1 for every review that is labelled rightly, else 0."""
    best = model.logprobs([(text, "") for text, _label in reviews]).argmax(axis=1)
    return np.array([float(model.labels[number] == label) for number, (_text, label) in zip(best, reviews, strict=True)])


if __name__ == "__main__":
    main()
