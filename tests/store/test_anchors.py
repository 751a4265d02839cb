"""A span is where its words are: by offsets, by quote, by what stands around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.errors import RecordError
from sayso.records import Span
from sayso.store.anchors import anchored
from sayso.store.wire import SpanLine

TEXT = "👩‍👩‍👧 yes, no, yes"


def found(text: str = TEXT, **line: object) -> Span:
    return anchored(text, SpanLine(**line), "spans[0]")  # type: ignore[arg-type]


def test_offsets_count_code_points_and_fill_in_the_quote() -> None:
    assert TEXT[:5] == "👩‍👩‍👧"
    assert found(start=6, end=9) == Span(start=6, end=9, quote="yes")


def test_a_quote_that_is_at_its_offsets_stays_there() -> None:
    assert found(start=15, end=18, quote="yes", prefix="wrong").start == 15


def test_a_quote_that_moved_is_found_at_the_place_nearest_to_where_it_was() -> None:
    assert found(start=13, end=16, quote="yes").start == 15
    assert found(start=-9, end=2, quote="yes").start == 6


def test_offsets_counted_in_utf16_are_put_right_by_the_quote() -> None:
    place = len(TEXT[:11].encode("utf-16-le")) // 2
    assert place != 11
    assert found(start=place, end=place + 2, quote="no") == Span(start=11, end=13, quote="no")


def test_what_stands_around_decides_between_two_places() -> None:
    assert found(quote="yes", suffix=",").start == 6
    assert found(quote="yes", prefix=", ") == Span(start=15, end=18, quote="yes", prefix=", ")
    assert found(start=15, end=15, quote="yes", prefix=" ", suffix=",").start == 6


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ({"quote": "yes"}, 'spans[0].quote: the response has "yes" in 2 places'),
        ({"quote": "maybe", "start": 0, "end": 5}, 'spans[0].quote: found "maybe", expected words of the response'),
        ({"quote": ""}, 'spans[0].quote: found "", expected words'),
        ({}, "spans[0].start: missing"),
        ({"start": 1}, "spans[0].end: missing"),
        ({"start": 0, "end": 99}, "spans[0]: found [0, 99], expected 0 <= start < end <= 18"),
        ({"start": 3, "end": 3}, "spans[0]: found [3, 3]"),
        ({"start": -3, "end": 3}, "spans[0]: found [-3, 3]"),
    ],
)
def test_a_span_that_is_nowhere_is_refused(line: dict[str, object], sentence: str) -> None:
    with pytest.raises(RecordError) as error:
        found(**line)
    assert sentence in str(error.value)


@given(st.text(min_size=1), st.data())
def test_any_stretch_is_found_again_in_a_text_that_grew_in_front(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    before = found(text, start=start, end=end)
    grown = "§§§" + text
    after = found(grown, start=start, end=end, quote=before.quote, prefix=grown[: start + 3], suffix=grown[end + 3 :])
    assert grown[after.start : after.end] == before.quote
    if grown[start:end] != before.quote:
        assert after.start == start + 3
