"""The regression that confirms: on answers whose truth is known, and on some without any."""

from __future__ import annotations

import numpy as np
import pytest
from tests.loop.bench.test_figures import score

from sayso.loop.bench import confirming, tables
from sayso.loop.bench.comparing import Table
from sayso.loop.bench.confirming import Answers
from sayso.loop.bench.tiers import SHUFFLED, TIERS
from sayso.records import Outcome, ask, plain


def simulated(seed: int, *, gain: float, spread: float = 0.5, comments: int = 10, prompts: int = 10) -> Answers:
    """Answers whose log-odds rise by `gain` in scope, by the method alone; comments differ in that by `spread`."""
    rng = np.random.default_rng(seed)
    found = []
    for comment in range(comments):
        level, slope, more = rng.normal(-1.5, 1), rng.normal(0, 0.5), rng.normal(gain, spread)
        for place, scope in enumerate(("in", "near", "out")):
            for number in range(prompts):
                ease = rng.normal(0, 0.7)
                for method in (0, 1):
                    odds = level + ease + method * (slope + (more if scope == "in" else 0))
                    held = rng.random() < 1 / (1 + np.exp(-odds))
                    found.append((held, method, scope, comment, (comment * 3 + place) * prompts + number))
    held, method, scope, comment, prompt = (np.array(column) for column in zip(*found, strict=True))
    return Answers(held=held.astype(float), method=method.astype(float), scope=scope, comment=comment, prompt=prompt)


@pytest.mark.parametrize("seed", range(3))
def test_an_effect_that_is_there_is_found_and_is_as_large_as_it_is(seed: int) -> None:
    mean, low, high = confirming.interaction(simulated(seed, gain=2.0))
    assert 0 < low < 2.0 < high
    assert abs(mean - 2.0) < 1.0


@pytest.mark.parametrize("seed", range(3))
def test_where_there_is_no_effect_the_interval_holds_nought(seed: int) -> None:
    _mean, low, high = confirming.interaction(simulated(seed, gain=0.0))
    assert low < 0 < high


@pytest.mark.slow
def test_the_interval_is_as_wide_as_it_should_be_even_where_comments_differ() -> None:
    found = [confirming.interaction(simulated(seed, gain=0.0, spread=1.0)) for seed in range(60)]
    wrong = sum(not low < 0 < high for _mean, low, high in found)
    assert wrong <= 9  # 3 are expected; 10 or more happen once in two thousand times
    spread = np.std([mean for mean, _low, _high in found])
    assert np.mean([(high - low) / 3.92 for _mean, low, high in found]) == pytest.approx(spread, rel=0.35)


def test_the_same_answers_give_the_same_figures() -> None:
    answers = simulated(0, gain=1.0, comments=4, prompts=4)
    assert confirming.interaction(answers) == confirming.interaction(answers)


def outcomes(comment: int, *, inside: int, prompts: int = 8) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(comment_id=f"c{comment}", scope=scope, prompt=ask(f"{comment} {scope} {number}"), before="", after="",
                held_before=False, held_after=number < (inside if scope == "in" else 1))
        for scope in ("in", "near", "out") for number in range(prompts)
    )  # fmt: skip


def table(*, inside: int, other: int, comments: int = 6) -> Table:
    names = (("m", inside), (SHUFFLED.format(method="m"), other))
    scores = [score(name, n, gain=0.0, outcomes=outcomes(n, inside=held)) for name, held in names for n in range(comments)]
    return Table(scores, _tier())


def test_the_table_says_whether_the_confirmation_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    gained = table(inside=7, other=1)
    for p, agrees in ((0.01, True), (0.5, False)):
        (found,) = confirming.confirmations(gained, [_row(p)], ["m"])
        assert (found.shown, found.agrees) == (agrees, agrees)
        assert found.interaction is not None
        assert found.interaction[0] > 1
    (none,) = confirming.confirmations(table(inside=2, other=2), [_row(0.5)], ["m"])
    assert none.agrees
    text = tables._confirmed({"confirmations": [plain(found), plain(none)]})
    assert "| not shown | **no** |" in text
    assert "| not shown | yes |" in text
    monkeypatch.setattr(confirming, "find_spec", lambda _name: None)
    (missing,) = confirming.confirmations(gained, [_row(0.01)], ["m"])
    assert missing.agrees is None
    assert "pip install 'sayso[stats]'" in tables._confirmed({"confirmations": [plain(missing)]})


def test_what_cannot_be_reckoned_says_why() -> None:
    (single,) = confirming.confirmations(table(inside=7, other=1, comments=1), [_row(0.5)], ["m"])
    assert (single.interaction, single.why) == (None, "a single comment")
    scores = [score(name, n, gain=0.0, outcomes=outcomes(n, inside=0)[:8]) for name in ("m", SHUFFLED.format(method="m"))
              for n in range(2)]  # fmt: skip
    (alike,) = confirming.confirmations(Table(scores, _tier()), [_row(0.5)], ["m"])
    assert (alike.agrees, alike.why) == (None, "all answers are alike")


def _tier():  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(TIERS["quick"], drafts=8, draws=200)


def _row(p: float) -> confirming.Row:
    return confirming.Row(
        name="m", kind="method", figures={}, alarms={}, units=1, refused=0, tokens_trained=0, tokens_written=0,
        answers_drawn=0, seconds=0, tests={"gain": p},
    )  # fmt: skip
