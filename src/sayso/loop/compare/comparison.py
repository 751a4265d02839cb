"""A finished comparison as files: compare.json for programs, compare.md for people, plane.svg; and what it says in words."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sayso.errors import StoreError
from sayso.evaluation.settings import Gate
from sayso.i18n import gettext as _
from sayso.loop import measuring
from sayso.loop.bench import plane
from sayso.loop.bench.tables import interval
from sayso.loop.compare import ranking, standings
from sayso.loop.compare.budgets import Budget
from sayso.loop.compare.ranking import Ranked
from sayso.loop.compare.standings import Row, Shown, Standings
from sayso.loop.compare.trying import Entry
from sayso.loop.compare.untrained import AS_IT_IS, WAYS, said
from sayso.loop.workspace import write_whole
from sayso.records import Comment, plain

FORMAT = "sayso comparison 1"
RESULT, PAGE, PLANE = "compare.json", "compare.md", "plane.svg"
SPENT = ("steps", "seconds", "tokens_trained", "tokens_written")
FIGURES = ("gain", "leak", "drift", "selectivity", "heldout")


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What the result says of itself."""

    workspace: str
    parent: str
    budget: Budget
    seeds: tuple[int, ...]
    comments: tuple[Comment, ...]
    left_out: tuple[tuple[str, str], ...]
    """Label and reason of each method that could learn nothing."""
    words: tuple[str, ...]
    entries: tuple[Entry, ...]
    rate: float | None = None
    """The learning rate of the training's settings, which stands over the methods' own."""


def write(
    folder: Path, told: Told, records: Sequence[Mapping[str, Any]], untrained: Mapping[str, Any], gate: Gate
) -> dict[str, Any]:
    """Write the three files and return what compare.json holds.

    Raises:
        StoreError: the disk refused.
    """
    result = _result(folder, told, records, untrained, gate)
    texts = {RESULT: json.dumps(result, indent=1, ensure_ascii=False) + "\n", PAGE: page(result)}
    if result["files"]["plane"]:
        texts[PLANE] = plane.draw(_on_plane(result))
    try:
        for name, text in texts.items():
            write_whole(folder / name, text)
    except OSError as error:
        raise StoreError("{folder!r} cannot be written: {reason}", folder=str(folder), reason=error.strerror) from error
    return result


def _result(
    folder: Path, told: Told, records: Sequence[Mapping[str, Any]], untrained: Mapping[str, Any], gate: Gate
) -> dict[str, Any]:
    refused = {record["label"]: record["refused"] for record in records if record["refused"]}
    kept = [record for record in records if record["label"] not in refused]
    left_out = [*told.left_out, *refused.items(), *untrained["left_out"].items()]
    shown = [*_trained(told, kept, untrained), *_ways(told, untrained)]
    measured = Standings(shown, gate, loss_before=untrained.get("heldout_loss"))
    rows = measured.rows()
    ranked = ranking.rank(measured, rows)
    first = next((row.name for row in rows if row.kind == "method"), "")
    return {
        "format": FORMAT, "workspace": told.workspace, "parent": told.parent, "seeds": list(told.seeds),
        "budget": plain(told.budget), "drawn_anew": "comments" if measured.many else "prompts",
        "comments": [
            {"id": item.id, "text": item.text, "ways": {row.name: measured.by_comment(row.name)[item.id] for row in rows}}
            for item in told.comments
            if item.id in measured.comments
        ],
        "probes": {scope: measured.probes(scope) for scope in ("in", "near", "out")},
        "rows": [standings.form(row) for row in rows],
        "first": first,
        "differences": [plain(item) for item in measured.differences(first)] if first else [],
        "left_out": [{"name": name, "reason": reason} for name, reason in left_out],
        "ranking": plain(ranked),
        "sentences": [*sentences(rows, ranked, gate), *_rate_words(told)],
        "searched": untrained.get("searched"),
        "learn_with": _command(told, ranked.best, kept) if ranked.best else "",
        "files": {
            "folder": str(folder), "result": str(folder / RESULT), "page": str(folder / PAGE),
            "plane": str(folder / PLANE) if any("leak" in row.figures for row in rows) else "",
        },
    }  # fmt: skip


