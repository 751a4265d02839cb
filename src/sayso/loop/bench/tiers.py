"""How much is done: the sizes of a tier, and the conditions under which every comment is taught."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from sayso.models.writing.sampling import Sampling
from sayso.training.settings import Guard, Train

Refinements = Literal["rule", "self", "other", "empty", "praise", "correctness", "random"]
"""Where what is learnt comes from: the check's own repair; the model, told the comment, where the check then holds; the
repair of another comment's check; the model, told nothing, told praise, or told only that its draft is wrong; fresh drafts
of the model."""
Controls = Literal["all", "first", "shuffled"]
SMALL = 50_000_000
"""Below so many parameters a model wants the rates of `SMALL_RATES`."""
SMALL_RATES = {
    "refine_sft": 1.4e-2, "refine_dpo": 1.4e-2, "scoped": 3e-3, "polarity": 8e-3, "hindsight": 5e-3, "conditional": 1.2e-2,
    "critique": 1.4e-2, "edit_weighted": 1.4e-2, "cut": 6e-3, "feedback_rl": 4e-3,
}  # fmt: skip
"""Found by trials on comments that the quick tier does not have; see benchmarks/takes/README.md."""
HOLD = Guard(near_weight=1.0, out_weight=0.5)
"""Found by the same trials: it holds where the comment might be mistaken to apply, and costs little of the gain."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tier:
    """What `--tier` stands for; every key can be set by `--set`."""

    comments: int
    """The first so many of the suite."""
    tests: int
    """Test prompts a scope."""
    seeds: int
    seed: int = 0
    """The first of the seeds."""
    drafts: int = 32
    """Drafts a comment that are commented on; those that meet it already are not learnt from."""
    anchors: int = 32
    """Near and out prompts whose drafts the scope guard holds, of each."""
    candidates: int = 4
    """What the model writes to a draft, told the comment, of which one that passes the check is kept."""
    curve: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    """Drafts a comment at the points of the learning curve; those beyond `drafts` are left out."""
    curve_methods: int = 1
    """The learning curve is drawn for the first so many methods."""
    sequences: int = 1
    """Sequences of comments, learnt one after another, for what is kept of the earlier ones."""
    sequence_length: int = 4
    together: tuple[int, ...] = (2, 4, 8, 16)
    """How many comments are learnt at once; numbers beyond `comments` are left out."""
    sets: int = 4
    """Sets of comments learnt at once, of each size; fewer where the comments do not make so many."""
    controls: Controls = "all"
    """Which methods have every control: `all`, the `first`, or none. The `shuffled` comment all of them have."""
    max_new_tokens: int = 80
    rows_per_step: int = 8
    """Rows of a method a step, whatever its rows mean: a pair is two. So every method reads as many."""
    train: Train = field(default_factory=lambda: Train(max_steps=48, save_steps=0))
    guard: Guard = HOLD
    draws: int = 10_000
    """Of the bootstrap."""

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds, in their order."""
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def points(self) -> tuple[int, ...]:
        """The points of the learning curve below the full number of drafts."""
        return tuple(n for n in self.curve if n < self.drafts)

    def sampling(self, *, temperature: float, seed: int = 0) -> Sampling:
        """How the model writes."""
        return Sampling(max_new_tokens=self.max_new_tokens, temperature=temperature, seed=seed, batch_size=128)


TIERS = {
    "quick": Tier(
        comments=12, tests=12, seeds=1, drafts=16, anchors=24, candidates=2, curve=(4,), sequences=1, together=(4,), sets=1,
        controls="first",
        train=Train(max_steps=32, save_steps=0), guard=replace(HOLD, rows_per_step=4),
    ),
    "full": Tier(comments=64, tests=20, seeds=5, sequences=8, curve_methods=8, train=Train(max_steps=48, save_steps=0)),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """One way to teach a comment, and what it is compared with."""

    name: str
    method: str
    refinements: Refinements = "rule"
    guard: bool = True

    @property
    def control(self) -> bool:
        """Whether it must not work: what is learnt has nothing to do with the comment."""
        return self.refinements in ("other", "empty", "praise", "correctness", "random")


GUARD_OFF, SHUFFLED = "{method}, guard off", "{method}, shuffled comment"
UNTRAINED = ("in the prompt", "memory", "in context")
"""The comment told with every test prompt; told where the most alike of the learnt prompts had it; and told with the model's
own answer, to be refined: what a method can learn from the model's own refinements at most."""


def conditions(methods: Sequence[str], controls: Controls) -> Iterator[Condition]:
    """Yield the trained conditions: the methods, each with its controls."""
    for number, method in enumerate(methods):
        yield Condition(name=method, method=method)
        yield Condition(name=SHUFFLED.format(method=method), method=method, refinements="other")
        if controls == "shuffled" or (number and controls == "first"):
            continue
        yield Condition(name=GUARD_OFF.format(method=method), method=method, guard=False)
        yield Condition(name=f"{method}, own refinements", method=method, refinements="self")
        yield Condition(name=f"{method}, empty comment", method=method, refinements="empty")
        yield Condition(name=f"{method}, praise only", method=method, refinements="praise")
        yield Condition(name=f"{method}, correctness only", method=method, refinements="correctness")
    if controls != "shuffled":
        yield Condition(name="random drafts", method="refine_sft", refinements="random")
