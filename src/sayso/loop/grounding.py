"""What a training would learn from, after the checks that stand before every training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sayso.errors import PreflightError
from sayso.i18n import gettext as _
from sayso.methods import Method

if TYPE_CHECKING:
    from sayso.batches import Drawn, Row
    from sayso.loop.learning import Material
    from sayso.models.local import LocalModel
    from sayso.training.engine.drawing import Drawing
    from sayso.training.settings import Train


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """Rows to learn from, or what answers are drawn for while training."""

    rows: Sequence[Row]
    """Where answers are drawn: the rows of those of the first step."""
    groups: int
    """Of rows, or prompts that answers are drawn for: a step takes some of them."""
    drawing: Drawing | None = None
    first: Drawn | None = None
    """What was drawn for the first step; None with fixed rows."""

    @property
    def source(self) -> Sequence[Row] | Drawing:
        """What the training loop is given."""
        return self.rows if self.drawing is None else self.drawing

    @property
    def note(self) -> str:
        """What is to be known of answers that are drawn while training; empty with fixed rows."""
        if self.first is None:
            return ""
        said = _("New answers are drawn at every step, {answers} at the first one; rows and tokens are that step's.")
        if self.first.reward is not None:
            said += " " + _("Their mean reward is {reward:.2f}.")
        if not self.first.rows:
            said += " " + _("Those to one prompt are equally good, so that the first step learns nothing.")
        return said.format(answers=self.first.answers, reward=self.first.reward)


def ground(method: Method, policy: LocalModel, material: Material, train: Train) -> Ground:
    """Return what a method learns from; where it draws answers, those of the first step are drawn to be looked at.

    Raises:
        PreflightError: nothing could be learnt, or a row would not fit.
    """
    from sayso.batches import sharing
    from sayso.training import preflight
    from sayso.training.engine import drawing

    if not material.examples and material.left_out:
        raise PreflightError(
            "none of the {count} responses with comments that are not met has a refinement, and this method learns from "
            "refinements; give the comments a check or a refinement (sayso refine says what was tried), or choose another "
            "method, such as hindsight",
            count=material.left_out,
        )  # fmt: skip
    given = material.given(method)
    found = drawing.drawing_of(method, given, policy)
    if found is None:
        rows = list(sharing(method.rows(given, policy)))
        preflight.examine(method, policy, given, rows)
        return Ground(rows=rows, groups=len(rows) // method.group)
    preflight.examine_examples(method, given)
    preflight.check_model(policy)
    first = found.of_step(policy, 0, train)
    if first.rows:
        preflight.check_rows(first.rows, policy, group=method.group)
    return Ground(rows=first.rows, groups=len(found), drawing=found, first=first)
