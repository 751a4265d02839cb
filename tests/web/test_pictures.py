"""Pictures are well-formed SVG that a strict page may hold, and tell their numbers to those who listen."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.web import pictures
from sayso.web.pictures import Bar, Stretch

SVG = "{http://www.w3.org/2000/svg}"
ROWS = [Bar(label="letters", value=40, of=120), Bar(label="通知", value=5, of=30)]


def parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)


def all_pictures() -> list[str]:
    return [
        pictures.bars("a", "Coverage", ROWS),
        pictures.bars("b", "Themes", [Bar(label="long", value=3, parts={"fix": 2, "keep": 1})]),
        pictures.timeline("c", "Days", {"2026-01-01": 2, "2026-01-05": 7}, {"2026-01-03": "v2"}),
        pictures.stretches("d", "Agreement", [Stretch(label="Ada", value=0.5, low=-0.2, high=0.9)], marks=(0.667,)),
    ]


@pytest.mark.parametrize("picture", all_pictures())
def test_a_picture_has_a_name_a_description_and_nothing_a_strict_page_refuses(picture: str) -> None:
    root = parsed(picture)
    title, described = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert described is not None
    assert root.get("role") == "img"
    assert (root.get("aria-labelledby") or "").split() == [title.get("id"), described.get("id")]
    assert not re.search(r"\sstyle=|<style|<script|\son\w+=|href", picture)
    colours = {item.get(name) for item in root.iter() for name in ("fill", "stroke")} - {None}
    assert colours == {"currentColor"}


def test_the_description_tells_the_numbers() -> None:
    described = [parsed(picture).findtext(f"{SVG}desc") for picture in all_pictures()]
    assert described == [
        "letters: 40 of 120; 通知: 5 of 30",
        "long: 3 (fix 2, keep 1)",
        "2026-01-01: 2; 2026-01-05: 7; 2026-01-03: v2",
        "Ada: 0.50 (-0.20 to 0.90)",
    ]


def test_bars_are_as_long_as_their_numbers_on_one_scale() -> None:
    bars = [
        item
        for item in parsed(pictures.bars("a", "Coverage", ROWS)).iter(f"{SVG}rect")
        if item.get("class") == "picture-bar"
    ]
    widths = [float(item.get("width") or 0) + 1 for item in bars]
    assert widths[0] == pytest.approx(8 * widths[1], rel=0.02)


def test_parts_of_a_bar_lie_side_by_side_within_it() -> None:
    picture = pictures.bars("b", "Themes", [Bar(label="x", value=4, parts={"fix": 3, "keep": 1}), Bar(label="y", value=8)])
    parts = [item for item in parsed(picture).iter(f"{SVG}rect") if "part-" in (item.get("class") or "")][:2]
    first, second = ((float(item.get("x") or 0), float(item.get("width") or 0)) for item in parts)
    assert first[0] + first[1] <= second[0]
    assert first[1] == pytest.approx(3 * second[1], rel=0.05)


def test_without_rows_there_is_no_picture() -> None:
    assert pictures.bars("a", "t", []) == pictures.timeline("a", "t", {}) == pictures.stretches("a", "t", []) == ""


def test_all_zero_draws_empty_bars() -> None:
    parsed(pictures.bars("a", "t", [Bar(label="x", value=0, of=0)]))
    parsed(pictures.timeline("a", "t", {"2026-01-01": 0}))


def test_many_days_are_drawn_as_longer_stretches_and_none_is_lost() -> None:
    days = {f"20{year:02}-0{month}-11": year + month for year in range(10, 26) for month in range(1, 10)}
    root = parsed(pictures.timeline("c", "Days", days))
    columns = list(root.iter(f"{SVG}rect"))
    assert len(columns) <= 60
    told = (root.findtext(f"{SVG}desc") or "").split("; ")
    assert sum(int(item.rsplit(": ", 1)[1]) for item in told) == sum(days.values())


def test_a_mark_before_the_first_day_is_not_drawn() -> None:
    picture = pictures.timeline("c", "Days", {"2026-01-05": 1}, {"2025-01-01": "older"})
    assert "picture-mark" not in picture


@given(st.text(max_size=120), st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_whatever_people_wrote_the_picture_stays_well_formed(label: str, part: str) -> None:
    parsed(pictures.bars("a", label, [Bar(label=label, value=1, parts={part: 1})]))
    parsed(pictures.stretches("b", part, [Stretch(label=label, value=0, low=0, high=1)]))


def test_words_that_do_not_fit_are_cut_and_told_in_full() -> None:
    words = "一句说得太长太长太长的评语，说的是这封信写得太长，请把它删到一半的长度再给我看一遍"
    root = parsed(pictures.bars("a", "t", [Bar(label=words, value=1)]))
    drawn = [item.text or "" for item in root.iter(f"{SVG}text")]
    assert drawn[0].endswith("…")
    assert words in (root.findtext(f"{SVG}desc") or "")
