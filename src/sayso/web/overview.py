"""What the overview page shows: what people say, about what, how much is still unsaid, and what the last version changed.

`gather` makes the numbers, which are in no language; `shown` makes sentences and pictures of them, in the reader's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from sayso.i18n import gettext as _
from sayso.records import Evaluation, Kind
from sayso.store import overview as asked
from sayso.store import tallies
from sayso.web import pictures, themes

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sayso.store.database import Store

SAMPLE = 40_000
"""Of more comments than this, so many are put into themes, and counts are estimated from them."""
_ROWS = 12
"""Lines of a picture at most."""
_FAMILIES = 200
"""Families that are listed at most, those with the most responses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What happened since the newest version came: its id, the one before, when, and how many events of each kind."""

    version: str
    previous: str
    since: str
    events: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Everything the page is made of, in no language."""

    counts: tallies.Counts
    signed_off: int
    themes: themes.Themes
    coverage: tuple[tallies.FamilyRow, ...]
    days: Mapping[str, int]
    versions: tuple[asked.Written, ...]
    change: Change | None
    evaluation: Evaluation | None
    again: tuple[asked.Again, ...]


def gather(store: Store) -> Facts:
    """Return the numbers of now; with very many comments this takes seconds: keep them (`web.gathered`)."""
    with store.reading() as db:
        voices = [themes.Said(*row) for row in asked.said(db, SAMPLE)]
        versions = asked.written(db)
        numbers: dict[str, Any] = {
            "signed_off": asked.signed_off(db),
            "days": asked.days(db),
            "versions": tuple(versions),
            "change": _change(db, versions),
            "evaluation": asked.last_evaluation(db),
            "again": tuple(asked.said_again(db)),
        }
    counts = tallies.counts(store)
    # Something may have been said since the comments were read; with all of them read, they are what is counted.
    found = themes.find(voices, of=counts.comments if counts.comments > SAMPLE else None)
    return Facts(counts=counts, coverage=tuple(tallies.coverage(store)), themes=found, **numbers)


def _change(db: Connection, written: Sequence[asked.Written]) -> Change | None:
    """Return what is new since the newest version was registered or, where none is, began to write."""
    registered = asked.versions(db)
    if registered:
        newest = list(registered.values())[-1]
        version, subject, earlier = newest.id, newest.id, newest.parent
    elif written:
        version, subject = written[-1].version, written[-1].first
        earlier = written[-2].version if len(written) > 1 else ""
    else:
        return None
    seq, at = asked.since(db, subject)
    return Change(version=version, previous=earlier, since=at, events=asked.changes(db, seq))


def shown(facts: Facts) -> dict[str, Any]:
    """Return the numbers as JSON values, with names and pictures in the user's language."""
    counts = facts.counts
    return {
        "totals": {
            "responses": counts.responses, "commented": counts.commented, "comments": counts.comments,
            "refinements": counts.refinements, "signed_off": facts.signed_off,
        },
        "themes": [_theme(theme) for theme in facts.themes.themes],
        "themes_estimated": facts.themes.estimated,
        "coverage": [
            {
                "family": item.family, "prompts": item.prompts, "responses": item.responses,
                "commented": item.commented, "comments": item.comments,
            }
            for item in facts.coverage[:_FAMILIES]
        ],
        "families": len(facts.coverage),
        "changes": _changes(facts),
        "suggestions": [{"text": item.text, "n": item.n, "comment_ids": list(item.comment_ids)} for item in facts.again],
        "pictures": _pictures(facts),
    }  # fmt: skip


def _theme(theme: themes.Theme) -> dict[str, Any]:
    examples = [
        {"comment_id": said.comment_id, "response_id": said.response_id, "text": said.text, "kind": said.kind}
        for said in theme.examples
    ]
    return {"words": list(theme.words), "n": theme.n, "kinds": dict(theme.kinds), "examples": examples}


def _changes(facts: Facts) -> dict[str, Any] | None:
    change = facts.change
    if change is None:
        return None
    evaluation = facts.evaluation
    takes = evaluation.takes if evaluation is not None else ()
    return {
        "version": change.version,
        "previous": change.previous,
        "since": change.since,
        "items": _compared(facts.versions, change),
        "comments_new": max(0, change.events.get("comment.added", 0) - change.events.get("comment.superseded", 0)),
        "comments_edited": change.events.get("comment.superseded", 0),
        "comments_withdrawn": change.events.get("comment.withdrawn", 0),
        "refinements_new": change.events.get("refinement.added", 0),
        "evaluation": _evaluated(evaluation),
        "took": [{"comment_id": take.comment_id, "text": take.text, "take": take.take} for take in takes],
    }


def _evaluated(evaluation: Evaluation | None) -> dict[str, Any] | None:
    if evaluation is None:
        return None
    verdict = evaluation.verdict.verdict if evaluation.verdict is not None else None
    return {
        "id": evaluation.id, "champion": evaluation.champion, "candidate": evaluation.candidate,
        "created": evaluation.created, "verdict": verdict,
    }  # fmt: skip


def _compared(versions: Sequence[asked.Written], change: Change) -> list[dict[str, Any]]:
    """Return what people made of the newest version beside the one before; nothing where one of them wrote nothing."""
    by_name = {item.version: item for item in versions}
    before, after = by_name.get(change.previous), by_name.get(change.version)
    if before is None or after is None:
        return []
    items = [_item("responses", _("responses"), before.responses, after.responses)]
    items.append(
        _item("commented", _("share with a comment"), *(_share(it.commented, it.responses) for it in (before, after)))
    )
    items.append(_item("comments", _("comments a response"), *(_share(it.comments, it.responses) for it in (before, after))))
    if before.verdicts and after.verdicts:
        items.append(_item("good", _("share of verdicts “good”"), *(_share(it.good, it.verdicts) for it in (before, after))))
    return items


def _item(name: str, label: str, before: float, after: float) -> dict[str, Any]:
    return {"name": name, "label": label, "before": before, "after": after}


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def kind_names() -> dict[str, str]:
    """Return what the kinds of comments are called in the user's language."""
    return {"fix": _("fix"), "keep": _("keep"), "question": _("question"), "concern": _("concern")}


def _most_written(coverage: Sequence[tallies.FamilyRow]) -> list[tallies.FamilyRow]:
    """Return the families with the most responses; prompts without a family last, and none without a response."""
    told = [item for item in coverage if item.responses]
    return sorted(told, key=lambda item: (item.family is None, -item.responses))[:_ROWS]


def _pictures(facts: Facts) -> dict[str, str]:
    """Return the pictures by name; one is empty where there is nothing to draw."""
    names = kind_names()
    assert set(names) == set(get_args(Kind))
    listed = [
        pictures.Bar(
            label=_(", ").join(theme.words[:3]),
            value=theme.n,
            parts={names[kind]: theme.kinds.get(kind, 0) for kind in names},
        )
        for theme in facts.themes.themes[:_ROWS]
    ]
    covered = [
        pictures.Bar(label=item.family or _("without a family"), value=item.commented, of=item.responses)
        for item in _most_written(facts.coverage)
    ]
    change = facts.change
    marks = {change.since[:10]: change.version} if change is not None and change.since else {}
    return {
        "themes": pictures.bars("themes", _("Comments by theme and kind"), listed),
        "coverage": pictures.bars("coverage", _("Responses with a comment, by family of prompts"), covered),
        "days": pictures.timeline("days", _("Comments by day"), facts.days, marks),
    }