def _trained(told: Told, records: Sequence[Mapping[str, Any]], untrained: Mapping[str, Any]) -> Iterator[Shown]:
    """Yield every method with its outcomes at all seeds, in the order asked for."""
    before, loss_before = untrained[AS_IT_IS], untrained.get("heldout_loss")
    for label in dict.fromkeys(record["label"] for record in records):
        own = {record["seed"]: record for record in records if record["label"] == label}
        yield Shown(
            label=label, kind="method",
            outcomes={seed: measuring.outcomes(told.comments, before, own[seed]["answers"]) for seed in told.seeds},
            heldout={seed: _less(own[seed]["heldout_loss"], loss_before) for seed in told.seeds},
            spent={name: sum(record[name] for record in own.values()) / len(own) for name in SPENT},
            diverged=next((record["diverged"] for record in own.values() if record["diverged"]), ""),
        )  # fmt: skip


def _ways(told: Told, untrained: Mapping[str, Any]) -> Iterator[Shown]:
    before = untrained[AS_IT_IS]
    for name in WAYS:
        if name in untrained:
            found = measuring.outcomes(told.comments, before, untrained[name])
            yield Shown(
                label=name, kind="untrained", outcomes=dict.fromkeys(told.seeds, found), parent=name == AS_IT_IS
            )  # fmt: skip


