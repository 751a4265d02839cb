"""The best weights so far, by a metric on texts that are not learnt from, and whether it is time to stop."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file

from sayso.errors import StoreError
from sayso.training import run

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTES, BEST = "validation.jsonl", "best.safetensors"


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A measurement: after which step, and how good; more is better."""

    step: int
    value: float


class Keeper:
    """Takes measurements, keeps the weights of the best, and says when `patience` of them in a row were no better.

    What it knows is in the run folder, so that a run that is taken up again goes on with it. Measurements after `step`,
    where the run is taken up, are made again.
    """

    def __init__(self, folder: Path, *, patience: int, step: int = 0) -> None:
        self._folder, self._patience = folder, patience
        path = folder / NOTES
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        noted = [Note(**json.loads(line)) for line in lines]
        self.notes = [note for note in noted if note.step <= step]

    @property
    def best(self) -> Note | None:
        """The first of the best measurements."""
        return max(self.notes, key=lambda note: note.value, default=None)

    @property
    def over(self) -> bool:
        """Whether the last `patience` measurements were no better than one before them."""
        best = self.best
        return bool(self._patience and best and sum(note.step > best.step for note in self.notes) >= self._patience)

    def note(self, step: int, value: float, parameters: Mapping[str, torch.nn.Parameter]) -> bool:
        """Take a measurement, keep the weights when it is the best, and return whether it is.

        Raises:
            StoreError: the disk refused.
        """
        before = self.best
        value = value if math.isfinite(value) else -math.inf
        better = before is None or value > before.value
        if better:
            self._keep(parameters)
        self.notes.append(Note(step=step, value=value))
        text = "".join(json.dumps({"step": note.step, "value": note.value}) + "\n" for note in self.notes)
        run.write_whole(self._folder / NOTES, text)
        return better

    def restore(self, parameters: Mapping[str, torch.nn.Parameter]) -> None:
        """Put the best weights in the place of the last ones."""
        found = load_file(str(self._folder / BEST))
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(found[name])

    def _keep(self, parameters: Mapping[str, torch.nn.Parameter]) -> None:
        path = self._folder / BEST
        writing = path.with_name(path.name + ".writing")
        try:
            save_file({name: item.detach().cpu().contiguous() for name, item in parameters.items()}, str(writing))
            writing.replace(path)
        except OSError as error:
            raise StoreError("{path!r} cannot be written: {reason}", path=str(path), reason=str(error)) from error
