"""The settings of a workspace and of a round: `sayso.yaml` and `round.yaml` have the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sayso.evaluation.settings import Gate
from sayso.models.writing.sampling import Sampling
from sayso.training.settings import Guard, Train


@dataclass(frozen=True, kw_only=True, slots=True)
class Refine:
    """Where better responses come from."""

    refiners: tuple[str, ...] = ("given", "edit", "sample")
    """Tried in this order until one gives a refinement that is kept; of a classifier, unless others are named, `given` and
    `label`."""
    num_samples: int = 4
    """Candidates that `sample` asks the policy for, told the comment."""
    template: str = "refine"
    """How `sample` tells the comment; a name of `sayso.models.templates.TEMPLATES`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """Comments on the answers of a classifier."""

    heldout: str = ""
    """Texts with their right classes (JSONL, CSV … with `text` and `label`), on which the take of such comments is counted;
    empty: it is not counted."""
    reader: str = ""
    """A classifier of comments, which is asked of those that name no class: with the classes good and bad it says whether
    the answer is right, with the classes of the answers which one is meant; empty: `fix` and `concern` find fault."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluate:
    """How takes and held-out loss are measured."""

    heldout: str = ""
    """A JSONL of prompts with good responses; empty: the champion's own answers out of scope."""
    max_new_tokens: int = 64
    """An answer to a probe ends after so many tokens at the latest."""
    temperature: float = 0.0
    """0: always the likeliest token, so that a difference is the training's."""
    batch_size: int = 64
    """Probes answered together; does not change what is written."""
    max_probes: int = 200
    """Per comment and scope."""
    test_fraction: float = 0.5
    """Of the families of probes that name no split; the rest may be learnt from."""
    seed: int = 0
    """Of the division of probes, of sampling, and of the bootstrap."""

    @property
    def sampling(self) -> Sampling:
        """How probes are answered."""
        return Sampling(
            max_new_tokens=self.max_new_tokens, temperature=self.temperature, batch_size=self.batch_size, seed=self.seed
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One of several trainings, each from what the one before came to; what it leaves out is as in the settings."""

    method: str | dict[str, Any] | None = None
    """As `method`; empty: that of the settings."""
    learn_from: tuple[str, ...] = ()
    """As `learn_from`; empty: that of the settings."""
    train: dict[str, Any] = field(default_factory=dict)
    """Keys of `train`, laid over those of the settings: a stage's own budget."""
    guard: dict[str, Any] = field(default_factory=dict)
    """Keys of `guard`, laid over those of the settings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything a round needs; a round file is laid over the workspace's `sayso.yaml`, `--set` over both."""

    model_name_or_path: str = ""
    """What to learn from: a folder, a Hugging Face id, or a version or alias of the workspace; empty: the champion."""
    prompts: str = ""
    """JSONL of prompts, relative to the file that names it."""
    comments: str = ""
    """JSONL of comments, relative to the file that names it."""
    method: str | dict[str, Any] = "refine_sft"
    """A name of `sayso.methods.METHODS`, `module:Class`, or a mapping with `name` and the method's own settings."""
    stages: tuple[Stage, ...] = ()
    """Trainings in sequence: `[{method: refine_sft}, {method: hindsight, train: {max_steps: 40}}]`, each with `method`,
    `learn_from`, `train` and `guard` of its own where it has them; the reference of one is what the one before came to.
    Empty: one training."""
    learn_from: tuple[str, ...] = ()
    """Ids of the comments to work on; empty: all that are open. A round with a comments file works on that file's."""
    store: str = ""
    """Where the records of a workspace are kept: a `postgresql://` URL without a password (put that into `~/.pgpass`, or the
    whole URL into the environment as `SAYSO_STORE`); empty: the file `sayso.db`."""
    output_dir: str = "workspace"
    """The workspace of a round started without one, relative to the round file."""
    seed: int | None = None
    """When given, laid over the seeds of generate, train and evaluate."""
    critics: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What each critic is made of, by name: `rules: {checks: [...]}`."""
    generate: Sampling = field(default_factory=Sampling)
    refine: Refine = field(default_factory=Refine)
    train: Train = field(default_factory=Train)
    guard: Guard = field(default_factory=Guard)
    labels: Labels = field(default_factory=Labels)
    evaluate: Evaluate = field(default_factory=Evaluate)
    gate: Gate = field(default_factory=Gate)

    @property
    def method_name(self) -> str:
        """The method's name."""
        return self.method if isinstance(self.method, str) else str(self.method.get("name", ""))

    @property
    def method_settings(self) -> Mapping[str, Any]:
        """The method's own settings as given."""
        return {} if isinstance(self.method, str) else {key: value for key, value in self.method.items() if key != "name"}


def seeded(settings: Settings) -> Settings:
    """Return the settings with the one seed laid over all others, if one was given."""
    seed = settings.seed
    if seed is None:
        return settings
    return replace(
        settings,
        generate=replace(settings.generate, seed=seed),
        train=replace(settings.train, seed=seed),
        evaluate=replace(settings.evaluate, seed=seed),
    )