def _less(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before


def _command(told: Told, best: str, records: Sequence[Mapping[str, Any]]) -> str:
    """Return the command that learns with the best method what its first seed learnt."""
    entry = next(entry for entry in told.entries if entry.label == best)
    steps = next(record["steps"] for record in records if record["label"] == best and record["seed"] == told.seeds[0])
    given = [f"method.{key}={json.dumps(value)}" for key, value in entry.settings.items()]
    words = ["sayso", "-C", told.workspace, "learn", "--method", entry.name, *told.words]
    own = ["train.learning_rate=null"] if entry.own_rate else []
    for assignment in (*given, *own, f"train.max_steps={steps}"):
        words += ["--set", assignment]
    return shlex.join(words)


def _on_plane(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result as the take plane reads one."""
    rows = [
        {**row, "name": said(row["name"]), "verdict": "flagged" if row["verdict"] in ("broken", "forgets", "leaks") else ""}
        for row in result["rows"]
    ]
    return {"conditions": rows, "model": {"name": result["parent"]}, "tier": budget_words(result["budget"])}


def budget_words(budget: Mapping[str, Any]) -> str:
    """Return the budget in words."""
    words = {"steps": _("{n} steps"), "tokens": _("{n} tokens"), "seconds": _("{n} seconds")}
    return words[budget["kind"]].format(
        n=f"{budget['amount']:,.6g}" if budget["kind"] == "seconds" else f"{budget['amount']:,.0f}"
    )


def verdict_words(verdict: str) -> str:
    """Return a row's verdict in the user's language."""
    words = {
        "takes": _("takes"), "no gain": _("no gain shown"), "leaks": _("leaks"), "forgets": _("forgets"),
        "broken": _("broken"), "": "–",
    }  # fmt: skip
    return words[verdict]


def sentences(rows: Sequence[Row], ranked: Ranked, gate: Gate) -> Iterator[str]:
    """Yield what the comparison says, a sentence each."""
    by = _("gain less leak") if ranked.metric == "selectivity" else _("gain")
    if ranked.best:
        figure = next(row for row in rows if row.name == ranked.best).figures[ranked.metric]
        yield _("Best by {by}: {name}, {figure}.").format(by=by, name=ranked.best, figure=interval(figure))
    else:
        yield _("No method is shown to take without harm.")
    if ranked.ties:
        yield _("Not shown to be worse (a tie): {names}.").format(names=", ".join(ranked.ties))
    if ranked.worse:
        yield _("Shown to be worse: {names}.").format(names=", ".join(ranked.worse))
    yield from _harms(rows, gate)
    idle = [row.name for row in rows if row.kind == "method" and row.verdict == "no gain"]
    if idle:
        yield _("No gain is shown for {names}.").format(names=", ".join(idle))
    if ranked.better_untrained:
        names = ", ".join(said(name) for name in ranked.better_untrained)
        yield _("Without any training as good or better: {names}.").format(names=names)
    if ranked.few:
        yield _("The probes in scope are fewer than {n}: take this as a hint.").format(n=gate.min_probes)


def _rate_words(told: Told) -> Iterator[str]:
    names = ", ".join(entry.label for entry in told.entries if not entry.own_rate)
    if told.rate is not None and names:
        sentence = _(
            "train.learning_rate is {rate:g} for {names}, whatever suits them; NAME:learning_rate=… gives one its own."
        )
        yield sentence.format(rate=told.rate, names=names)


def _harms(rows: Sequence[Row], gate: Gate) -> Iterator[str]:
    leaking = _named(rows, "leaks")
    if leaking:
        margins = f"{gate.leak_margin:.2f} / {gate.drift_margin:.2f}"
        yield _("Leaks or drifts too much (above {margins}): {names}.").format(margins=margins, names=leaking)
    if forgets := _named(rows, "forgets"):
        yield _("Held-out text became too unlikely after {names}.").format(names=forgets)
    if broken := _named(rows, "broken"):
        yield _("Broke off, or writes empty or circling answers: {names}.").format(names=broken)


def _named(rows: Sequence[Row], verdict: str) -> str:
    return ", ".join(said(row.name) for row in rows if row.verdict == verdict)


def columns() -> list[str]:
    """Return the heads of the table."""
    return [
        _("method"), _("gain"), _("leak"), _("drift"), _("gain − leak"), _("held-out loss"), _("steps"), _("seconds"),
        _("tokens trained"), _("tokens generated"), _("verdict"),
    ]  # fmt: skip


def cells(row: Mapping[str, Any]) -> list[str]:
    """Return a row of the table as text."""
    figures = [interval(row["figures"][name]) if name in row["figures"] else "–" for name in FIGURES]
    spent = [f"{row['spent'][name]:,.{int(name == 'seconds')}f}" if name in row["spent"] else "–" for name in SPENT]
    return [said(row["name"]), *figures, *spent, verdict_words(row["verdict"])]


def page(result: Mapping[str, Any]) -> str:
    """Return the comparison as Markdown."""
    parts = [f"# {_('Methods compared')}", _about(result), _lines(result["sentences"])]
    parts += [_table(columns(), [cells(row) for row in result["rows"]])]
    if result["files"]["plane"]:
        parts += [f"![{_('gain against leak')}]({PLANE})"]
    if result["differences"]:
        parts += [f"## {_('Differences from {name}').format(name=result['first'])}", _differences(result)]
    parts += [f"## {_('By comment')}", _by_comment(result)]
    if result["searched"]:
        parts += [f"## {_('The prompt that GEPA found')}", _searched(result["searched"])]
    if result["left_out"]:
        said_out = [f"{said(item['name'])}: {item['reason']}" for item in result["left_out"]]
        parts += [f"## {_('Left out')}", _lines(said_out)]
    if result["learn_with"]:
        parts += [f"## {_('Learn with the best')}", f"    {result['learn_with']}"]
    return "\n\n".join(parts) + "\n"


def _about(result: Mapping[str, Any]) -> str:
    probes = " / ".join(str(result["probes"][scope]) for scope in ("in", "near", "out"))
    first = _("Every method began with the version {parent}, learnt from the same data within {budget}, with {seeds} seeds.")
    second = _("{n} comments were counted on {probes} probes in, near and out of scope. In brackets: 95 % intervals.")
    third = _("Comments and seeds are drawn anew for them.")
    if result["drawn_anew"] == "prompts":
        third = _("Comments are few, so they stay: their prompts and the seeds are drawn anew for them.")
    words = {
        "parent": result["parent"], "budget": budget_words(result["budget"]), "seeds": len(result["seeds"]),
        "n": len(result["comments"]), "probes": probes,
    }  # fmt: skip
    return f"{first} {second} {third}".format(**words)


def _searched(found: Mapping[str, Any]) -> str:
    sentence = _(
        "{calls} answers were judged, {reflector} wrote the texts. On the prompts to learn from: {first:.2f} with the "
        "comments as they are told, {score:.2f} with this text."
    )
    words = {
        "calls": found["calls"],
        "reflector": found["reflector"],
        "first": found["first_score"],
        "score": found["score"],
    }
    quoted = "\n".join(f"> {line}".rstrip() for line in found["text"].splitlines())
    return f"{sentence.format(**words)}\n\n{quoted}"


def _differences(result: Mapping[str, Any]) -> str:
    head = [_("method"), _("figure"), _("difference"), "p"]
    names = dict(zip(FIGURES, columns()[1:], strict=False))
    rows = [
        [said(item["one"]), names[item["metric"]], interval(item["figure"]), f"{item['p']:.3f}"]
        for item in result["differences"]
    ]
    return _table(head, rows)


def _by_comment(result: Mapping[str, Any]) -> str:
    ways = [row["name"] for row in result["rows"]]
    rows = [
        [item["text"], *(_three(item["ways"][name]) for name in ways)]
        for item in result["comments"]
    ]  # fmt: skip
    return f"{_('Gain, leak, drift.')}\n\n{_table([_('comment'), *map(said, ways)], rows)}"


def _three(figures: Mapping[str, float]) -> str:
    return " / ".join(f"{figures[name]:+.2f}" if name in figures else "–" for name in ("gain", "leak", "drift"))


def _lines(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines
    )
