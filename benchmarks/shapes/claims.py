"""From records to claims: what a figure says in numbers, and whether the published shape is shown, or contradicted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from benchmarks.shapes.units import LAMBDAS, LESSONS, SIGMAS, SOURCES, Record, Shop, items_of, units
from scipy.stats import rankdata

from sayso.evaluation.resampling import resample
from sayso.loop.bench import suite
from sayso.loop.bench.comparing import Figure, figure

DRAWS = 10_000
ABOUT_NOTHING = 0.25
"""Unrelated words move a token by less than this share of what related ones do: that is called about nothing."""
CLIP, SKIPPED = 2.0, 2
"""What `hindsight` takes of a token at most, and how many first tokens it leaves out."""
FEW = 2
"""So many comments at most give no interval worth the name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One side of a published shape, as a difference that should be above 0."""

    says: str
    value: Figure

    @property
    def verdict(self) -> str:
        """Whether the 95 % interval lies above 0, below it, or around it."""
        mean, low, high = self.value
        if low is None or high is None:
            return "not shown"
        if low > 0:
            return "shown"
        return "the other way" if high < 0 and mean < 0 else "not shown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """A figure: its claims, and what is drawn."""

    name: str
    published: str
    claims: tuple[Claim, ...]
    series: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """Say whether the published shape held, from the claims' intervals alone."""
        verdicts = [claim.verdict for claim in self.claims]
        if all(verdict == "shown" for verdict in verdicts):
            first = "The published shape held"
        elif "the other way" in verdicts:
            first = "The published shape did not hold"
        elif "shown" in verdicts:
            first = "The published shape held in part"
        else:
            first = "The published shape is not shown"
        return f"{first}: " + "; ".join(f"{item.says} ({item.verdict}, {words(item.value)})" for item in self.claims) + "."


def words(value: Figure) -> str:
    """Return a mean with its interval."""
    mean, low, high = value
    return f"{mean:+.2f}" if low is None or high is None else f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"


def over(values: Sequence[float]) -> Figure:
    """Return the mean over comments, with the interval of drawing comments anew."""
    if len(values) < FEW:
        return (float(np.mean(values)) if values else 0.0, None, None)
    return figure(resample([[value] for value in values], seed=0, draws=DRAWS))


def shapes(shop: Shop, wanted: Sequence[str]) -> list[Shape]:
    """Return the figures whose records are all there."""
    return [MADE[name](shop) for name in MADE if name in wanted]


def names(shop: Shop) -> list[str]:
    """Return the comments' ids."""
    return [item.id for item in items_of(suite.load(), shop.size)]


def changes(shop: Shop, kind: str, option: str, scope: str) -> list[float]:
    """Return by comment how much oftener it is met in a scope than by the untaught model."""
    return [
        share(shop.read(kind, name, option)["met"][scope]) - share(shop.read("base", name)["met"][scope])
        for name in names(shop)
    ]  # fmt: skip


def share(held: Sequence[bool]) -> float:
    """Return how many of some are."""
    return sum(held) / len(held)


