"""Results as Markdown: one of them in full, several as one leaderboard, and either put into a page between its marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sayso.errors import RecordError, StoreError
from sayso.loop.workspace import write_whole

BEGIN, END = "<!-- takes: begin -->", "<!-- takes: end -->"
Result = Mapping[str, Any]
_FIGURES = (
    ("gain", "gain"), ("leak", "leak"), ("drift", "drift"), ("selectivity", "gain − leak"),
    ("divergence", "divergence, nats"),
)  # fmt: skip
_READABLE = 24
"""So many differences are read one by one; of more only some are said."""
_SIDES = (("length", "length ×"), ("copying", "copied"), ("distinct", "distinct ×"))


def page(result: Result, *, picture: str = "") -> str:
    """Return everything of one result that is read as tables, and where the picture of the take plane lies, if it does."""
    shown = [f"![gain against leak, a point a condition]({picture})"] if picture else []
    parts = [_about(result), _main(result), *shown, _sides(result)]
    parts += [
        part for part in (_confirmed(result), _needed(result), _at_once(result), _kept(result), _differences(result)) if part
    ]
    return "\n\n".join(parts) + "\n"


def leaderboard(results: Sequence[Result]) -> str:
    """Return a line a result and method, best selectivity first; flagged ones last.

    Raises:
        RecordError: the results are of different suites, and so cannot be compared.
    """
    suites = {result["suite"]["sha256"] for result in results}
    if len(suites) > 1:
        versions = ", ".join(
            sorted({f"{result['suite']['version']} ({result['suite']['sha256'][:8]})" for result in results})
        )
        raise RecordError("the results are of different suites ({versions}); compare those of one", versions=versions)
    found = [(result, row) for result in results for row in result["conditions"] if row["kind"] != "control"]
    found = [(result, row) for result, row in found if "selectivity" in row["figures"]]
    found.sort(key=lambda pair: (pair[1]["verdict"] == "flagged", -pair[1]["figures"]["selectivity"][0]))
    head = ["model", "weights", "tier", "method", *(title for _name, title in _FIGURES), "verdict", "comments × seeds"]
    lines = [
        [_model(result), result["model"]["sha256"]["model"][:8], result["tier"], row["name"],
         *(_figure(row, name) for name, _title in _FIGURES), row["verdict"] or "–",
         f"{result['comments']} × {len(result['seeds'])}"]
        for result, row in found
    ]  # fmt: skip
    return _table(head, lines) + "\n"


def put(text: str, path: Path, *, picture: tuple[Path, str] | None = None) -> None:
    """Put text into a page between its marks, and beside the page a picture.

    Raises:
        RecordError: the page has no such marks.
        StoreError: the page cannot be read or written.
    """
    try:
        before = path.read_text(encoding="utf-8")
        head, begun, rest = before.partition(BEGIN)
        _old, ended, tail = rest.partition(END)
        if not begun or not ended:
            raise RecordError(
                "{path}: no place for the table; expected the lines {begin} and {end}", path=str(path), begin=BEGIN, end=END
            )
        write_whole(path, f"{head}{BEGIN}\n\n{text.strip()}\n\n{END}{tail}")
        if picture:
            write_whole(*picture)
    except OSError as error:
        raise StoreError("{path!r} cannot be written: {reason}", path=str(path), reason=error.strerror) from error


def _model(result: Result) -> str:
    model = result["model"]
    return f"{model['name']} + {model['adapter']}" if model["adapter"] else str(model["name"])


def _about(result: Result) -> str:
    seeds = len(result["seeds"])
    return (
        f"{_model(result)} (weights {result['model']['sha256']['model'][:8]}), tier `{result['tier']}`, suite "
        f"{result['suite']['version']}: {result['comments']} comments × {result['tests']} prompts × 3 scopes × {seeds} "
        f"{'seed' if seeds == 1 else 'seeds'}, {result['drafts']} drafts a comment. In brackets 95 % intervals."
    )


def _main(result: Result) -> str:
    head = ["condition", *(title for _name, title in _FIGURES), "p: gain", "p: leak < .03", "p: drift < .03", "verdict"]
    lines = [
        [row["name"], *(_figure(row, name) for name, _title in _FIGURES),
         *(_p(row["tests"].get(name)) for name in ("gain", "leak", "drift")), _said(row)]
        for row in result["conditions"]
    ]  # fmt: skip
    return _table(head, lines)


def _sides(result: Result) -> str:
    head = ["condition", *(title for _name, title in _SIDES), "alarms", "nothing to learn", "tokens trained",
            "tokens written", "answers drawn", "s"]  # fmt: skip
    lines = [
        [row["name"], *(_plain(row, name) for name, _title in _SIDES), _alarms(row), f"{row['refused']}/{row['units']}",
         f"{row['tokens_trained']:,.0f}", f"{row['tokens_written']:,.0f}", f"{row.get('answers_drawn', 0):,.0f}",
         f"{row['seconds']:.1f}"]
        for row in result["conditions"]
    ]  # fmt: skip
    return f"Beside the gain; tokens and seconds are a comment's.\n\n{_table(head, lines)}"


def _confirmed(result: Result) -> str:
    """Return what the regression says; results made before there was one have none."""
    lines = [
        [each["method"], interval(each["interaction"]) if each["interaction"] else each["why"],
         "shown" if each["shown"] else "not shown", _agrees(each["agrees"])]
        for each in result.get("confirmations", ())
    ]  # fmt: skip
    head = [
        "method against its shuffled comment",
        "method × scope, log-odds in scope less near",
        "gain, test above",
        "agrees",
    ]
    about = "Confirmation by a mixed-effects logistic regression of every answer."
    return f"{about}\n\n{_table(head, lines)}" if lines else ""


def _agrees(value: bool | None) -> str:  # noqa: FBT001  three answers, not a switch
    return "–" if value is None else "yes" if value else "**no**"


def _at_once(result: Result) -> str:
    sides = ("at_once", "alone")
    lines = [
        [each["method"], str(each["size"]), str(each["comments"]), *(f"{each[side]['gain'][0]:+.2f}" for side in sides),
         *(interval(each["change"][name]) for name in ("gain", "leak", "drift")), _alarms(each)]
        for each in result.get("at_once", ())
    ]  # fmt: skip
    head = ["method", "at once", "comments", "gain at once", "gain alone", "change of gain", "of leak", "of drift", "alarms"]
    return f"Several comments, learnt at once.\n\n{_table(head, lines)}" if lines else ""


def _needed(result: Result) -> str:
    lines = []
    for curve in result["curves"]:
        reached = sum(value is not None for value in curve["needed"].values())
        points = ", ".join(f"{n}: {gain:+.2f}" for n, gain in zip(curve["points"], curve["gain"], strict=True))
        most = curve["points"][-1]
        lines.append([curve["method"], points, _median(curve["median_gain"], most), _median(curve["median"], most),
                      f"{reached}/{len(curve['needed'])}"])  # fmt: skip
    head = ["method", "gain by drafts", "N80, gain alone", "N80", "reached it"]
    races = [f"{each['one']} against {each['other']}: p = {_p(each['p'])}" for each in result["race"]]
    found = f"Drafts needed (median by Kaplan and Meier).\n\n{_table(head, lines)}"
    return "\n\n".join([found, *(["Log-rank: " + "; ".join(races) + "."] if races else [])]) if lines else ""


def _median(value: float | None, most: int) -> str:
    return f"> {most}" if value is None else f"{value:g}"


def _kept(result: Result) -> str:
    lines = [
        [each["method"], interval(each["earlier"]), f"{each['share']:.2f}",
         " → ".join(f"{row[0]:+.2f}" for row in each["interference"])]
        for each in result["kept"]
    ]  # fmt: skip
    head = [
        "method",
        "earlier comments, change to the end",
        "share of their gain kept",
        "gain of the first, lesson by lesson",
    ]
    return f"Several comments, one after another.\n\n{_table(head, lines)}" if lines else ""


def _differences(result: Result) -> str:
    """Return what was compared, of many methods what the best one was compared with and what the guard does."""
    every, about = result["differences"], "Differences by comment."
    told = every
    if len(every) > _READABLE and (best := _best(result)):
        told = [
            each for each in every if best in (each["one"], each["other"]) or each["one"].startswith(f"{each['other']},")
        ]
        about = f"Differences by comment from `{best}`, and of the guard; those of every pair are in `result.json`."
    head = ["one", "other", "of", "one − other", "p"]
    lines = [
        [each["one"], each["other"], each["metric"], interval(each["figure"]), _p(each["p"])]
        for each in told
    ]  # fmt: skip
    return f"{about}\n\n{_table(head, lines)}" if lines else ""


def _best(result: Result) -> str | None:
    """Return the method that gains most, without an alarm that counts."""
    taught = [
        row for row in result["conditions"]
        if row["kind"] == "method" and row["verdict"] != "flagged"
        and "," not in row["name"]  # with a comma: a variant of a method
    ]  # fmt: skip
    return max(taught, key=lambda row: row["figures"]["gain"][0], default={"name": None})["name"]


def _said(row: Mapping[str, Any]) -> str:
    return f"**{row['verdict']}**" if row["verdict"] in ("takes", "flagged") else row["verdict"] or "–"


def _alarms(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {count}/{row['units']}" for name, count in sorted(row["alarms"].items())) or "–"


def _figure(row: Mapping[str, Any], name: str) -> str:
    return interval(row["figures"][name]) if name in row["figures"] else "–"


def _plain(row: Mapping[str, Any], name: str) -> str:
    return interval(row["figures"][name], sign="") if name in row["figures"] else "–"


def interval(figure: Sequence[float | None], *, sign: str = "+") -> str:
    """Return a mean with its interval; question marks where a single comment gives none."""
    mean, low, high = ("?" if value is None else f"{value:{sign}.2f}" for value in figure)
    return f"{mean} [{low}, {high}]"


def _p(value: float | None) -> str:
    return "–" if value is None else "< .001" if value < 0.001 else f"{value:.3f}"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
