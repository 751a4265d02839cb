"""A run gives the same bytes by one process or several, stopped or not; what is wrong stops it where it is."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sayso.errors import RecordError, SettingsError
from sayso.text.cleaning import cleaner
from sayso.text.cleaning.cleaner import Cleaning
from sayso.text.files import journal, runs, streams
from sayso.text.files.runs import Plan, Report, Writing
from sayso.text.files.streams import Reading
from sayso.text.files.tallies import Result, Tally


def texts(folder: Path, count: int = 60) -> Path:
    """Three files of different formats; every fifth text is empty."""
    folder.mkdir()
    rows = [
        {"text": "" if number % 5 == 0 else f"Text  {number} to mei{number}@example.com", "id": number}
        for number in range(count)
    ]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[: count // 3]), encoding="utf-8")
    (folder / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[count // 3 :]), encoding="utf-8")
    (folder / "c.txt").write_text("".join(f"line {number}\n" for number in range(count)), encoding="utf-8")
    return folder


def plan_of(folder: Path, *, workers: int = 1, writing: Writing | None = None, make: Any = None) -> Plan:
    reading = Reading(txt="line")
    return Plan(
        make=make or partial(cleaner.Cleaner, Cleaning()), found=streams.sources([folder], reading), reading=reading,
        writing=writing or Writing(), workers=workers,
    )  # fmt: skip


def go(plan: Plan, out: Path) -> Report:
    return runs.run(plan, out, key=runs.key_of("clean", plan, Cleaning()))


def prints(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BATCH_BYTES", 200)
    monkeypatch.setattr(journal, "SHARD_BYTES", 600)


@pytest.mark.usefixtures("_small")
def test_a_run_writes_shards_and_a_report_and_is_not_done_twice(tmp_path: Path) -> None:
    done = go(plan_of(texts(tmp_path / "in")), tmp_path / "out")
    assert len(done.shards) > 3
    assert (done.tally.documents_in, done.tally.documents_out, done.tally.dropped) == (120, 108, {"empty": 12})
    assert done.tally.found == {"email": 48}
    names = [shard["name"] for shard in done.shards]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [*names, "report.json"]
    records = list(streams.records(streams.sources([tmp_path / "out"])))
    assert [record.fields["text"] for record in records[:2]] == ["Text 1 to [email]", "Text 2 to [email]"]
    assert sum(shard["records"] for shard in done.shards) == len(records) == 108
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["tally"]["samples"]["empty"][0]["where"].endswith("a.jsonl:1")
    assert len(report["tally"]["samples"]["empty"]) == 5
    again = go(plan_of(tmp_path / "in"), tmp_path / "out")
    assert again.again
    assert again.tally.form() == done.tally.form()


class Stopping:
    """Work that is stopped from outside after some records."""

    left = 0

    def __init__(self) -> None:
        self._clean = cleaner.Cleaner(Cleaning())

    def __call__(self, record: streams.Record) -> Result:
        Stopping.left -= 1
        if Stopping.left == 0:
            raise KeyboardInterrupt
        return self._clean(record)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("to", ["jsonl.zst", "jsonl.gz", "parquet", "csv"])
def test_a_run_that_was_stopped_goes_on_and_gives_the_same_bytes(tmp_path: Path, to: str) -> None:
    texts(tmp_path / "in")
    writing = Writing(to=to)
    go(plan_of(tmp_path / "in", writing=writing), tmp_path / "whole")
    worked = 0
    for after in (1, 40, 25, 15):
        Stopping.left = after
        try:
            go(plan_of(tmp_path / "in", writing=writing, make=Stopping), tmp_path / "out")
        except KeyboardInterrupt:
            worked += 1
            assert not (tmp_path / "out").exists()
    assert worked == 4
    Stopping.left = 0
    go(plan_of(tmp_path / "in", writing=writing, make=Stopping), tmp_path / "out")
    assert -120 < Stopping.left < 0  # some of it was not done again
    assert prints(tmp_path / "out") == prints(tmp_path / "whole")


@pytest.mark.usefixtures("_small")
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    texts(tmp_path / "in")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SettingsError, match="holds something else; nothing was changed"):
        go(plan_of(tmp_path / "in"), tmp_path / "mine")
    go(plan_of(tmp_path / "in"), tmp_path / "out")
    before = prints(tmp_path / "out")
    with pytest.raises(SettingsError, match="holds something else"):
        go(plan_of(tmp_path / "in", writing=Writing(to="jsonl")), tmp_path / "out")
    (tmp_path / "in" / "c.txt").write_text("changed", encoding="utf-8")
    with pytest.raises(SettingsError, match="holds something else"):
        go(plan_of(tmp_path / "in"), tmp_path / "out")
    assert prints(tmp_path / "out") == before


@pytest.mark.usefixtures("_small")
def test_a_wrong_line_stops_a_run_or_is_left_out_and_counted(tmp_path: Path) -> None:
    texts(tmp_path / "in")
    with (tmp_path / "in" / "b.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"text": \n{"body": "no text"}\n{"text": "last"}\n')
    with pytest.raises(RecordError, match=r"b\.jsonl:41: is not valid JSON"):
        go(plan_of(tmp_path / "in"), tmp_path / "out")
    done = go(plan_of(tmp_path / "in", writing=Writing(skip_bad=True)), tmp_path / "lenient")
    assert done.tally.dropped == {"empty": 12, runs.UNREADABLE: 2}
    assert [sample.where.rpartition("/")[2] for sample in done.tally.samples[runs.UNREADABLE]] == [
        "b.jsonl:41",
        "b.jsonl:42",
    ]


def test_looking_writes_nothing(tmp_path: Path) -> None:
    plan = plan_of(texts(tmp_path / "in"))
    before = list(tmp_path.iterdir())
    assert runs.counted(plan, most=10).documents_in == 10
    assert runs.counted(plan).documents_in == 120
    assert list(tmp_path.iterdir()) == before


def test_an_unknown_format_is_refused() -> None:
    for name in ("docx", "html", "jsonl.bz2", "parquet.gz"):
        with pytest.raises(SettingsError, match=f"unknown format '{name}'; expected jsonl"):
            Writing(to=name)


def test_tallies_add_up_and_come_back_from_json() -> None:
    one, two = Tally(2), Tally(2)
    one.add(Result(fields=None, refusal="empty", snippet="a", bytes_in=3), "a:1")
    for number in range(3):
        two.add(Result(fields={}, changed=("spaces",), found={"email": 2}, bytes_in=5, bytes_out=4), f"b:{number}")
        two.refuse("empty", f"c:{number}", "x")
    one.merge(two)
    assert (one.documents_in, one.documents_out, one.bytes_in, one.bytes_out) == (7, 3, 18, 12)
    assert (one.dropped, one.changed, one.found) == ({"empty": 4}, {"spaces": 3}, {"email": 6})
    assert [sample.where for sample in one.samples["empty"]] == ["a:1", "c:0"]
    assert Tally.of(json.loads(json.dumps(one.form())), 2).form() == one.form()


def test_progress_is_told(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []
    plan = plan_of(texts(tmp_path / "in"))
    runs.run(plan, tmp_path / "out", key=runs.key_of("clean", plan, Cleaning()), watch=lambda **found: seen.append(found))
    assert seen[-1]["unit"] == "MB"
    assert "108 documents" in seen[-1]["note"]


def large(path: Path, *, megabytes: int) -> None:
    """Write texts of ten kilobytes with something to clean in each."""
    words = "The old mill by the river has always been a place where stories are told in the evening, and so on. " * 98
    with path.open("w", encoding="utf-8") as file:
        for number in range(megabytes * 100):
            text = f"{number}  caf\u00e9, mei{number}@example.com: {words}"
            file.write(json.dumps({"text": text, "id": number}, ensure_ascii=False)[:-1].ljust(9998) + "}\n")


COMMAND = """
import sys
from functools import partial
from pathlib import Path
from sayso.text.cleaning import cleaner
from sayso.text.files import journal, runs, streams
journal.SHARD_BYTES = int(sys.argv[4])
if __name__ == "__main__":
    given, out, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    settings = cleaner.Cleaning()
    plan = runs.Plan(make=partial(cleaner.Cleaner, settings), found=streams.sources([given]), reading=streams.Reading(),
        writing=runs.Writing(), workers=workers)
    done = runs.run(plan, out, key=runs.key_of("clean", plan, settings))
    # not ru_maxrss, which goes on from the process that started this one
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(done.tally.documents_out, int(peak.split()[1]) // 1024)
"""


def command(tmp_path: Path, given: Path, out: Path, workers: int, *, shard_bytes: int = 32 << 20) -> list[str]:
    (tmp_path / "command.py").write_text(COMMAND, encoding="utf-8")
    return [sys.executable, str(tmp_path / "command.py"), str(given), str(out), str(workers), str(shard_bytes)]


@pytest.mark.slow
def test_memory_stays_bounded_whatever_the_input(tmp_path: Path) -> None:
    large(tmp_path / "in.jsonl", megabytes=200)
    done = subprocess.run(
        command(tmp_path, tmp_path / "in.jsonl", tmp_path / "out", 1), capture_output=True, text=True, check=True
    )
    documents, megabytes = map(int, done.stdout.split())
    assert documents == 20_000
    assert megabytes < 500


@pytest.mark.slow
def test_killed_at_any_moment_and_with_other_workers_the_bytes_are_the_same(tmp_path: Path) -> None:
    large(tmp_path / "in.jsonl", megabytes=30)
    whole = command(tmp_path, tmp_path / "in.jsonl", tmp_path / "whole", 1, shard_bytes=4 << 20)
    subprocess.run(whole, check=True, capture_output=True)
    words = command(tmp_path, tmp_path / "in.jsonl", tmp_path / "out", 2, shard_bytes=4 << 20)
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    shards = tmp_path / ".out.working" / "shards.jsonl"
    while process.poll() is None and not (shards.exists() and shards.stat().st_size):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out").exists()
    subprocess.run(words, check=True, capture_output=True)
    assert prints(tmp_path / "out") == prints(tmp_path / "whole")
