"""From outcomes to figures and words: who is best, who ties, who leaks; on few comments and on many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from sayso.evaluation.settings import Gate
from sayso.loop.compare import comparison, ranking, standings
from sayso.loop.compare.standings import Shown, Standings
from sayso.records import Message, Outcome, Prompt, Scope

GATE = Gate(draws=2000)
N = 30
Rates = Mapping[Scope, float]


def outcomes(rates: Rates, *, comments: int = 2, shift: int = 0, words: str = "fine") -> tuple[Outcome, ...]:
    """Give outcomes that never held before, and after hold on a share of the probes of each comment and scope."""
    found = []
    for comment in range(comments):
        for scope, rate in rates.items():
            for number in range(N):
                held = (number + shift) % N < round(rate * N)
                prompt = Prompt(messages=(Message(role="user", content=f"{comment} {scope} {number}?"),))
                found.append(
                    Outcome(
                        comment_id=f"c{comment}", scope=scope, prompt=prompt, before="well then", held_before=False,
                        after=words, held_after=held,
                    )
                )  # fmt: skip
    return tuple(found)


def shown(label: str, *rates: Rates, kind: str = "method", comments: int = 2, **more: object) -> Shown:
    """Give a way with these rates, one mapping a seed."""
    found = {seed: outcomes(each, comments=comments, shift=seed) for seed, each in enumerate(rates)}
    return Shown(label=label, kind=kind, outcomes=found, **more)  # type: ignore[arg-type]


GOOD: Rates = {"in": 0.9, "near": 0.0, "out": 0.0}
POOR: Rates = {"in": 0.2, "near": 0.0, "out": 0.0}
LEAKY: Rates = {"in": 1.0, "near": 0.5, "out": 0.0}
NONE: Rates = {"in": 0.0, "near": 0.0, "out": 0.0}


def ranked(some: Sequence[Shown], gate: Gate = GATE) -> tuple[list[standings.Row], ranking.Ranked]:
    measured = Standings(some, gate, loss_before=1.0)
    rows = measured.rows()
    return rows, ranking.rank(measured, rows)


def test_the_best_takes_without_harm_and_a_tie_is_said_to_be_one():
    rows, found = ranked([
        shown("a", GOOD, GOOD), shown("b", {**GOOD, "in": 0.87}, {**GOOD, "in": 0.9}), shown("c", POOR, POOR),
        shown("d", LEAKY, LEAKY), shown("e", NONE, NONE),
    ])  # fmt: skip
    assert [row.verdict for row in rows] == ["takes", "takes", "takes", "leaks", "no gain"]
    assert (found.best, found.ties, found.worse, found.metric) == ("a", ("b",), ("c",), "selectivity")
    said = " ".join(comparison.sentences(rows, found, GATE))
    for part in ("Best by gain less leak: a", "(a tie): b.", "worse: c.", "above 0.10 / 0.10): d.", "shown for e."):
        assert part in said


def test_figures_are_means_over_comments_and_seeds():
    rows, _found = ranked([shown("a", GOOD, {**GOOD, "in": 0.7})])
    mean, low, high = rows[0].figures["gain"]
    assert mean == pytest.approx(0.8)
    assert low < 0.75
    assert high > 0.85
    assert rows[0].figures["selectivity"][0] == pytest.approx(0.8)


def test_where_nothing_moved_the_interval_is_still_that_of_its_counts():
    rows, _found = ranked([shown("a", NONE, NONE)])
    _mean, low, high = rows[0].figures["leak"]
    assert low == pytest.approx(-high)
    assert 0.03 < high < 0.1  # 60 probes: z² / (n + z²)


def test_a_difference_is_paired():
    one, other = shown("a", GOOD, GOOD), shown("b", {**GOOD, "in": 0.8}, {**GOOD, "in": 0.8})
    measured = Standings([one, other], GATE, loss_before=1.0)
    found = measured.difference("b", "a", "gain")
    assert found is not None
    (mean, low, high), p = found
    assert mean == pytest.approx(-0.1)
    alone = measured.rows()[1].figures["gain"]
    assert high - low < 1.5 * (alone[2] - alone[1])
    assert high < 0
    assert p < 0.05


def test_many_comments_are_drawn_anew_and_few_stay():
    uneven = [outcomes(GOOD, comments=6), outcomes(NONE, comments=12)[len(outcomes(GOOD, comments=6)) :]]
    some = Shown(label="a", kind="method", outcomes={0: tuple(item for part in uneven for item in part)})
    many = Standings([some], GATE, loss_before=None)
    few = Standings([some], Gate(draws=2000, many_comments=20), loss_before=None)
    assert (many.many, few.many) == (True, False)
    (mean, low, high), (same, lowest, highest) = many.rows()[0].figures["gain"], few.rows()[0].figures["gain"]
    assert mean == pytest.approx(same)
    assert high - low > 2 * (highest - lowest)  # half of the comments gained: another choice of comments could differ much


def test_untrained_ways_that_do_as_well_are_named():
    rows, found = ranked([
        shown("a", POOR, POOR), shown("as it is", NONE, NONE, kind="untrained", parent=True),
        shown("in the prompt", GOOD, GOOD, kind="untrained"),
    ])  # fmt: skip
    assert (found.best, found.better_untrained) == ("a", ("in the prompt",))
    assert rows[1].figures["gain"] == (0.0, 0.0, 0.0)
    assert rows[1].verdict == ""
    assert "Without any training as good or better: in the prompt." in list(comparison.sentences(rows, found, GATE))


def test_a_broken_a_forgetful_and_a_circling_model_are_never_best():
    circling = Shown(label="circling", kind="method", outcomes={seed: outcomes(GOOD, words="so " * 20) for seed in (0, 1)})
    rows, found = ranked([
        shown("broken", GOOD, GOOD, diverged="the loss is nan"), circling,
        shown("forgets", GOOD, GOOD, heldout={0: 0.2, 1: 0.3}), shown("keeps", POOR, POOR, heldout={0: 0.01, 1: -0.01}),
    ])  # fmt: skip
    assert [row.verdict for row in rows] == ["broken", "broken", "forgets", "takes"]
    assert found.best == "keeps"
    said = " ".join(comparison.sentences(rows, found, GATE))
    assert "circling answers: broken, circling." in said
    assert "unlikely after forgets." in said


def test_without_near_probes_methods_are_ranked_by_gain():
    rows, found = ranked([shown("a", {"in": 0.9}, {"in": 0.9})])
    assert set(rows[0].figures) == {"gain"}
    assert (found.best, found.metric) == ("a", "gain")


def test_few_probes_make_it_a_hint():
    few = tuple(item for item in outcomes(GOOD, comments=1) if item.prompt.text.endswith((" 0?", " 1?", " 2?")))
    rows, found = ranked([Shown(label="a", kind="method", outcomes={0: few})])
    assert found.few
    assert any("fewer than 10" in said for said in comparison.sentences(rows, found, GATE))


def test_held_out_loss_varies_with_the_seed_alone():
    (mean, low, high), p = standings.by_seed(np.array([0.1, 0.2, 0.3]))
    assert mean == pytest.approx(0.2)
    assert (low, high) == pytest.approx((0.2 - 4.30265 * 0.1 / 3**0.5, 0.2 + 4.30265 * 0.1 / 3**0.5), abs=1e-4)
    assert p == pytest.approx(0.0742, abs=1e-3)  # t = 3.4641 on two degrees of freedom
    assert standings.by_seed(np.array([0.1])) == ((0.1, None, None), 1.0)
