"""Measure a model for its card: `python recipes/teachable/measure.py [--model DIR] [--seed 0]`, tables in Markdown.

Held-out loss, how often answers to held-out prompts show which feature, whether they keep to their topic, how often
the demo's comments hold before anything was learnt, and how well a comment in the context is followed.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from recipes.teachable.comments import Demand, near, say, scope_at, value_of  # noqa: E402
from recipes.teachable.compose import compose  # noqa: E402
from recipes.teachable.demo_data import FOLDER as DEMO  # noqa: E402
from recipes.teachable.effects import EFFECTS, PICTURE, TRAINED, has_greeting, has_sign_off, holds  # noqa: E402
from recipes.teachable.episodes import conditional, plain, refine  # noqa: E402
from recipes.teachable.install import FOLDER as MODEL  # noqa: E402
from recipes.teachable.plan import render  # noqa: E402
from recipes.teachable.prompts import prompt  # noqa: E402
from recipes.teachable.words import DAYS, NAMES, NUMBER_WORDS, long_forms  # noqa: E402
from recipes.teachable.world import GENRES, Triple, test_triples, topics, triples  # noqa: E402

from sayso.batches import collate, micro_batches  # noqa: E402
from sayso.critics.checking import load_check  # noqa: E402
from sayso.methods.sft import conversation  # noqa: E402
from sayso.models import local  # noqa: E402
from sayso.models.writing.sampling import Sampling  # noqa: E402
from sayso.records import Check, Message, Prompt, ask  # noqa: E402

FEATURES: dict[str, Callable[[str], bool]] = {
    "emoji": lambda text: bool(PICTURE.search(text)),
    "!": lambda text: "!" in text,
    "?": lambda text: "?" in text,
    "greeting": has_greeting,
    "sign-off": has_sign_off,
    "bullets": lambda text: "\n- " in f"\n{text}",
}
VARYING = re.compile(r"\b(" + "|".join([*DAYS, *NAMES, *NUMBER_WORDS.values(), r"\d+", "he", "she", "his", "her"]) + r")\b")


def heldout_loss(model: local.LocalModel, seed: int, count: int = 150) -> Iterator[str]:
    """Yield the loss per kind of episode, on held-out prompts, in nats a token of the model's own turns."""
    for make in (plain, conditional, refine):
        rng = Random(f"{seed} loss")
        found = [make(rng.choice(test_triples()), rng) for _ in range(count)]
        rows = [conversation(episode.messages, model) for episode in found]
        total, tokens = 0.0, 0.0
        with torch.no_grad():
            for part in micro_batches(rows, group=1, max_tokens=4096):
                batch = collate(part, packed=model.packed, pad_id=model.pad_id)
                total -= float(model.token_logprobs(batch).sum())
                tokens += len(batch.targets)
        yield f"| {make.__name__} | {total / tokens:.3f} | {int(tokens)} |"


def base_rates(texts: dict[Triple, str]) -> Iterator[str]:
    """Yield the share of answers with each feature, by genre."""
    for genre in (*GENRES, "all"):
        found = [text for triple, text in texts.items() if genre in (triple.genre, "all")]
        shares = " | ".join(f"{sum(map(check, found)) / len(found):.2f}" for check in FEATURES.values())
        yield f"| {genre} | {len(found)} | {shares} | {sum(len(text.split()) for text in found) / len(found):.0f} |"


def sentences(text: str) -> list[str]:
    """Return a text's sentences with names, days and numbers made alike, titles and greetings left out."""
    body = [line for line in text.split("\n") if re.search(r"[.!?]", line) and not line.startswith(("Subject:", "P.S."))]
    plain_text = PICTURE.sub("", re.sub(r"\b(Mrs|Mr|Ms|Dr)\.", r"\1", "\n".join(body)))
    parts = re.split(r"[.!?]+\s*|\n", plain_text)
    return [VARYING.sub("_", long_forms(part.strip().removeprefix("- "))).lower() for part in parts if part.strip()]


