"""From answers to figures, alarms and tests, on answers that are made up."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from tests.loop.bench.conftest import KNOWN, TIER

from sayso.batches import row
from sayso.errors import NotFoundError, RecordError
from sayso.loop.bench import comparing, curves, memory, results, scoring, tables, teaching
from sayso.loop.bench.scoring import Score
from sayso.loop.bench.tiers import GUARD_OFF, SHUFFLED, Condition, conditions

ITEM = KNOWN.items[0]  # starts with "Update:"
PLAIN = ["The soup is ready and it is very good.", "We all go to the lake on Sunday morning."]
TIERS = replace(TIER, tests=2, draws=2000, drafts=8, curve=(2, 4, 8))


def scored(after: dict[str, list[str]], **record: Any) -> Score:
    before = {"in": PLAIN, "near": PLAIN, "out": PLAIN}
    return scoring._score(ITEM, before, {"answers": after, **record}, TIERS, ("x", 0, 8))


def score(name: str, item: int, *, gain: float, leak: float = 0.0, alarms: tuple[str, ...] = (), **more: Any) -> Score:
    values = dict.fromkeys(scoring.METRICS, 0.0) | {"gain": gain, "leak": leak, "selectivity": gain - leak}
    given = {"seed": 0, "drafts": 8, "counts": (0, round(20 * gain), 20), "outcomes": ()} | more
    return Score(
        condition=name, item=f"c{item}", values=values, alarms=alarms, refused="", tokens_trained=10, tokens_written=5,
        answers_drawn=0, seconds=1.0, **given,
    )  # fmt: skip


def test_of_many_differences_those_from_the_best_method_and_of_the_guard_are_read():
    names = [*"abcdefg"]
    gains = {name: (place / 10, 0.0, 1.0) for place, name in enumerate(names)}
    rows = [{"name": name, "kind": "method", "verdict": "spills", "figures": {"gain": gain}} for name, gain in gains.items()]
    rows += [{**rows[-1], "name": "h", "verdict": "flagged"}, {**rows[-1], "name": "a, guard off"}]
    pairs = [*combinations(names, 2), ("a, guard off", "a"), ("a, guard off", "b")]
    every = [{"one": one, "other": other, "metric": "gain", "figure": (0.1, 0.0, 0.2), "p": 0.5} for one, other in pairs]
    few, many = (tables._differences({"conditions": rows, "differences": some}) for some in (every[:10], every * 2))
    assert len(few.splitlines()) == 2 + 2 + 10
    said = {tuple(cell.strip() for cell in line.split("|")[1:3]) for line in many.splitlines()[4:]}
    assert said == {*((name, "g") for name in "abcdef"), ("a, guard off", "a")}
    assert "from `g`" in many


def test_gain_leak_and_drift_are_changes_in_their_scopes() -> None:
    said = [f"Update: {text}" for text in PLAIN]
    found = scored({"in": said, "near": [said[0], PLAIN[1]], "out": PLAIN}, divergence=0.1)
    assert (found.values["gain"], found.values["leak"], found.values["drift"]) == (1.0, 0.5, 0.0)
    assert found.values["selectivity"] == 0.5
    assert found.counts == (0, 2, 2)
    assert found.alarms == ()
    assert found.values["length"] == pytest.approx((len(PLAIN[0].split()) + 1 + 3 * 9 - 9 + 9) / (4 * 9), abs=0.1)


@pytest.mark.parametrize(
    ("after", "record", "alarm"),
    [
        (PLAIN, {"divergence": 0.51}, "utility"),
        (PLAIN, {"divergence": float("nan")}, "utility"),
        (PLAIN, {"divergence": 0.0, "diverged": "not finite"}, "utility"),
        (["Yes."] * 2, {"divergence": 0.0}, "length"),
        ([" ".join(PLAIN * 2)] * 2, {"divergence": 0.0}, "length"),
        (["", PLAIN[1]], {"divergence": 0.0}, "babble"),
        (["the soup " * 8, PLAIN[1]], {"divergence": 0.0}, "babble"),
        (["the the the the the the the the"] * 2, {"divergence": 0.0}, "monotony"),
    ],
)
def test_a_broken_model_rings_an_alarm_whatever_it_gained(after: list[str], record: dict[str, Any], alarm: str) -> None:
    said = [f"Update: {text}" for text in PLAIN]
    found = scored({"in": said, "near": after, "out": after}, **record)
    assert found.values["gain"] == 1.0
    assert alarm in found.alarms


def test_a_short_answer_in_scope_alone_is_what_a_comment_may_ask_for() -> None:
    short = [" ".join(text.split()[:3]) for text in PLAIN]
    assert scored({"in": short, "near": PLAIN, "out": PLAIN}, divergence=0.0).alarms == ()


def test_distinct_pairs_are_counted_by_hand() -> None:
    assert scoring.distinct(["a b a b"]) == pytest.approx(2 / 3)
    assert scoring.distinct([""]) == 0.0


def two_sides(gains: list[float], shuffled: list[float], **more: Any) -> list[Score]:
    real = [score("m", number, gain=gain, **more) for number, gain in enumerate(gains)]
    return real + [score(SHUFFLED.format(method="m"), number, gain=gain) for number, gain in enumerate(shuffled)]


def row_of(scores: list[Score], name: str = "m") -> comparing.Row:
    found = [Condition(name="m", method="m"), Condition(name=SHUFFLED.format(method="m"), method="m", refinements="other")]
    return next(row for row in comparing.rows(comparing.Table(scores, TIERS), found, ["m"]) if row.name == name)


def test_a_method_that_gains_and_does_not_leak_takes() -> None:
    row = row_of(two_sides([0.9, 0.7, 1.0, 0.8, 0.9, 0.6], [0.0, 0.1, 0.0, 0.0, 0.0, 0.0]))
    assert row.verdict == "takes"
    assert row.tests["gain"] < 0.05
    assert row.figures["gain"][0] == pytest.approx(4.9 / 6)


def test_a_method_that_gains_from_another_comment_as_well_has_gained_nothing() -> None:
    assert row_of(two_sides([0.9, 0.7, 0.8, 0.9], [0.9, 0.8, 0.7, 0.9])).verdict == "no gain"


def test_a_leak_that_is_not_shown_to_be_small_spills() -> None:
    assert row_of(two_sides([0.9, 0.7, 1.0, 0.8, 0.9, 0.6], [0.0] * 6, leak=0.1)).verdict == "spills"


def test_a_method_that_breaks_the_model_is_flagged_and_not_praised() -> None:
    broken = row_of(two_sides([1.0] * 6, [0.0] * 6, alarms=("utility", "length")))
    assert broken.verdict == "flagged"
    assert broken.alarms == {"utility": 6, "length": 6}
    result = {"conditions": [json.loads(json.dumps({**vars_of(broken), "name": "m"}))]}
    assert "**flagged**" in tables._main(result)


def vars_of(row: comparing.Row) -> dict[str, Any]:
    from sayso.records import plain

    return dict(plain(row))


def test_a_control_is_never_praised() -> None:
    row = row_of(two_sides([0.9] * 6, [0.9] * 6), SHUFFLED.format(method="m"))
    assert (row.kind, row.verdict, row.tests) == ("control", "control", {})


def test_p_values_are_holms_over_the_methods() -> None:
    scores = two_sides([0.3, 0.1, 0.4, 0.0, 0.3], [0.1, 0.2, 0.0, 0.1, 0.1])
    both = [*scores, *(replace(each, condition=each.condition.replace("m", "n", 1)) for each in scores)]
    named = list(conditions(("m", "n"), "shuffled"))
    table = comparing.Table(both, TIERS)
    alone = row_of(scores).tests["gain"]
    found = {row.name: row for row in comparing.rows(table, named, ["m", "n"])}
    assert found["m"].tests["gain"] == pytest.approx(min(1.0, 2 * alone))
    apart = {row.name: row for row in comparing.rows(table, named, ["m"])}
    assert apart["m"].tests["gain"] == pytest.approx(alone)


def test_the_guard_is_compared_with_its_absence_by_comment() -> None:
    off = GUARD_OFF.format(method="m")
    scores = [score("m", n, gain=0.8, leak=0.05) for n in range(6)]
    scores += [score(off, n, gain=0.9, leak=0.4 + 0.05 * n) for n in range(6)]
    found = {each.metric: each for each in comparing.differences(comparing.Table(scores, TIERS), ["m"]) if each.one == off}
    assert found["leak"].p < 0.05
    assert found["leak"].figure[0] == pytest.approx(0.475)


def test_drafts_needed_are_the_least_with_a_sure_gain_and_no_leak() -> None:
    scores = [score("in context", n, gain=0.9, drafts=0) for n in range(3)]
    for item, gains in enumerate(([0.1, 1.0, 1.0], [0.1, 0.4, 1.0], [0.0, 0.1, 0.3])):
        scores += [score("m", item, gain=gain, drafts=n) for n, gain in zip((2, 4, 8), gains, strict=True)]
    found = curves.curves(scores, ["m"], TIERS)[0]
    assert found.needed == {"c0": 4, "c1": 8, "c2": None}
    assert found.median == 8
    assert found.gain == pytest.approx((0.2 / 3, 0.5, 2.3 / 3))
    leaking = [replace(each, values={**each.values, "leak": 0.05}) for each in scores]
    spoilt = curves.curves(leaking, ["m"], TIERS)[0]
    assert set(spoilt.needed.values()) == {None}
    assert (spoilt.median, spoilt.median_gain) == (None, 8)


def test_what_is_kept_of_earlier_comments_is_counted_to_the_end() -> None:
    record = {"items": ["a", "b", "c"], "rates": [[0.9], [0.7, 1.0], [0.5, 1.0, 0.8]], "tokens_trained": 30, "seconds": 6.0}
    before = {"a": 0.1, "b": 0.0, "c": 0.0}
    found = curves.kept({"m": [record]}, before, TIERS)[0]
    assert found.earlier[0] == pytest.approx((-0.4 + 0.0) / 2)
    assert found.share == pytest.approx((0.4 + 1.0) / (0.8 + 1.0))
    assert [len(row) for row in found.interference] == [1, 2, 3]
    assert found.seconds == 2.0


def test_memory_finds_the_prompt_most_like_another() -> None:
    known = ["Write a note to my boss about the soup.", "Tell my coach about the race in a letter."]
    assert memory.nearest(known, ["A letter to my coach on the race.", "A note about soup."]) == [1, 0]


def test_only_the_first_method_has_every_control_in_a_quick_tier() -> None:
    names = [condition.name for condition in conditions(("a", "b"), "first")]
    assert sum(name.startswith("a") for name in names) == 7
    assert [name for name in names if name.startswith("b")] == ["b", "b, shuffled comment"]
    assert len(list(conditions(("a", "b"), "all"))) == 15


def result(model: str, selectivity: float, verdict: str = "takes", sha: str = "s") -> dict[str, Any]:
    row = {"name": "m", "kind": "method", "verdict": verdict, "figures": {"selectivity": [selectivity, 0.0, 1.0]}}
    return {
        "format": results.FORMAT, "suite": {"version": "1", "sha256": sha}, "tier": "quick", "comments": 2, "seeds": [0],
        "model": {"name": model, "adapter": "", "sha256": {"model": "0123456789"}}, "conditions": [row],
    }  # fmt: skip


def test_the_leaderboard_puts_the_flagged_last_and_the_best_first() -> None:
    text = tables.leaderboard([result("low", 0.2), result("broken", 0.9, "flagged"), result("high", 0.5)])
    assert [line.split(" | ")[0].strip("| ") for line in text.splitlines()[2:]] == ["high", "low", "broken"]


def test_results_of_different_suites_are_not_compared() -> None:
    with pytest.raises(RecordError, match="different suites"):
        tables.leaderboard([result("a", 0.1), result("b", 0.2, sha="t")])


def test_a_table_is_put_between_its_marks_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n", encoding="utf-8")
    for _again in range(2):
        tables.put("| new |\n", page)
        assert page.read_text(encoding="utf-8") == f"before\n{tables.BEGIN}\n\n| new |\n\n{tables.END}\nafter\n"
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(RecordError, match="no place for the table"):
        tables.put("x", page)


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no result"):
        results.load(tmp_path)
    path = tmp_path / results.RESULT
    for text, said in (("{", "not JSON"), ('{"format": "other"}', "format is 'other'"), ("[]", "format is 'list'")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(RecordError, match=said):
            results.load(tmp_path)


@pytest.mark.parametrize(
    ("count", "group", "groups", "want"), [(1, 1, 8, 8), (26, 1, 8, 32), (8, 1, 8, 8), (6, 2, 4, 8), (0, 1, 8, 0)]
)
def test_every_step_is_filled(count: int, group: int, groups: int, want: int) -> None:
    rows = [row([number], [number]) for number in range(count)]
    found = teaching.filled(rows, group=group, groups=groups)
    assert len(found) == want
    assert found[:count] == rows
    assert all(found[n : n + group] in [rows[m : m + group] for m in range(0, count, group)] for n in range(0, want, group))
