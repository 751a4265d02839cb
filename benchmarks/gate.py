"""How often the gate promotes, refuses and is unsure on simulated rounds.

Before and after are answered independently: each probe's check holds with its rate before and with its rate after, as if
every answer were sampled. That is more noise than a trained model shows, whose answers mostly stay as they were.

    python benchmarks/gate.py            1,000 rounds a design
    python benchmarks/gate.py --rounds 200
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np

from sayso.evaluation.gate import Gate, decide
from sayso.records import Outcome, Prompt, Scope, ask


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """Comments, probes of each in a scope, the rates, and how much comments and families differ."""

    name: str
    comments: int
    probes: int
    before: float
    gain: float = 0.0
    side: float = 0.02
    """Rate near and out of scope, before and after."""
    leak: float = 0.0
    family: int = 1
    """Probes of a family; they share one draw of the noise, so that a family counts as little more than one probe."""
    spread: float = 0.0
    """Standard deviation of the true gain between comments."""


NULL = (
    *(
        Design(name=f"{comments} × {probes}, rate {rate}", comments=comments, probes=probes, before=rate, side=0.0)
        for comments, probes in ((1, 200), (6, 30), (15, 12), (1, 30))
        for rate in (0.1, 0.5, 0.9)
    ),
    Design(name="1 × 200 in families of 5, rate 0.5", comments=1, probes=200, before=0.5, side=0.0, family=5),
    Design(name="15 × 12, gains differ by 0.2 around 0", comments=15, probes=12, before=0.5, side=0.0, spread=0.2),
)
"""Nothing happens near or out of scope, so no guard holds a promotion back: the figures are the gain's own."""
TRUE = (
    Design(name="1 × 200, 0.1 → 0.3", comments=1, probes=200, before=0.1, gain=0.2),
    Design(name="1 × 200, 0.3 → 0.5", comments=1, probes=200, before=0.3, gain=0.2),
    Design(name="1 × 200, 0.4 → 0.6", comments=1, probes=200, before=0.4, gain=0.2),
    Design(name="1 × 200, 0.7 → 0.9", comments=1, probes=200, before=0.7, gain=0.2),
    Design(name="5 × 40, 0.4 → 0.6", comments=5, probes=40, before=0.4, gain=0.2),
    Design(name="1 × 200, 0.4 → 0.6, sides at 0.1", comments=1, probes=200, before=0.4, gain=0.2, side=0.1),
)
HARM = (
    Design(name="1 × 200, gain 0.4, leak 0.3", comments=1, probes=200, before=0.1, gain=0.4, leak=0.3),
    Design(name="1 × 200, gain 0.4, leak at its margin", comments=1, probes=200, before=0.1, gain=0.4, leak=0.1),
)


def simulate(design: Design, *, rounds: int, seed: int, gate: Gate | None = None) -> Counter[str]:
    """Return how often each verdict fell."""
    gate = gate or Gate(draws=2000)
    generator = np.random.default_rng(seed)
    count = design.comments * design.probes
    prompts = [ask(f"probe {number}", family=f"family {number // design.family}") for number in range(count)]
    verdicts: Counter[str] = Counter()
    for number in range(rounds):
        found = _round(design, prompts, generator)
        verdicts[decide((), found, None, gate, seed=number).verdict] += 1
    return verdicts


def _round(design: Design, prompts: list[Prompt], generator: np.random.Generator) -> list[Outcome]:
    shift = np.repeat(generator.normal(0, design.spread, design.comments), design.probes) if design.spread else 0.0
    inside = np.clip(design.before + design.gain + shift, 0, 1)
    rates: dict[Scope, tuple[float, float | np.ndarray]] = {
        "in": (design.before, inside),
        "near": (design.side, design.side + design.leak),
        "out": (design.side, design.side),
    }
    found = []
    for scope, (before, after) in rates.items():
        held_before, held_after = (_noise(design, len(prompts), generator) < rate for rate in (before, after))
        for number, (old, new) in enumerate(zip(held_before.tolist(), held_after.tolist(), strict=True)):
            found.append(
                Outcome(
                    comment_id=f"c{number // design.probes}", scope=scope, prompt=prompts[number], before="an answer",
                    after="an answer", held_before=old, held_after=new,
                )
            )  # fmt: skip
    return found


def _noise(design: Design, count: int, generator: np.random.Generator) -> np.ndarray:
    return np.repeat(generator.random(-(-count // design.family)), design.family)[:count]


def main() -> None:
    """Print a table: a design a line, the share of each verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    started = time.perf_counter()
    for title, designs in (("no true difference", NULL), ("a true gain of 20 points", TRUE), ("harm", HARM)):
        print(f"\n| {title} | promote | refuse | unsure |\n|---|---|---|---|")
        for design in designs:
            verdicts = simulate(design, rounds=chosen.rounds, seed=chosen.seed)
            shares = (f"{100 * verdicts[name] / chosen.rounds:.1f} %" for name in ("promote", "refuse", "unsure"))
            print(f"| {design.name} | " + " | ".join(shares) + " |", flush=True)
    print(f"\n{chosen.rounds} rounds a design, seed {chosen.seed}, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
