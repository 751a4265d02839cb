"""What is run for the figures: one record a unit, each from a freshly loaded model, kept in a file of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from sayso.batches import Row, collate
from sayso.evaluation.takes import SCOPES
from sayso.loop.bench import answering, material, suite, teaching
from sayso.loop.bench.suite import Item, Suite
from sayso.loop.bench.tiers import Condition, Tier
from sayso.loop.learning import holds
from sayso.loop.workspace import write_whole
from sayso.methods import Method
from sayso.models import templates
from sayso.models.local import LocalModel, load
from sayso.records import Comment, Example, Prompt, Response
from sayso.training.engine import optimizer
from sayso.training.settings import Train

Record = dict[str, Any]
SIGMAS = (0, 1, 10, 100)
"""How many times the paper's weights of the anchors."""
LAMBDAS = (1.0, 1.05, 1.1, 1.2, 1.5, 2.0, 1000.0)
SOURCES = ("drafts", "first", "selected", "gold")
"""Drawn anew; the model's first refinement; one of several that passes the check; the check's own repair."""
LESSONS = ("refine_sft", "feedback_rl", "hindsight on policy", "hindsight on policy, anchored", "refine_sft, anchored")
PRAISE = answering.PRAISE


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much is run."""

    comments: int = 6
    tests: int = 12
    drafts: int = 32
    anchors: int = 24
    steps: int = 24
    points: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    sequences: int = 2
    length: int = 4
    seed: int = 0

    @property
    def tier(self) -> Tier:
        """The same as a tier of the benchmark of takes."""
        return Tier(
            comments=self.comments, tests=self.tests, seeds=1, seed=self.seed, drafts=self.drafts, anchors=self.anchors,
            train=Train(max_steps=self.steps, save_steps=0),
        )  # fmt: skip


SIZES = {
    "tiny": Size(comments=2, tests=4, drafts=4, anchors=4, steps=2, points=(1, 4), sequences=1, length=2),
    "small": Size(),
    "large": Size(comments=16, tests=20, anchors=32, steps=48, sequences=4),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """One thing that is run, for a comment or a sequence of them."""

    kind: str
    items: tuple[str, ...]
    option: str = ""

    @property
    def file(self) -> str:
        """The name of its record."""
        return ".".join(part.replace(" ", "-").replace(",", "") for part in (self.kind, self.option, self.items[0]) if part)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shop:
    """Where units are worked on."""

    model: str
    folder: Path
    size: Size

    def place(self, unit: Unit) -> Path:
        """Return where a unit's record is kept."""
        return self.folder / "units" / f"{unit.file}.json"

    def read(self, kind: str, item: str, option: str = "") -> Record:
        """Return a record that is there."""
        unit = Unit(kind=kind, items=(item,), option=option)
        return dict(json.loads(self.place(unit).read_text(encoding="utf-8")))


def items_of(known: Suite, size: Size) -> tuple[Item, ...]:
    """Return the comments that are worked on, among them only those with a partner in another scope."""
    return known.items[: size.comments]


def units(known: Suite, size: Size) -> dict[str, list[Unit]]:
    """Return the units of every stage in the order in which they are to be done, by what they are for."""
    names = [item.id for item in items_of(known, size)]
    lines = [known.items[at * size.length : (at + 1) * size.length] for at in range(size.sequences)]

    def each(kind: str, options: Sequence[str] = ("",)) -> list[Unit]:
        return [Unit(kind=kind, items=(name,), option=option) for option in options for name in names]

    return {
        "untaught": [*each("base"), *each("drafts")],
        "8": each("advantage"),
        "4": [*each("tokens"), *each("cut", [f"{value:g}" for value in LAMBDAS])],
        "1": each("plane", [*(f"scoped {value}" for value in SIGMAS), "distilled"]),
        "5": each("control"),
        "2": each("curve", [f"{source} {n}" for source in SOURCES for n in size.points]),
        "10": [
            Unit(kind="sequence", items=tuple(item.id for item in line), option=method)
            for method in LESSONS
            for line in lines
        ],
    }  # fmt: skip


def do(shop: Shop, unit: Unit) -> None:
    """Do one unit and write its record, whole or not at all."""
    known = suite.load()
    model = load(shop.model, device="cpu")
    items = [known.item(name) for name in unit.items]
    found = WORK[unit.kind](shop, model, items, unit.option)
    place = shop.place(unit)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_whole(place, json.dumps({**asdict(unit), **found}, ensure_ascii=False) + "\n")