def minus(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """Return the differences, pair by pair."""
    return [a - b for a, b in zip(one, other, strict=True)]


def plane(shop: Shop) -> Shape:
    """Adherence against leak."""
    told = {
        scope: minus(
            [share(shop.read("base", name)["told"][scope]) for name in names(shop)],
            [share(shop.read("base", name)["met"][scope]) for name in names(shop)],
        )
        for scope in ("in", "near")
    }  # fmt: skip
    ways = {"in the prompt": told}
    for option in ("distilled", *(f"scoped {value}" for value in SIGMAS)):
        ways[option] = {scope: changes(shop, "plane", option, scope) for scope in ("in", "near")}
    paper, strong, free = ways["scoped 1"], ways[f"scoped {SIGMAS[-1]}"], ways["scoped 0"]
    claims = (
        Claim(
            says="told in the prompt the model leaks more than after C3PO", value=over(minus(told["near"], paper["near"]))
        ),
        Claim(says="distilled it leaks more than after C3PO", value=over(minus(ways["distilled"]["near"], paper["near"]))),
        Claim(says="C3PO gains in scope", value=over(paper["in"])),
        Claim(says="stronger anchors leak less", value=over(minus(free["near"], strong["near"]))),
        Claim(says="and gain less in the end", value=over(minus(free["in"], strong["in"]))),
    )
    series = {name: (over(way["near"]), over(way["in"])) for name, way in ways.items()}
    return Shape(name="1", published="C3PO: in context and distilled high and right, C3PO high and left; the stronger the "
                 "anchors, the less leak, then the less adherence", claims=claims, series=series)  # fmt: skip


def curve(shop: Shop) -> Shape:
    """Gain against the number of drafts commented on."""
    points = shop.size.points
    gains = {source: [changes(shop, "curve", f"{source} {n}", "in") for n in points] for source in SOURCES}
    last = {source: rows[-1] for source, rows in gains.items()}
    claims = (
        Claim(says=f"with {points[-1]} refinements the gain is larger than with {points[0]}",
              value=over(minus(last["selected"], gains["selected"][0]))),
        Claim(says="refinements gain more than drafts", value=over(minus(last["selected"], last["drafts"]))),
        Claim(says="selection adds to the gain", value=over(minus(last["selected"], last["first"]))),
    )  # fmt: skip
    series = {"points": points, **{source: [over(values) for values in rows] for source, rows in gains.items()}}
    return Shape(name="2", published="ILF: no gain from very few, refinements above drafts, selection adds", claims=claims,
                 series=series)  # fmt: skip


def cut(shop: Shop) -> Shape:
    """Where the words stand that a judgment makes likelier, and how much CUT's threshold matters."""
    areas, examples = [], []
    for name in names(shop):
        drafts = [draft for draft in shop.read("tokens", name)["drafts"] if any(draft["marked"])]
        marked = [flag for draft in drafts for flag in draft["marked"]]
        ratios = [value for draft in drafts for value in draft["ratio"]]
        if any(marked) and not all(marked):
            areas.append(area(ratios, marked) - 0.5)
            examples.append(drafts[0])
    net = {value: minus(changes(shop, "cut", f"{value:g}", "in"), changes(shop, "cut", f"{value:g}", "near"))
           for value in LAMBDAS}  # fmt: skip
    middle = [max(pair) for pair in zip(net[1.1], net[1.2], strict=True)]
    edges = [max(pair) for pair in zip(net[LAMBDAS[0]], net[LAMBDAS[-1]], strict=True)]
    claims = (
        Claim(
            says="marked words have higher ratios than the others (area under the curve less one half)", value=over(areas)
        ),
        Claim(
            says="a threshold of 1.1 or 1.2 takes better than the lowest and the highest", value=over(minus(middle, edges))
        ),
    )
    series = {"net": {value: over(values) for value, values in net.items()}, "examples": examples[:3]}
    return Shape(name="4", published="CUT: high ratios on the words that are wrong; the best threshold at 1.1 to 1.2",
                 claims=claims, series=series)  # fmt: skip


def area(values: Sequence[float], positive: Sequence[bool]) -> float:
    """Return the area under the receiver's curve: how often a marked word has the higher value."""
    ranks, flags = rankdata(values), np.array(positive)
    ones, zeros = flags.sum(), (~flags).sum()
    return float((ranks[flags].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def control(shop: Shop) -> Shape:
    """How often the comment is met under good words, none, and bad ones."""
    records = [shop.read("control", name) for name in names(shop)]

    def at(stage: str, words: str) -> list[float]:
        return [record[stage][words] for record in records]

    claims = (
        Claim(says="good words meet the comment oftener than none",
              value=over(minus(at("offline", "positive"), at("offline", "neutral")))),
        Claim(says="none oftener than bad ones", value=over(minus(at("offline", "neutral"), at("offline", "negative")))),
        Claim(says="after the bootstrap good words meet it oftener than before it",
              value=over(minus(at("bootstrap", "positive"), at("offline", "positive")))),
    )  # fmt: skip
    series = {
        stage: {words: over(at(stage, words)) for words in ("positive", "neutral", "negative")}
        for stage in ("before", "offline", "bootstrap")
    }
    return Shape(name="5", published="FCP, Chain of Hindsight: good, no and bad words in this order; the bootstrap closes "
                 "the gap", claims=claims, series=series)  # fmt: skip


def advantage(shop: Shop) -> Shape:
    """What hindsight makes of the words of a draft after related, unrelated and praising words."""
    sizes: dict[str, list[float]] = {}
    pooled: dict[str, list[float]] = {}
    for name in names(shop):
        record = shop.read("advantage", name)
        for kind in ("related", "unrelated", "praise"):
            values = np.clip([value for draft in record[kind] for value in draft[SKIPPED:]], -CLIP, CLIP).tolist()
            if values:
                sizes.setdefault(kind, []).append(float(np.mean(np.abs(values))))
                pooled.setdefault(kind, []).extend(values)
    limit = [ABOUT_NOTHING * value for value in sizes["related"]]
    claims = (
        Claim(says="related words move more than unrelated ones", value=over(minus(sizes["related"], sizes["unrelated"]))),
        Claim(says=f"unrelated ones move less than {ABOUT_NOTHING:.0%} of what related ones do",
              value=over(minus(limit, sizes["unrelated"]))),
        Claim(says="related words move more than praise", value=over(minus(sizes["related"], sizes["praise"]))),
    )  # fmt: skip
    return Shape(name="8", published="User interactions: unrelated follow-ups give about no signal", claims=claims,
                 series=pooled)  # fmt: skip


def sequence(shop: Shop) -> Shape:
    """What is learnt of each new comment, and what is kept of the earlier ones."""
    lines = [unit for unit in units(suite.load(), shop.size)["10"] if unit.option == LESSONS[0]]
    learnt: dict[str, list[float]] = {}
    lost: dict[str, list[float]] = {}
    for method in LESSONS:
        for line in lines:
            record = shop.read("sequence", line.items[0], method)
            for place, before in enumerate(record["before"]):
                learnt.setdefault(method, []).append(record["rates"][place][place] - before)
                if place < len(record["before"]) - 1:
                    lost.setdefault(method, []).append(record["rates"][place][place] - record["rates"][-1][place])
    free, held = "hindsight on policy", "hindsight on policy, anchored"
    claims = (
        Claim(says="SFT forgets more than on-policy self-distillation (SDFT's claim)",
              value=over(minus(lost["refine_sft"], lost[free]))),
        Claim(says="on-policy self-distillation forgets more than RL (the claim of Denser != Better)",
              value=over(minus(lost[free], lost["feedback_rl"]))),
        Claim(says="anchors help self-distillation to keep", value=over(minus(lost[free], lost[held]))),
        Claim(says="on-policy self-distillation learns each new comment", value=over(learnt[free])),
    )  # fmt: skip
    series = {method: (over(lost[method]), over(learnt[method])) for method in LESSONS}
    return Shape(name="10", published="Two claims that do not go together: self-distillation forgets less than SFT (SDFT), "
                 "and more than RL (Denser != Better)", claims=claims, series=series)  # fmt: skip


MADE: Mapping[str, Callable[[Shop], Shape]] = {
    "1": plane, "2": curve, "4": cut, "5": control, "8": advantage, "10": sequence,
}  # fmt: skip


def form(shape: Shape) -> Record:
    """Return a figure as JSON values."""
    claims = [{"says": claim.says, "value": claim.value, "verdict": claim.verdict} for claim in shape.claims]
    return {"figure": shape.name, "published": shape.published, "sentence": shape.sentence, "claims": claims}
