"""The report: whole, escaped, readable as text, the same for the same data."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from sayso import i18n
from sayso.errors import StoreError
from sayso.evaluation.gate import Gate, decide
from sayso.evaluation.report import figures
from sayso.evaluation.report.changes import compare, examples
from sayso.evaluation.report.report import ReportData, render, write
from sayso.evaluation.takes import outcomes, take
from sayso.records import Check, Comment, Evaluation, Heldout, Outcome, Probe, Rate, Run, Scope, Take, Version, ask

NASTY = "<script>alert('&')</script> $x^2$ {{ 7*7 }}"
VOID = {"meta", "link", "br", "img", "input", "hr"}


def comment(text: str) -> Comment:
    probes = tuple(
        Probe(prompt=ask(f"{NASTY} {scope} {number}"), scope=scope)
        for scope in ("in", "near", "out")
        for number in range(40)
    )
    return Comment(
        text=text, probes=probes, check=Check(name="excludes", args={"text": "please"}), author=NASTY, scope_text=NASTY
    )


def data(*texts: str) -> ReportData:
    comments = tuple(comment(text) for text in texts)
    found: list[Outcome] = []
    for said in comments:
        before = {probe.prompt.id: f"please go {NASTY}" for probe in said.probes}
        after = {probe.prompt.id: "go now" if probe.scope == "in" else before[probe.prompt.id] for probe in said.probes}
        found += outcomes(said, lambda text: "please" not in text, before, after)
    takes = tuple(take(said, found) for said in comments)
    heldout = Heldout(loss_before=2.0, loss_after=2.01, tokens=4000)
    verdict = decide(takes, found, heldout, Gate(draws=500), seed=0)
    return ReportData(
        title=f"Round {NASTY}",
        evaluation=Evaluation(
            id="e", champion="v1", candidate="v2", takes=takes, outcomes=tuple(found), heldout=heldout, verdict=verdict
        ),
        comments=comments,
        run=Run(id="r", method="refine_sft", parent="v1", folder="runs/r", settings={"train": {"name": NASTY}}, steps=3),
        metrics=tuple({"step": step, "loss": 1 / step} for step in (1, 2, 3)),
        versions=(Version(id="v1", path="m", form="base"), Version(id="v2", path="m2", form="adapter", parent="v1")),
        champion="v1",
        command=f"sayso loop round.yaml --set name='{NASTY}'",
        config_text=f"name: {NASTY}\n",
        created="2026-03-02T09:31:00+01:00",
    )  # fmt: skip


EMPTY = ReportData(title="Empty", evaluation=Evaluation(id="e", champion="a", candidate="b", takes=()))


class Reader(HTMLParser):
    """Checks that elements close in order, and collects the words, the elements and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, text: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(text)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def test_everything_a_person_judges_by_is_in_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "new" / "report.html", data("Do not say please.", "Be brief."), language="en")
    words = " ".join(" ".join(read(path.read_text(encoding="utf-8")).words).split())
    for expected in (
        "Promote", "the gain in scope is +100.0 points", "Do not say please.", "Be brief.", "took", "Gain in scope",
        "Leak near the scope", "2.0000", "2.0100", "champion", "candidate", "v2", "refine_sft", "train.name", "leak, points",
        "sayso loop round.yaml", "gain, points", "step", "2026-03-02 09:31", "in scope", "near the scope", "out of scope",
        "0.0 %", "100.0 %",
    ):  # fmt: skip
        assert expected in words, expected
    assert sorted(path.parent.iterdir()) == [path]


def test_nothing_a_user_wrote_becomes_markup() -> None:
    html = render(data(NASTY), language="en")
    reader = read(html)
    assert "script" not in reader.tags
    assert sum(NASTY in text for text in reader.words) >= 8
    assert "{{ 7*7 }}" in "".join(reader.words)


def test_nothing_is_asked_of_the_network() -> None:
    reader = read(render(data("Be brief."), language="en"))
    assert not {"link", "img", "iframe", "object"} & set(reader.tags)
    for name, value in reader.attributes:
        assert name not in ("src", "srcset", "onload", "onclick")
        if name.endswith("href"):
            assert value is not None
            assert value.startswith("#")
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in reader.attributes


def test_the_same_data_gives_the_same_bytes() -> None:
    assert render(data("Be brief."), language="en") == render(data("Be brief."), language="en")


def test_every_id_is_there_once_and_every_reference_finds_one() -> None:
    html = render(data("Be brief.", "Say thanks."), language="en")
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", html) + re.findall(r'href="#([^"]+)"', html)) <= set(ids)


def test_what_was_not_measured_is_left_out() -> None:
    reader = read(render(EMPTY, language="en"))
    assert "svg" not in reader.tags
    assert "table" not in reader.tags
    assert any("No comment was measured." in text for text in reader.words)


