"""Agreement on spans, character by character: numbers worked out by hand, and counting letters one by one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.evaluation import agreement
from sayso.evaluation.agreement import Rating, alpha
from sayso.evaluation.overlap import Marking, on_spans


def mark(unit: str, rater: str, *spans: tuple[int, int], length: int = 20) -> Marking:
    return Marking(unit=unit, rater=rater, spans=spans, length=length)


# Ada marks characters 0-9, Bo 5-14: five in common, ten each; on the second response both mark the same four.
HALF = [mark("1", "Ada", (0, 10)), mark("1", "Bo", (5, 15)), mark("2", "Ada", (2, 6)), mark("2", "Bo", (2, 6))]


def test_overlap_worked_out_by_hand() -> None:
    f1, jaccard = (on_spans(HALF, measure=measure, seed=0).overall for measure in ("f1", "jaccard"))
    assert f1.value == pytest.approx(2 * 9 / 28)
    assert jaccard.value == pytest.approx(9 / 19)
    assert (f1.units, f1.raters) == (2, ("Ada", "Bo"))
    assert f1.observed == pytest.approx(30 / 40)


def letters(markings: list[Marking]) -> list[Rating]:
    """Every character as a unit of its own, marked or not."""
    return [
        Rating(f"{item.unit}:{place}", item.rater, any(start <= place < end for start, end in item.spans))
        for item in markings
        for place in range(item.length)
    ]


SPANS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=3).map(tuple)


@given(st.lists(st.tuples(SPANS, SPANS), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_counting_letters_one_by_one_finds_the_same(found: list[tuple[tuple[tuple[int, int], ...], ...]]) -> None:
    markings = [
        Marking(str(number), rater, spans, 12)
        for number, both in enumerate(found)
        for rater, spans in zip("AB", both, strict=True)
    ]
    ratings = {(item.unit, item.rater): item.value for item in letters(markings)}
    units = {unit for unit, _rater in ratings}
    both, one, other = (
        sum(bool(test(ratings[unit, "A"], ratings[unit, "B"])) for unit in units)
        for test in (lambda a, b: a and b, lambda a, _b: a, lambda _a, b: b)
    )
    expected = {
        "f1": 2 * both / (one + other) if one + other else None,
        "jaccard": both / (one + other - both) if one + other else None,
        "alpha": alpha(letters(markings)),
    }
    for measure, value in expected.items():
        overall = on_spans(markings, measure=measure, seed=0, draws=20).overall  # type: ignore[arg-type]
        assert overall.value == (None if value is None else pytest.approx(value))


def test_a_person_who_marks_nothing_disagrees_with_one_who_does() -> None:
    found = on_spans([mark("1", "Ada", (0, 10)), mark("1", "Bo"), *HALF[2:]], seed=0)
    assert found.overall.value == pytest.approx(2 * 4 / 18)


def test_several_markings_by_one_person_are_taken_together() -> None:
    whole = [mark("1", "Ada", (0, 10)), mark("1", "Bo", (5, 15))]
    parts = [mark("1", "Ada", (0, 7), (4, 8)), mark("1", "Ada", (8, 10)), mark("1", "Bo", (5, 15))]
    assert on_spans(parts, seed=0) == on_spans(whole, seed=0)


def test_every_two_are_compared_and_overall_counts_them_all() -> None:
    found = on_spans([*HALF, mark("2", "Cy", (2, 4))], seed=0)
    assert [item.raters for item in found.pairs] == [("Ada", "Bo"), ("Ada", "Cy"), ("Bo", "Cy")]
    # Ada-Bo 5 of 10 + 10, then three pairs on the second response: 4 of 4 + 4, twice 2 of 4 + 2.
    assert found.overall.value == pytest.approx(2 * (5 + 4 + 2 + 2) / (20 + 8 + 6 + 6))
    assert found.overall.units == 2


@pytest.mark.parametrize(
    ("markings", "measure", "words"),
    [
        ([], "f1", "nobody has judged anything yet"),
        ([mark("1", "Ada", (0, 3))], "f1", "one reviewer only"),
        ([mark("1", "Ada", (0, 3)), mark("2", "Bo", (0, 3))], "jaccard", "no response that two of them judged"),
        ([mark("1", "Ada"), mark("1", "Bo")], "f1", "nobody marked any words on the 1 responses"),
        ([mark("1", "Ada"), mark("1", "Bo")], "alpha", "nobody marked any words on the 1 responses"),
        ([mark("1", "Ada", (0, 20)), mark("1", "Bo", (0, 20))], "alpha", "every character of the 1 responses"),
        (HALF[:2], "f1", "0.50 on a single response"),
    ],
)
def test_what_cannot_be_said_is_said_in_words(markings: list[Marking], measure: str, words: str) -> None:
    assert words in agreement.say(on_spans(markings, measure=measure, seed=0).overall)  # type: ignore[arg-type]


def test_a_few_that_mark_the_same_are_no_certainty() -> None:
    markings = [mark(str(number), rater, (number, number + 4)) for number in range(5) for rater in ("Ada", "Bo")]
    found = on_spans(markings, seed=0).overall
    assert found.value == 1.0
    assert found.interval is not None
    assert found.interval[0] == pytest.approx(1 - 3.8415 / 8.8415, abs=1e-3)  # Wilson's upper limit for 0 of 5


def test_many_responses_are_drawn_in_blocks_with_the_same_spread() -> None:
    def markings(number: int) -> list[Marking]:
        return [
            mark(str(unit), rater, (0, 6 + (unit * 7) % 5) if rater == "Ada" else (unit % 3, 9), length=12)
            for unit in range(number)
            for rater in ("Ada", "Bo")
        ]

    widths = []
    for number in (1_000, 4_000):
        interval = on_spans(markings(number), measure="alpha", seed=0).overall.interval
        assert interval is not None
        widths.append(interval[1] - interval[0])
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.3)
