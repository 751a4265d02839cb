"""Report: the latest evaluation as one HTML file."""

from __future__ import annotations

from pathlib import Path

from sayso import config
from sayso.errors import NotFoundError
from sayso.i18n import gettext as _
from sayso.loop import deciding, lineage
from sayso.loop.settings import Settings
from sayso.loop.workspace import CHAMPION, Workspace
from sayso.records import Evaluation, Run


def report(
    workspace: Workspace, *, language: str | None = None, command: str = "", settings: Settings | None = None
) -> Path:
    """Write `reports/VERSION.html` for the latest evaluation and return its path.

    Raises:
        NotFoundError: nothing was evaluated yet.
        StoreError: the file cannot be written.
    """
    from sayso.evaluation.report.report import ReportData, Trained, write
    from sayso.training import run as running

    evaluation = deciding.latest(workspace)
    runs = _trainings(workspace, evaluation)
    trained = [Trained(run=item, metrics=tuple(running.read(workspace.folder / item.folder))) for item in runs]
    known = {comment.id: comment for comment in workspace.store.comments(status=None)}
    data = ReportData(
        title=_("What {candidate} learnt").format(candidate=evaluation.candidate),
        evaluation=evaluation,
        comments=tuple(known[take.comment_id] for take in evaluation.takes if take.comment_id in known),
        run=trained[-1].run if trained else None,
        metrics=trained[-1].metrics if trained else (),
        earlier=tuple(trained[:-1]),
        versions=tuple(workspace.store.versions()),
        champion=workspace.store.alias(CHAMPION) or "",
        command=command or f"sayso -C {workspace.folder} loop",
        config_text=config.dump(settings or workspace.settings()),
        created=evaluation.created,
    )
    return write(workspace.folder / "reports" / f"{evaluation.candidate}.html", data, language=language)


def _trainings(workspace: Workspace, evaluation: Evaluation) -> tuple[Run, ...]:
    try:
        return lineage.trainings(workspace, workspace.store.version(evaluation.candidate))
    except NotFoundError:  # a version that came from outside is in no registry of ours
        return ()