def test_the_language_is_that_of_the_report_alone() -> None:
    i18n.use("en")
    try:
        assert '<html lang="zh">' in render(EMPTY, language="zh")
        assert i18n.language() == "en"
        assert '<html lang="en">' in render(EMPTY)
    finally:
        i18n.use(None)


def test_chinese_is_drawn_as_text_whatever_fonts_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "_", lambda message: f"提升 {message}")
    svg = figures.take_plane(data("Be brief.").evaluation.takes)
    assert "提升 gain, points" in "".join(ET.fromstring(svg).itertext())


def test_a_report_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        write(tmp_path / "file" / "report.html", EMPTY)


# Figures


def rate(change: float, *, n: int = 40) -> Rate:
    return Rate(before=0.0, after=change, n=n, interval=(change - 0.1, change + 0.1))


def point(number: int, gain: float, leak: float | None) -> Take:
    near = None if leak is None else rate(leak)
    return Take(comment_id=str(number), text=f"comment {number}", take="took", inside=rate(gain), near=near)


def texts(svg: str) -> list[str]:
    return ["".join(item.itertext()).strip() for item in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_comments_at_one_place_share_a_label() -> None:
    found = texts(figures.take_plane([point(1, 0.9, 0.0), point(2, 0.2, 0.1), point(3, 0.9, 0.0)]))
    assert "1, 3" in found
    assert "2" in found


def test_labels_of_many_comments_do_not_hide_one_another() -> None:
    svg = figures.take_plane([point(number, 0.3 + 0.013 * number, 0.011 * (number % 5)) for number in range(1, 31)])
    found = re.findall(r'text-anchor: start[^>]*x="([\d.]+)" y="([\d.]+)"[^>]*>([\d, ]+)<', svg)
    labels = [(float(x), float(y), 7.5 * len(text)) for x, y, text in found]
    hidden = sum(
        abs(y - other_y) < 8 and min(x + width, other_x + other_width) - max(x, other_x) > 4
        for index, (x, y, width) in enumerate(labels)
        for other_x, other_y, other_width in labels[:index]
    )
    assert sum(len(text.split(", ")) for _x, _y, text in found) == 30
    assert hidden == 0


def test_no_measured_gain_draws_no_plane() -> None:
    assert figures.take_plane([Take(comment_id="c", text="x", take="unmeasured")]) == ""


def test_a_loss_curve_needs_two_finite_losses() -> None:
    assert figures.loss_curve([{"step": 1, "loss": 1.0}, {"step": 2, "loss": float("nan")}, {"kind": "note"}]) == ""
    assert "<svg" in figures.loss_curve([{"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.5}])


def test_figures_follow_the_page_and_leave_the_users_settings_alone() -> None:
    before = dict(mpl.rcParams)
    svg = figures.take_plane([point(1, 0.9, 0.0)])
    assert dict(mpl.rcParams) == before
    assert "var(--ink)" in svg
    assert "var(--took)" in svg
    assert not re.search(r"#(01020|11010)", svg)


# What changed


def test_changes_are_shown_word_by_word() -> None:
    found = compare("Please go home.", "Go home now.")
    assert [(piece.kind, piece.text) for piece in found] == [
        ("del", "Please go"), ("ins", "Go"), ("same", " home"), ("ins", " now"), ("same", "."),
    ]  # fmt: skip


def test_chinese_changes_are_shown_character_by_character() -> None:
    assert [(piece.kind, piece.text) for piece in compare("您好，安娜", "你好，安娜")] == [
        ("del", "您"), ("ins", "你"), ("same", "好，安娜"),
    ]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), [("", ""), ("a  b\n\nc", "a b\nc!"), ("x " * 2000, "y " * 2000), ("", "new")])
def test_both_answers_can_be_read_back_from_the_changes(before: str, after: str) -> None:
    found = compare(before, after)
    assert "".join(piece.text for piece in found if piece.kind != "ins") == before
    assert "".join(piece.text for piece in found if piece.kind != "del") == after


def test_examples_show_where_something_changed() -> None:
    def outcome(scope: Scope, number: int, *, before: bool, after: bool, words: str = "a") -> Outcome:
        return Outcome(
            comment_id="c",
            scope=scope,
            prompt=ask(str(number)),
            before="a",
            after=words,
            held_before=before,
            held_after=after,
        )

    dull = outcome("in", 1, before=False, after=False)
    lost = outcome("in", 2, before=True, after=False, words="b")
    gained = outcome("in", 3, before=False, after=True, words="b")
    reworded = outcome("near", 4, before=False, after=False, words="b")
    assert examples([dull, lost, gained, replace(dull, scope="near"), reworded]) == (gained, reworded)
    assert examples([]) == ()
