"""What says how probable each class of a text is, whatever is inside: a linear classifier, a network with a head.

Letters: N texts, K classes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sayso import registry

Text = tuple[str, str]
"""A text, and a second one (empty where there is none)."""
FORMS = {"sayso_linear": "sayso.models.classical.linear:load"}
"""The `model_type` in config.json of a classifier that is no network, and what opens it."""


class Labeller(Protocol):
    """Anything that says how probable each class of a text is."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in the order of the columns."""
        ...

    def logprobs(self, texts: Sequence[Text]) -> NDArray[np.float64]:
        """Return the log-probability (nats) of every class of every text: (N, K)."""
        ...

    def num_parameters(self) -> int:
        """Count the numbers that were learnt."""
        ...


def load(name_or_path: str | Path, *, device: str = "auto") -> Labeller:
    """Open a classifier of any kind by folder or Hugging Face id.

    Raises:
        NotFoundError: there is no such model.
        ModelError: it cannot be opened, or it writes and has no classes.
    """
    from sayso.models import folders, headed

    folder = folders.find(str(name_or_path))
    form = form_of(folder)
    if form is not None:
        opened: Labeller = registry.load(FORMS, form, kind="classifier")(folder)
        return opened
    return headed.labeller(name_or_path, device=device)


def form_of(folder: Path) -> str | None:
    """Return which of `FORMS` a folder holds; None: it is a network's, or no model's."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    form = config.get("model_type") if isinstance(config, Mapping) else None
    return form if form in FORMS else None


def classes_of(folder: Path) -> tuple[str, ...]:
    """Return the classes of a classifier's folder, without opening its weights; none of any other folder."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    if not isinstance(config, Mapping):
        return ()
    if config.get("model_type") in FORMS:
        return tuple(config.get("labels", ()))
    named = config.get("id2label") or {}
    heads = any(str(name).endswith("ForSequenceClassification") for name in config.get("architectures") or ())
    return tuple(str(named[key]) for key in sorted(named, key=int)) if heads else ()


def log_softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Return log-probabilities (nats) from logits, row by row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    found: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return found
