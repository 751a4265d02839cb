"""The gate's verdicts, one by one and by simulation."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmarks.gate import HARM, NULL, TRUE, Design, simulate

from sayso import i18n
from sayso.evaluation import findings, gate
from sayso.evaluation.gate import EXIT_CODES, Gate, decide, say
from sayso.evaluation.takes import take
from sayso.records import Comment, Finding, Heldout, Outcome, Scope, Verdict, ask
from sayso.store.bodies import decode, encode

GATE = Gate(draws=2000)


def found(
    scope: Scope,
    *,
    gained: int = 0,
    lost: int = 0,
    held: int = 0,
    rest: int = 0,
    comment: str = "c",
    words: str = "an answer",
) -> list[Outcome]:
    """Return outcomes by kind: held only after, only before, on both sides, on neither."""
    kinds = [(False, True)] * gained + [(True, False)] * lost + [(True, True)] * held + [(False, False)] * rest
    return [
        Outcome(
            comment_id=comment, scope=scope, prompt=ask(f"{comment} {scope} {number}"), before="an answer", after=words,
            held_before=before, held_after=after,
        )
        for number, (before, after) in enumerate(kinds)
    ]  # fmt: skip


GOOD = [*found("in", gained=60, held=20, rest=20), *found("near", rest=60), *found("out", rest=60)]


def judge(outcomes: list[Outcome], heldout: Heldout | None = None) -> Verdict:
    return decide((), outcomes, heldout, GATE, seed=0)


def finding(verdict: Verdict, name: str) -> Finding:
    return next(item for item in verdict.findings if item.name == name)


def test_a_clear_gain_without_harm_is_promoted() -> None:
    verdict = judge(GOOD, Heldout(loss_before=2.0, loss_after=2.01, tokens=5000))
    assert verdict.verdict == "promote"
    assert verdict.needed == 0
    assert "+60.0 points" in verdict.reason
    assert {item.name: item.passed for item in verdict.findings} == dict.fromkeys(
        ("gain", "leak", "drift", "heldout", "length", "copying", "repetition"), True
    )


def test_a_promotion_says_what_was_not_measured() -> None:
    verdict = judge(found("in", gained=60, rest=40))
    assert verdict.verdict == "promote"
    assert "not measured: leak, drift, held-out loss" in verdict.reason


def test_a_gain_that_cannot_be_told_from_chance_is_unsure_and_says_how_many_probes_are_missing() -> None:
    verdict = judge([*found("in", gained=8, lost=4, rest=28), *found("near", rest=60), *found("out", rest=60)])
    assert verdict.verdict == "unsure"
    assert verdict.needed > 40
    assert str(verdict.needed) in verdict.reason


def test_no_handful_is_asked_for_that_would_decide_nothing() -> None:
    for rest in range(20, 26):
        verdict = judge([*found("in", gained=60, rest=40), *found("near", rest=rest)])
        assert verdict.verdict == "promote" or verdict.needed >= 10
    asked = judge([*found("in", gained=60, rest=40), *found("near", rest=24)])
    assert asked.reason.endswith(f"more probes near the scope that would decide it: about {asked.needed}.")


def test_a_comment_with_nothing_to_gain_does_not_dilute_the_gain_of_the_others() -> None:
    taught = found("in", gained=14, lost=1, rest=15, comment="taught")
    full = [item for number in range(6) for item in found("in", held=40, comment=f"full {number}")]
    alone, together = judge(taught), judge([*taught, *full])
    assert alone.verdict == together.verdict == "promote"
    assert finding(together, "gain").n == 30
    assert finding(together, "gain").interval == finding(alone, "gain").interval
    assert "held before and after: 6" in together.reason


def test_a_comment_that_held_and_fell_is_a_harm() -> None:
    taught = found("in", gained=60, rest=40, comment="taught")
    fallen = found("in", lost=20, held=30, comment="fallen")
    verdict = judge([*taught, *fallen])
    assert verdict.verdict == "refuse"
    assert "lost most" in verdict.reason
    assert finding(verdict, "gain").n == 150


def test_where_every_check_held_already_the_reason_says_that_nothing_could_be_gained() -> None:
    verdict = judge([*found("in", held=60), *found("near", rest=60)])
    assert (verdict.verdict, verdict.needed) == ("unsure", GATE.min_probes)
    assert "held before training already" in verdict.reason


def test_a_gain_that_matters_but_is_excluded_is_refused() -> None:
    verdict = judge([*found("in", gained=3, lost=3, rest=294), *found("near", rest=60), *found("out", rest=60)])
    assert verdict.verdict == "refuse"
    assert "excluded" in verdict.reason


def test_a_leak_that_is_shown_refuses_the_best_gain() -> None:
    verdict = judge([*found("in", gained=90, rest=10), *found("near", gained=40, rest=60), *found("out", rest=60)])
    assert verdict.verdict == "refuse"
    assert finding(verdict, "leak").passed is False


def test_drift_that_is_shown_refuses_too() -> None:
    verdict = judge([*found("in", gained=90, rest=10), *found("near", rest=60), *found("out", gained=40, rest=60)])
    assert verdict.verdict == "refuse"
    assert finding(verdict, "drift").passed is False


def test_too_few_near_probes_are_unsure_and_the_number_asked_for_is_enough() -> None:
    inside = found("in", gained=60, rest=40)
    verdict = judge([*inside, *found("near", rest=10)])
    assert verdict.verdict == "unsure"
    assert finding(verdict, "leak").passed is None
    assert judge([*inside, *found("near", rest=10 + verdict.needed)]).verdict == "promote"


def test_few_probes_are_unsure_whatever_they_say() -> None:
    assert judge(found("in", gained=9)).verdict == "unsure"
    assert judge(found("in", gained=12)).verdict == "promote"


def test_nothing_to_count_is_unsure() -> None:
    verdict = judge([])
    assert (verdict.verdict, verdict.needed) == ("unsure", GATE.min_probes)


@pytest.mark.parametrize(
    ("loss_after", "tokens", "verdict"),
    [(2.05, 5000, "promote"), (2.3, 5000, "refuse"), (2.3, 50, "unsure"), (2.05, 50, "promote")],
)
def test_heldout_loss_above_its_margin_refuses_when_there_is_enough_of_it(
    loss_after: float, tokens: int, verdict: str
) -> None:
    assert judge(GOOD, Heldout(loss_before=2.0, loss_after=loss_after, tokens=tokens)).verdict == verdict


def test_a_small_rise_of_a_loss_near_zero_is_no_harm() -> None:
    assert judge(GOOD, Heldout(loss_before=0.05, loss_after=0.06, tokens=5000)).verdict == "promote"


def test_copying_the_comment_refuses() -> None:
    assert judge(GOOD, Heldout(loss_before=2, loss_after=2, tokens=5000, copying=0.3)).verdict == "refuse"
    assert judge(GOOD, Heldout(loss_before=2, loss_after=2, tokens=5000, copying=0.02)).verdict == "promote"


@pytest.mark.parametrize(("words", "verdict"), [("one two three four five six", "refuse"), ("an answer.", "promote")])
def test_answers_out_of_scope_that_grow_threefold_refuse(words: str, verdict: str) -> None:
    outcomes = [item for item in GOOD if item.scope != "out"] + found("out", rest=60, words=words)
    assert judge(outcomes).verdict == verdict


def test_empty_answers_refuse() -> None:
    outcomes = [replace(item, after="") if item.scope == "near" else item for item in GOOD]
    verdict = judge(outcomes)
    assert verdict.verdict == "refuse"
    assert finding(verdict, "repetition").passed is False


def test_one_comment_that_spills_is_not_hidden_among_many() -> None:
    outcomes = []
    for number in range(12):
        outcomes += found("in", gained=20, rest=10, comment=f"c{number}")
        outcomes += found("near", gained=20 if number == 5 else 0, rest=10 if number == 5 else 30, comment=f"c{number}")
    said = Comment(id="c5", text="Never say please.")
    verdict = decide([take(said, outcomes)], outcomes, None, GATE, seed=0)
    assert finding(verdict, "leak").passed is not False
    assert verdict.verdict == "refuse"
    assert "“Never say please.” spilled most" in verdict.reason


def test_wordings_of_one_thing_count_as_little_more_than_one_probe() -> None:
    outcomes = found("in", gained=16, rest=24)
    families = [replace(item, prompt=replace(item.prompt, family=f"f{number // 8}")) for number, item in enumerate(outcomes)]
    assert judge(outcomes).verdict == "promote"
    assert judge(families).verdict == "unsure"


def test_the_same_seed_gives_the_same_verdict() -> None:
    assert judge(GOOD) == judge(GOOD)


def test_every_verdict_has_its_exit_code() -> None:
    assert EXIT_CODES == {"promote": 0, "refuse": 3, "unsure": 4}


VERDICTS = [
    judge(GOOD),
    judge(found("in", gained=60, rest=40)),
    judge([]),
    judge([*found("in", gained=8, lost=4, rest=28), *found("near", rest=60)]),
    judge([*found("in", gained=3, lost=3, rest=294)]),
    judge([*found("in", gained=90, rest=10), *found("near", gained=40, rest=60)]),
    judge(found("in", held=60)),
    judge([*found("in", gained=60, rest=40), *found("in", held=40, comment="full")]),
]


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: verdict.verdict)
def test_a_kept_verdict_is_said_again_in_the_users_language(verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = decode(Verdict, encode(verdict))
    i18n.use("en")
    try:
        assert say(kept) == verdict.reason
    finally:
        i18n.use(None)
    for module in (findings, gate):
        monkeypatch.setattr(module, "gettext", lambda message: f"[{message}]")
    said = say(kept)
    assert said.startswith(f"[{verdict.template[:6]}")
    assert "{" not in said
    assert said.count("[") > 1 or "{finding}" not in verdict.template


def test_a_verdict_of_unknown_making_is_said_as_it_is() -> None:
    assert say(Verdict(verdict="refuse", reason="because")) == "because"


@pytest.mark.parametrize("design", [NULL[1], NULL[4], NULL[8]], ids=lambda design: design.name)
def test_a_difference_that_is_not_there_is_seldom_promoted(design: Design) -> None:
    # 200 rounds at a true rate of at most 2.5 %: 14 or more would be a chance of one in a thousand.
    assert simulate(design, rounds=200, seed=1, gate=Gate(draws=1000))["promote"] <= 13


@pytest.mark.parametrize("design", TRUE[1:3], ids=lambda design: design.name)
def test_a_gain_of_twenty_points_is_mostly_promoted(design: Design) -> None:
    assert simulate(design, rounds=100, seed=1, gate=Gate(draws=1000))["promote"] >= 80


@pytest.mark.slow
@pytest.mark.parametrize("design", NULL, ids=lambda design: design.name)
def test_at_most_five_percent_of_a_thousand_rounds_without_difference_are_promoted(design: Design) -> None:
    assert simulate(design, rounds=1000, seed=0, gate=Gate(draws=1000))["promote"] <= 50


@pytest.mark.slow
@pytest.mark.parametrize("design", TRUE, ids=lambda design: design.name)
def test_at_least_eighty_percent_of_a_thousand_rounds_with_twenty_points_are_promoted(design: Design) -> None:
    assert simulate(design, rounds=1000, seed=0, gate=Gate(draws=1000))["promote"] >= 800


@pytest.mark.slow
def test_a_leak_at_its_margin_is_seldom_promoted_and_a_large_one_never() -> None:
    assert simulate(HARM[0], rounds=300, seed=0, gate=GATE)["promote"] == 0
    assert simulate(HARM[1], rounds=1000, seed=0, gate=GATE)["promote"] <= 60


@pytest.mark.slow
def test_the_probes_asked_for_decide_most_rounds() -> None:
    """Unsure at 60 probes of a true gain of 15 points; with what the gate asks for it is decided in most rounds."""
    design = Design(name="", comments=1, probes=60, before=0.4, gain=0.15, side=0.0)
    verdict = judge([*found("in", gained=19, lost=10, held=15, rest=16), *found("near", rest=60), *found("out", rest=60)])
    assert verdict.verdict == "unsure"
    larger = replace(design, probes=60 + verdict.needed)
    assert simulate(larger, rounds=200, seed=0, gate=GATE)["unsure"] <= 60