def base(shop: Shop, model: LocalModel, items: list[Item], _option: str) -> Record:
    """Answer the test prompts as it is, and told the comment."""
    tier = shop.size.tier
    found = answering.base(model, items, tier)
    told = answering.told(model, items, found, tier, shop.size.seed)[0]["in the prompt"]
    return {**found[0], "met": met(items[0], found[0]), "told": met(items[0], told)}


def drafts(shop: Shop, model: LocalModel, items: list[Item], _option: str) -> Record:
    """Draft answers, refined by the model with and without selection."""
    (item,), tier, seed = items, shop.size.tier, shop.size.seed
    found = answering.drafts(model, items, tier, seed)[0]
    failing = [n for n, good in enumerate(found["met"]) if not good]
    asked = [templates.refine(item.learn["in"][n], found["in"][n], [item.comment(seed)]) for n in failing]
    texts = model.generate(asked, tier.sampling(temperature=0.8, seed=seed + 1)) if asked else []
    first: list[str | None] = [None] * len(found["met"])
    for n, text in zip(failing, texts, strict=True):
        first[n] = text
    return {**found, "first": first}


def met(item: Item, answers: Mapping[str, Sequence[str]]) -> dict[str, list[bool]]:
    """Say of every answer whether it meets the comment."""
    held = item.held()
    return {scope: [held(text).held for text in answers[scope]] for scope in SCOPES if scope in answers}


def lesson_of(item: Item, known: Item, shop: Shop, condition: Condition, count: int | None = None) -> material.Lesson:
    """Return what is taught."""
    many = shop.size.drafts if count is None else count
    return material.Lesson(item=item, other=known, condition=condition, seed=shop.size.seed, drafts=many)


def train(
    shop: Shop, model: LocalModel, item: Item, method: Method, settings: Train, examples: list[Example], *, guarded: bool
) -> Record:
    """Teach a fresh model and say which test answers meet the comment."""
    tier, written = shop.size.tier, shop.read("drafts", item.id)
    if not examples:
        return {"met": shop.read("base", item.id)["met"], "examples": 0, "loss": [], "refused": "nothing to learn from"}
    policy = optimizer.prepare(model, settings)
    beside = material.held([item], [written], tier)
    anchors = teaching.anchors_of(policy, beside, tier) if guarded and not holds(method) else None
    found = teaching.train(policy, method, examples, settings, anchors)
    kept = {key: found[key] for key in ("loss", "refused", "diverged")}
    return {**kept, "examples": len(examples), "met": met(item, teaching.answer(policy, item, tier))}


def plane(shop: Shop, model: LocalModel, items: list[Item], option: str) -> Record:
    """Teach by C3PO with anchors of a strength, or by imitating what the model writes when it is told the comment."""
    (item,), tier = items, shop.size.tier
    name, _space, factor = option.partition(" ")
    method: Any
    method, settings = teaching.method_of(model, "scoped" if factor else "refine_sft", tier, shop.size.seed)
    if factor:
        method = replace(method, near_weight=0.1 * float(factor), out_weight=0.2 * float(factor))
        condition = Condition(name=name, method="scoped")
        examples = material.examples_of(lesson_of(item, item, shop, condition), shop.read("drafts", item.id), method, tier)
    else:
        asked = [templates.told(prompt, [item.comment(shop.size.seed)]) for prompt in item.learn["in"][: tier.drafts]]
        texts = model.generate(asked, tier.sampling(temperature=0.8, seed=shop.size.seed))
        examples = imitated(item, shop.read("drafts", item.id)["in"], texts, item.learn["in"])
    return train(shop, model, item, method, settings, examples, guarded=False)


def imitated(
    item: Item, before: Sequence[str], better: Sequence[str | None], prompts: Sequence[Prompt]
) -> list[Example]:  # fmt: skip
    """Return drafts with what is to be imitated in their place."""
    from sayso.records import Refinement

    found = []
    for prompt, text, new in zip(prompts, before, better, strict=False):
        if new is not None and new.strip():
            response = Response(prompt=prompt, text=text)
            refinement = Refinement(response=response, text=new, addresses=(item.id,), refiner="bench", source="model")
            found.append(
                Example(prompt=prompt, response=response, comments=(item.comment(0),), refinement=refinement)
            )  # fmt: skip
    return found


