"""What became of a comment, and what it is called."""

from __future__ import annotations

import pytest

from sayso.errors import RecordError
from sayso.evaluation.takes import TakeSettings as Settings
from sayso.evaluation.takes import detectable, name, outcomes, rate, take
from sayso.records import Check, Comment, Outcome, Probe, Rate, Scope, TakeName, ask

CHECK = Check(name="excludes", args={"text": "please"})


def politely(text: str) -> bool:
    return "please" not in text


def comment(*scopes: tuple[Scope, int], kind: str = "fix") -> Comment:
    probes = tuple(Probe(prompt=ask(f"{scope} {n}"), scope=scope) for scope, count in scopes for n in range(count))
    return Comment(text="Never say please.", check=CHECK, probes=probes, kind=kind)


def answered(said: Comment, scope: Scope, *, before: int, after: int) -> list[Outcome]:
    """Return outcomes of a scope of which the first `before` held before and the first `after` after."""
    prompts = [probe.prompt for probe in said.probes if probe.scope == scope]
    return [
        Outcome(
            comment_id=said.id, scope=scope, prompt=prompt, before="", after="",
            held_before=number < before, held_after=number < after,
        )
        for number, prompt in enumerate(prompts)
    ]  # fmt: skip


def test_outcomes_pair_the_answers_before_and_after() -> None:
    said = comment(("in", 1), ("near", 1))
    ids = [probe.prompt.id for probe in said.probes]
    found = outcomes(said, politely, {ids[0]: "please go", ids[1]: "go"}, {ids[0]: "go", ids[1]: "go"})
    assert [(item.scope, item.held_before, item.held_after) for item in found] == [("in", False, True), ("near", True, True)]
    assert found[0].before == "please go"
    assert found[0].comment_id == said.id


def test_a_probe_without_an_answer_is_named() -> None:
    said = comment(("in", 1))
    with pytest.raises(RecordError, match=r"'in 0'.*no answer after"):
        outcomes(said, politely, {said.probes[0].prompt.id: "go"}, {})


def test_a_take_counts_each_scope() -> None:
    said = comment(("in", 20), ("near", 10))
    found = take(said, [*answered(said, "in", before=2, after=18), *answered(said, "near", before=1, after=1)])
    assert (found.take, found.text, found.comment_id) == ("took", said.text, said.id)
    assert (found.gain, found.leak, found.drift) == (pytest.approx(0.8), 0.0, None)
    assert found.inside is not None
    assert found.inside.n == 20
    assert 0.5 < found.inside.interval[0] < 0.8 < found.inside.interval[1] < 1


def test_outcomes_of_another_comment_are_passed_over() -> None:
    said, other = comment(("in", 20)), comment(("in", 20), kind="keep")
    assert take(said, answered(other, "in", before=0, after=20)).take == "unmeasured"


def test_no_outcomes_give_no_rate() -> None:
    assert rate([]) is None


def of(before: float, after: float, low: float, high: float) -> Rate:
    return Rate(before=before, after=after, n=30, interval=(low, high))


@pytest.mark.parametrize(
    ("inside", "near", "kind", "called"),
    [
        (of(0.1, 0.7, 0.4, 0.8), None, "fix", "took"),  # a large gain
        (of(0.6, 0.95, 0.1, 0.5), None, "fix", "took"),  # most of what could be gained
        (of(0.1, 0.4, 0.1, 0.5), None, "fix", "partly"),  # sure, but small
        (of(0.1, 0.7, -0.1, 0.9), None, "fix", "partly"),  # large, but on too few probes
        (of(0.1, 0.2, -0.1, 0.3), None, "fix", "not"),
        (of(0.5, 0.2, -0.5, -0.1), None, "fix", "not"),
        (of(0.1, 0.9, 0.6, 0.9), of(0.0, 0.3, 0.1, 0.5), "fix", "spilled"),
        (of(0.1, 0.9, 0.6, 0.9), of(0.0, 0.3, -0.1, 0.6), "fix", "took"),  # a leak that is not shown
        (of(0.1, 0.9, 0.6, 0.9), of(0.0, 0.08, 0.01, 0.2), "fix", "took"),  # a leak that is small
        (of(1.0, 1.0, -0.1, 0.1), None, "fix", "unmeasured"),  # nothing could be gained
        (of(1.0, 1.0, -0.1, 0.1), None, "keep", "took"),
        (of(1.0, 0.6, -0.6, -0.2), None, "keep", "not"),
        (None, None, "fix", "unmeasured"),
    ],
)
def test_a_take_is_named_by_rule(inside: Rate | None, near: Rate | None, kind: str, called: TakeName) -> None:
    assert name(inside, near, None, keep=kind == "keep", settings=Settings()) == called


def test_drift_spills_as_a_leak_does() -> None:
    assert name(of(0.1, 0.9, 0.6, 0.9), None, of(0.0, 0.3, 0.1, 0.5), keep=False, settings=Settings()) == "spilled"


def test_what_probes_can_show_is_known_before_training() -> None:
    many, few = detectable([comment(("in", 100), ("near", 10))])
    assert (many.scope, many.n, few.scope, few.n) == ("in", 100, "near", 10)
    assert many.change < few.change < 1
    assert detectable([comment()])[0].change == 1.0
