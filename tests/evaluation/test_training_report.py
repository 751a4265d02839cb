"""The page of a training: its numbers, curves, samples and settings, in both languages, without asking the network."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest

from sayso.errors import StoreError
from sayso.evaluation.report import figures, training

METRICS = [
    {"step": n, "loss": 5 / n, "learning_rate": 1e-3 * n, "tokens": 100, "seconds": float(n if n < 6 else n - 5)}
    for n in range(1, 11)
]
REPORT = {
    "model": "runs/x/model", "parameters": 12345, "steps": 10, "tokens": 1000, "seconds": 10.0, "loss": 0.5,
    "validation": {"step": 10, "loss": 0.75, "bits_per_byte": 1.0820, "tokens": 77},
    "samples": [{"beginning": "Once <b>", "written": "upon a <i>time</i>", "went_on": "there was"}],
    "mixture": {"a & b.jsonl": 2.5},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "report.json").write_text(json.dumps(REPORT))
    (tmp_path / "settings.json").write_text(json.dumps({"architecture": "lstm", "train": {"learning_rate": 0.004}}))
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in METRICS))
    (tmp_path / "validation.jsonl").write_text('{"step": 5, "loss": 1.5}\n{"step": 10, "loss": 0.75}\n')
    return tmp_path


def test_numbers_curves_samples_and_settings_are_shown(folder):
    page = training.write(folder, command="sayso pretrain a.txt").read_text()
    for text in ("12,345", "0.7500", "1.0820", "train.learning_rate", "0.004", "&#34;lstm&#34;", "sayso pretrain a.txt"):
        assert text in page
    assert page.count("<svg ") == 3
    assert "Once &lt;b&gt;" in page
    assert "upon a &lt;i&gt;time&lt;/i&gt;" in page
    assert "a &amp; b.jsonl" in page
    assert not re.search(r'(src|href)="https?:', page)


def test_the_same_folder_gives_the_same_bytes_and_chinese_where_it_is_wanted(folder):
    first = training.write(folder, language="zh").read_bytes()
    assert training.write(folder, language="zh").read_bytes() == first
    chinese = first.decode()
    assert '<html lang="zh">' in chinese
    assert "曲线" in chinese
    assert sorted(path.name for path in folder.iterdir()) == [
        "metrics.jsonl", "report.html", "report.json", "settings.json", "validation.jsonl",
    ]  # fmt: skip


def test_a_run_without_validation_or_samples_has_its_page(folder):
    (folder / "validation.jsonl").unlink()
    (folder / "report.json").write_text(json.dumps({**REPORT, "validation": None, "samples": [], "mixture": {}}))
    page = training.write(folder).read_text()
    assert page.count("<svg ") == 3
    assert "What it writes" not in page


def test_the_speed_goes_on_over_an_interruption():
    assert training._speeds(METRICS) == [(float(n), 100.0) for n in range(1, 11)]


def test_long_curves_are_drawn_by_means():
    points = training._means([(float(n), float(n % 2)) for n in range(900)])
    assert len(points) == 300
    assert points[0] == (1.0, pytest.approx(1 / 3))


def test_a_folder_without_a_report_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"report\.html"):
        training.write(tmp_path)


def test_the_figure_of_rates_stands_alone_and_marks_the_suggested_one():
    tried = [{"rate": 10.0**n, "loss": float(n * n), "smoothed": float(n * n) / 2} for n in range(-6, 1)]
    svg = training.rates_figure(tried, 1e-3)
    ET.fromstring(svg)
    assert "<style>:root{--ink:" in svg
    assert svg.count("stroke-dasharray") >= 1


def test_lines_without_two_points_are_no_figure():
    assert figures.line_figure([figures.Line(points=[(1, 2)])], name="x", described="x", across="x", up="y") == ""
    nan = figures.Line(points=[(1, 2), (2, float("nan"))])
    assert figures.line_figure([nan], name="x", described="x", across="x", up="y") == ""