def curve(shop: Shop, model: LocalModel, items: list[Item], option: str) -> Record:
    """Imitate what was made of the first so many drafts that fail."""
    (item,), tier = items, shop.size.tier
    source, _space, count = option.partition(" ")
    written = shop.read("drafts", item.id)
    better: Sequence[str | None]
    if source == "gold":
        repair = material.repair_by(item)
        better = [None if good else repair(text) for good, text in zip(written["met"], written["in"], strict=True)]
    elif source == "drafts":
        better = [None if good else text for good, text in zip(written["met"], written["random"], strict=True)]
    else:
        better = written["self" if source == "selected" else "first"]
    examples = imitated(item, written["in"], better, item.learn["in"])[: int(count)]
    method, settings = teaching.method_of(model, "refine_sft", tier, shop.size.seed)
    return train(shop, model, item, method, settings, examples, guarded=True)


def cut(shop: Shop, model: LocalModel, items: list[Item], option: str) -> Record:
    """Teach by CUT at one threshold."""
    (item,), tier = items, shop.size.tier
    method: Any
    method, settings = teaching.method_of(model, "cut", tier, shop.size.seed)
    method = replace(method, threshold=float(option), alpha=1.0)
    condition = Condition(name="cut", method="cut")
    examples = material.examples_of(lesson_of(item, item, shop, condition), shop.read("drafts", item.id), method, tier)
    return train(shop, model, item, method, settings, examples, guarded=True)


def tokens(shop: Shop, model: LocalModel, items: list[Item], _option: str) -> Record:
    """Say of every token of drafts that fail how much likelier it is once the comment is known, and whether it is marked."""
    (item,) = items
    found = []
    for prompt, text in failing(shop, item):
        said = material.said_of(item, shop.size.seed, Response(prompt=prompt, text=text))
        ids = model.encode_response(text)
        spans = [(span.start, span.end) for span in said.spans]
        marked = {number for part in model.token_spans(text, spans) for number in part}
        plain, told = scores(model, [prompt, templates.judged(prompt, [said])], ids)
        found.append({
            "words": [model.tokenizer.decode([token]) for token in ids], "marked": [n in marked for n in range(len(ids))],
            "ratio": [round(b - a, 3) for a, b in zip(plain, told, strict=True)],
        })  # fmt: skip
    return {"drafts": found}


def advantage(shop: Shop, model: LocalModel, items: list[Item], _option: str) -> Record:
    """Score drafts that fail after the comment on them, after another comment, and after praise."""
    (item,), seed = items, shop.size.seed
    other = suite.load().item(item.shuffled)
    said = {"related": item.comment(seed), "unrelated": other.comment(seed), "praise": Comment(text=PRAISE, kind="keep")}
    found: Record = {name: [] for name in said}
    for prompt, text in failing(shop, item):
        contexts = [prompt, *(templates.hindsight(prompt, None, [comment]) for comment in said.values())]
        plain, *told = scores(model, contexts, model.encode_response(text))
        for name, values in zip(said, told, strict=True):
            found[name].append([round(after - before, 3) for before, after in zip(plain, values, strict=True)])
    return found


def failing(shop: Shop, item: Item) -> list[tuple[Prompt, str]]:
    """Return prompts with drafts that do not meet the comment."""
    written = shop.read("drafts", item.id)
    drafted = zip(item.learn["in"], written["in"], written["met"], strict=False)
    return [(prompt, text) for prompt, text, good in drafted if not good and text.strip()][:16]


def scores(model: LocalModel, contexts: Sequence[Prompt], ids: Sequence[int]) -> list[list[float]]:
    """Return the log-probability of the same tokens after each context."""
    rows = []
    for context in contexts:
        asked = model.encode_prompt(context)
        rows.append(Row(ids=(*asked, *ids), weights=(*(0.0 for _ in asked), *(1.0 for _ in ids)), label=context.id))
    batch = collate(rows, packed=model.packed, pad_id=model.pad_id)
    with torch.no_grad():
        values = model.token_logprobs(batch)
    return [values[batch.row_of == number].tolist() for number in range(len(rows))]