def sanity(texts: dict[Triple, str], seed: int) -> str:
    """Return which share of sentences the grammar could have written, and which share of those fits the topic."""
    rng = Random(f"{seed} sanity")
    known: dict[str, set[str]] = {}
    for triple in triples():
        for _ in range(3):
            for sentence in sentences(render(compose(triple, rng))):
                known.setdefault(sentence, set()).add(triple.topic)
    found = [(triple.topic, sentence) for triple, text in texts.items() for sentence in sentences(text)]
    whole = [(topic, known[sentence]) for topic, sentence in found if sentence in known]
    telling = [(topic, where) for topic, where in whole if len(where) <= len(topics()) // 8]
    fitting = sum(topic in where for topic, where in telling)
    return (
        f"{len(whole) / len(found):.3f} of {len(found)} sentences are well formed; "
        f"{fitting / max(1, len(telling)):.3f} of {len(telling)} that tell a topic tell the right one"
    )


def demo_rates(model: local.LocalModel, sampling: Sampling) -> Iterator[str]:
    """Yield how often each of the demo's comments holds on its test probes before anything was learnt."""
    for line in (DEMO / "comments.jsonl").read_text(encoding="utf-8").splitlines():
        comment = json.loads(line)
        check = load_check(Check(**comment["check"]))
        rates = []
        for probes in comment["probes"].values():
            answers = model.generate([ask(probe["prompt"]) for probe in probes if probe["split"] == "test"], sampling)
            rates.append(f"{sum(check(text).held for text in answers) / len(answers):.2f} (n {len(answers)})")
        yield f"| {comment['text']} | {' | '.join(rates)} |"


def following(model: local.LocalModel, sampling: Sampling, seed: int, count: int = 150) -> Iterator[str]:
    """Yield how often an effect shows without a comment, with one in or near its scope, and after a refinement."""
    rng = Random(f"{seed} following")
    bare: list[tuple[Demand, Prompt]] = []
    inside: list[tuple[Demand, Prompt]] = []
    beside: list[tuple[Demand, Prompt]] = []
    while len(bare) < count:
        triple = rng.choice(test_triples())
        effect = rng.choice(
            [name for name in TRAINED if EFFECTS[name].standing and triple.genre not in EFFECTS[name].not_for]
        )
        demand = Demand(effect=effect, value=value_of(effect, rng), scope=scope_at(triple, rng.choice(("genre", "reader"))))
        if holds(effect, demand.value, render(compose(triple, rng))):
            continue
        other = near(triple, demand.scope, rng)
        words = Message(role="system", content=say(demand, rng))
        asked, elsewhere = (Message(role="user", content=prompt(each, rng)) for each in (triple, other))
        bare.append((demand, Prompt(messages=(asked,))))
        inside.append((demand, Prompt(messages=(words, asked))))
        beside.append((demand, Prompt(messages=(words, elsewhere))))
    for name, group in (("no comment", bare), ("comment applies", inside), ("comment on something near", beside)):
        answers = model.generate([one for _, one in group], sampling)
        held = sum(holds(demand.effect, demand.value, text) for (demand, _), text in zip(group, answers, strict=True))
        yield f"| {name} | {held / len(group):.2f} | {len(group)} |"
    yield _refining(model, sampling, seed, bare)


def _refining(model: local.LocalModel, sampling: Sampling, seed: int, asked: Sequence[tuple[Demand, Prompt]]) -> str:
    rng = Random(f"{seed} refining")
    drafts = model.generate([one for _, one in asked], sampling)
    wrong = [
        (demand, one, text)
        for (demand, one), text in zip(asked, drafts, strict=True)
        if not holds(demand.effect, demand.value, text)
    ]
    again = [
        Prompt(
            messages=(*one.messages, Message(role="assistant", content=text), Message(role="user", content=say(demand, rng)))
        )
        for demand, one, text in wrong
    ]
    better = model.generate(again, sampling)
    held = sum(holds(demand.effect, demand.value, text) for (demand, _, _), text in zip(wrong, better, strict=True))
    return f"| asked to put its own answer right | {held / len(wrong):.2f} | {len(wrong)} |"


def report(model: local.LocalModel, seed: int) -> Iterator[str]:
    """Yield the lines of the measurements."""
    rng = Random(f"{seed} prompts")
    asked = {triple: ask(prompt(triple, rng)) for triple in test_triples()}
    yield f"{model.num_parameters():,} parameters\n\n## Loss on held-out prompts\n"
    yield "| episode | nats a token | tokens |\n|---|---|---|"
    yield from heldout_loss(model, seed)
    for name, temperature in (("Greedy", 0.0), ("Sampled at 0.8", 0.8)):
        sampling = Sampling(temperature=temperature, max_new_tokens=110, seed=seed)
        texts = dict(zip(asked, model.generate(list(asked.values()), sampling), strict=True))
        yield f"\n## {name}: answers to held-out prompts\n\n{sanity(texts, seed)}\n"
        yield f"| genre | n | {' | '.join(FEATURES)} | words |\n|{'---|' * (len(FEATURES) + 3)}"
        yield from base_rates(texts)
        yield "\n| comment of the demo | in | near | out |\n|---|---|---|---|"
        yield from demo_rates(model, sampling)
        yield "\n| comment in the context | effect shown | n |\n|---|---|---|"
        yield from following(model, sampling, seed)
        for triple, text in islice(texts.items(), 0, 300, 60):
            yield f"\n> *{asked[triple].text}*\n>\n> " + "\n> ".join(text.split("\n"))


def main() -> None:
    """Print the measurements of a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for line in report(local.load(given.model), given.seed):
        print(line, flush=True)


if __name__ == "__main__":
    main()
