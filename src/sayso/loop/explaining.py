"""Why: which words of a text made a classifier decide as it did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sayso.errors import ModelError
from sayso.loop.workspace import DATABASE, Workspace

if TYPE_CHECKING:
    from sayso.models.attribution import Attribution
    from sayso.models.labelling import Labeller


def explain(model: str, text: tuple[str, str], *, label: str = "", folder: Path | None = None) -> Attribution:
    """Return what each word of a text (and of a second one) adds to its likeliest class, or to the one that is named.

    `model` is a classifier's folder or Hugging Face id, or a version or alias of the workspace in `folder`.

    Raises:
        NotFoundError: there is no such model, or it has no such class.
        ModelError: it writes, and has no classes.
    """
    from sayso.models import attribution

    return attribution.attribute(_opened(model, folder or Path()), text, label=label)


def _opened(model: str, folder: Path) -> Labeller:
    from sayso.models import labelling
    from sayso.models.forms.classifier import Classifier
    from sayso.models.headed import NetworkLabeller

    if "/" in model or Path(model).is_dir() or not (folder / DATABASE).is_file():
        return labelling.load(model)
    workspace = Workspace.open(folder)
    try:
        found = workspace.model(model)
    finally:
        workspace.close()
    if not isinstance(found.form, Classifier):
        raise ModelError("{name}: it writes, and has no classes of its own; ask it in words", name=model)
    return NetworkLabeller(found)