def control(shop: Shop, model: LocalModel, items: list[Item], _option: str) -> Record:
    """Learn answers under what is said of them, ask with good, no and bad words; then once more from answers of its own."""
    (item,), tier, seed = items, shop.size.tier, shop.size.seed
    method: Any
    method, settings = teaching.method_of(model, "conditional", tier, seed)
    method = replace(method, unconditioned=0.0)
    condition = Condition(name="conditional", method="conditional")
    examples = material.examples_of(lesson_of(item, item, shop, condition), shop.read("drafts", item.id), method, tier)
    found: Record = {"before": conditioned(shop, model, item, method.positive), "examples": len(examples)}
    if not examples:
        return {**found, "offline": found["before"], "bootstrap": found["before"]}
    policy = optimizer.prepare(model, settings)
    teaching.train(policy, method, examples, settings, None)
    found["offline"] = conditioned(shop, policy, item, method.positive)
    prompts = item.learn["in"][: tier.drafts]
    good = [Comment(text=method.positive)]
    texts = policy.generate(
        [templates.expected(prompt, good) for prompt in prompts], tier.sampling(temperature=1, seed=seed)
    )
    held = item.held()
    drawn = [judged(item, prompt, text, seed) for prompt, text in zip(prompts, texts, strict=True)]
    found["drawn good"] = sum(held(text).held for text in texts) / len(texts)
    policy = policy.carrying(policy.module, continued=True)
    teaching.train(policy, method, drawn, settings, None)
    return {**found, "bootstrap": conditioned(shop, policy, item, method.positive)}


def judged(item: Item, prompt: Prompt, text: str, seed: int) -> Example:
    """Return an answer with what is said of it: praise where it meets the comment, else the comment."""
    if item.held()(text).held:
        return material.praised(prompt, text)
    response = Response(prompt=prompt, text=text)
    return Example(prompt=prompt, response=response, comments=(material.said_of(item, seed, response),))


def conditioned(shop: Shop, policy: LocalModel, item: Item, positive: str) -> dict[str, float]:
    """Return how often the comment is met in scope under good words, none, and the comment itself."""
    prompts = answering.tested(item, shop.size.tier)["in"]
    held = item.held()
    words = {"positive": [Comment(text=positive)], "neutral": [], "negative": [item.comment(shop.size.seed)]}
    found = {}
    for name, said in words.items():
        asked = [templates.expected(prompt, said) if said else prompt for prompt in prompts]
        texts = policy.generate(asked, shop.size.tier.sampling(temperature=0))
        found[name] = sum(held(text).held for text in texts) / len(texts)
    return found


def sequence(shop: Shop, model: LocalModel, items: list[Item], option: str) -> Record:
    """Teach comments one after another in the same weights, and test all that were taught after each."""
    tier, seed = shop.size.tier, shop.size.seed
    name, anchored = option.removesuffix(", anchored"), option.endswith(", anchored")
    method: Any
    method, settings = teaching.method_of(model, name.partition(" ")[0], tier, seed)
    if name.endswith("on policy"):
        method = replace(method, on_policy=True, max_new_tokens=tier.max_new_tokens)
    policy, rates, before = model, [], [rate(model, item, tier) for item in items]
    for number, item in enumerate(items):
        written = drafted(policy, item, tier, seed)
        policy = optimizer.prepare(model, settings) if not number else policy.carrying(policy.module, continued=True)
        lesson = lesson_of(item, item, shop, Condition(name=name, method=name))
        examples = material.examples_of(lesson, written, method, tier)
        if examples:
            beside = material.held([item], [written], tier)
            anchors = teaching.anchors_of(policy, beside, tier) if anchored else None
            teaching.train(policy, method, examples, settings, anchors)
        rates.append([rate(policy, earlier, tier) for earlier in items[: number + 1]])
    return {"rates": rates, "before": before}


def drafted(policy: LocalModel, item: Item, tier: Tier, seed: int) -> Record:
    """Draft answers in scope, and near and out of it, with the model as it then is."""
    usual, wide = tier.sampling(temperature=0.8, seed=seed), tier.sampling(temperature=1, seed=seed)
    texts = policy.generate(item.learn["in"][: tier.drafts], usual)
    beside = answering.learnt(item, tier)
    held = item.held()
    anchors = {scope: policy.generate(prompts, wide) for scope, prompts in beside.items() if prompts}
    return {"in": texts, "met": [held(text).held for text in texts], "near": [], "out": [], **anchors}


def rate(policy: LocalModel, item: Item, tier: Tier) -> float:
    """Return how often a comment is met in scope."""
    held = item.held()
    texts = policy.generate(answering.tested(item, tier)["in"], tier.sampling(temperature=0))
    return sum(held(text).held for text in texts) / len(texts)


WORK: Mapping[str, Callable[[Shop, LocalModel, list[Item], str], Record]] = {
    "base": base, "drafts": drafts, "plane": plane, "curve": curve, "cut": cut, "tokens": tokens, "advantage": advantage,
    "control": control, "sequence": sequence,
}  # fmt: skip


def done(shop: Shop, some: Sequence[Unit]) -> Iterator[Unit]:
    """Yield the units whose record is there."""
    yield from (unit for unit in some if shop.place(unit).is_file())
