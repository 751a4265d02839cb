"""Write the report: everything a person needs to judge a candidate, in one HTML file that asks nothing of the network."""

from __future__ import annotations

import contextvars
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sayso import i18n
from sayso.errors import StoreError
from sayso.evaluation import gate
from sayso.evaluation.report import changes, figures, labels
from sayso.i18n import gettext as _
from sayso.records import Comment, Evaluation, Finding, Outcome, Rate, Run, Scope, Take, Version


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """A training, and the lines of its `metrics.jsonl`."""

    run: Run
    metrics: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportData:
    """What a report shows; whatever is empty is left out."""

    title: str
    evaluation: Evaluation
    comments: tuple[Comment, ...] = ()
    run: Run | None = None
    metrics: tuple[Mapping[str, Any], ...] = ()
    """The lines of the run's `metrics.jsonl`."""
    earlier: tuple[Trained, ...] = ()
    """The trainings of a sequence before `run`, or those of the versions that were composed."""
    versions: tuple[Version, ...] = ()
    champion: str = ""
    """The version that the alias `champion` names now."""
    command: str = ""
    """The command line that does it again."""
    config_text: str = ""
    """The YAML of the resolved settings."""
    created: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Example:
    outcome: Outcome
    pieces: tuple[changes.Piece, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    number: int
    take: Take
    about: str
    rates: tuple[tuple[Scope, Rate], ...]
    examples: tuple[_Example, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Training:
    run: Run | None
    curve: Markup
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    name: str
    estimate: str
    limits: str
    margin: str
    n: int
    result: str


def write(path: Path, data: ReportData, *, language: str | None = None) -> Path:
    """Write the report as one HTML file and return its path; a reader never sees half of it.

    Raises:
        StoreError: the file cannot be written.
    """
    text = render(data, language=language)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise StoreError(
            "the report {path!r} cannot be written ({reason}); choose a folder you may write to",
            path=str(path),
            reason=error.strerror or str(error),
        ) from error
    return path


def render(data: ReportData, *, language: str | None = None) -> str:
    """Return the report's HTML in a language (`en`, `zh`); None is the one in use. The same data gives the same bytes."""

    def spoken() -> str:
        if language is not None:
            i18n.use(language)
        return _render(data)

    return contextvars.copy_context().run(spoken)


def _render(data: ReportData) -> str:
    environment = Environment(
        loader=PackageLoader("sayso.evaluation.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["percent"] = lambda share: f"{100 * share:.1f} %"
    environment.filters["points"] = _points
    environment.filters["minute"] = _minute
    evaluation = data.evaluation
    rows = _rows(data)
    return environment.get_template("template.html.j2").render(
        data=data, language=i18n.language(), w=labels.words(), verdicts=labels.verdicts(), takes=labels.takes(),
        scopes=labels.scopes(), forms=labels.forms(), verdict=evaluation.verdict,
        reason=gate.say(evaluation.verdict) if evaluation.verdict else "",
        rows=rows, measured=any(row.rates for row in rows), shown=any(row.examples for row in rows),
        lines=[_line(item) for item in evaluation.verdict.findings] if evaluation.verdict else [],
        # Figures are made here of numbers and our own words, escaped by the writer of SVG.
        plane=Markup(figures.take_plane(evaluation.takes)), trained=tuple(_trained(data)),
        heldout=evaluation.heldout, versions=_versions(data),
        made=_("Written by sayso, {created}").format(created=_minute(data.created)),
    )  # fmt: skip


def _trained(data: ReportData) -> Iterator[_Training]:
    """Yield every training with its curve and settings, the last one at the end."""
    for number, item in enumerate(data.earlier, start=1):
        curve = figures.loss_curve(item.metrics, f"loss-curve-{number}")
        yield _Training(run=item.run, curve=Markup(curve), settings=tuple(_flat(item.run.settings)))
    curve, settings = figures.loss_curve(data.metrics), data.run.settings if data.run else {}
    if curve or data.run:
        yield _Training(run=data.run, curve=Markup(curve), settings=tuple(_flat(settings)))


def _rows(data: ReportData) -> list[_Row]:
    comments = {comment.id: comment for comment in data.comments}
    found: dict[str, list[Outcome]] = {}
    for outcome in data.evaluation.outcomes:
        found.setdefault(outcome.comment_id, []).append(outcome)
    return [
        _Row(
            number=number, take=take, about=_about(comments.get(take.comment_id)), rates=_rates(take),
            examples=tuple(
                _Example(outcome=item, pieces=changes.compare(item.before, item.after))
                for item in changes.examples(found.get(take.comment_id, ()))
            ),
        )
        for number, take in enumerate(data.evaluation.takes, start=1)
    ]  # fmt: skip


def _rates(take: Take) -> tuple[tuple[Scope, Rate], ...]:
    sides: tuple[tuple[Scope, Rate | None], ...] = (("in", take.inside), ("near", take.near), ("out", take.out))
    return tuple((scope, rate) for scope, rate in sides if rate is not None)


def _about(comment: Comment | None) -> str:
    if comment is None:
        return ""
    author = _("by {author}").format(author=comment.author) if comment.author else ""
    return " · ".join(part for part in (comment.scope_text, author, _minute(comment.created)) if part)


def _minute(created: str) -> str:
    return created[:16].replace("T", " ")


def _line(finding: Finding) -> _Line:
    show = _ratio if finding.name == "length" else _percent if finding.name == "heldout" else _points
    low, high = (show(limit) for limit in finding.interval)
    result = "undecided" if finding.passed is None else "passed" if finding.passed else "failed"
    return _Line(
        name=labels.findings().get(finding.name, finding.name), estimate=show(finding.estimate),
        limits=f"{low} … {high}" if low != high else "", margin=show(finding.margin), n=finding.n, result=result,
    )  # fmt: skip


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def _percent(share: float) -> str:
    return f"{_points(share)} %"


def _ratio(ratio: float) -> str:
    return f"× {ratio:.2f}"


def _versions(data: ReportData) -> list[tuple[Version, str]]:
    evaluation = data.evaluation
    champion = data.champion or evaluation.champion
    roles = {champion: [_("champion")]}
    if evaluation.candidate != champion:
        roles[evaluation.candidate] = [_("candidate")]
    return [(version, _(", ").join(roles.get(version.id, []))) for version in data.versions]


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield settings as dotted keys, the way `--set` takes them."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
