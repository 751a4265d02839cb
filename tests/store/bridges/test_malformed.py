"""A wrong file is named with its line and field, what was found and what was expected; nothing of it is kept."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.bridges.samples import (
    ARGILLA,
    DOCCANO,
    GITHUB,
    KILN_RUN,
    LABEL_STUDIO,
    LANGFUSE_TRACE,
    OPEN_WEBUI,
    PHOENIX_SPANS,
    reading,
)
from tests.store.generated import JSON

from sayso.errors import NotFoundError, RecordError
from sayso.store.bridges import IMPORTERS, moving
from sayso.store.database import Store

SAMPLES: dict[str, Any] = {
    "argilla": ARGILLA,
    "doccano": DOCCANO,
    "github": GITHUB,
    "kiln": [KILN_RUN],
    "label-studio": LABEL_STUDIO,
    "langfuse": [LANGFUSE_TRACE],
    "open-webui": OPEN_WEBUI,
    "phoenix": PHOENIX_SPANS,
}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"prompt": "a"},\n {"prompt": }]', "file.json:2: column 13: not JSON"),
        ('[{"prompt": "a"}\n {"prompt": "b"}]', "file.json:2: list: the list ends too early"),
        ('[\n\n 7]', "file.json:3: row: found 7, expected a JSON object"),
        ('[{"prompt": "a", "prompt": "b"}]', "file.json:1: prompt: found twice in one object"),
        ('[{"prompt": "a",\n"completion": NaN}]', "file.json:1: number: found NaN"),
        ('[{"prompt": "\\ud800"}]', "file.json:1: prompt: found"),
        ('{"prompt": "a"}\n{"prompt": 7}', "file.json:2: prompt: found 7, expected a list of messages"),
        ('{"prompt": "a"', "file.json:1: "),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_line(tmp_path: Path, store: Store, text: str, message: str) -> None:
    (tmp_path / "file.json").write_text(text, encoding="utf-8")
    arrived = moving.bring_in(store, tmp_path / "file.json", "trl")
    assert str(arrived.imported.faults[0]).startswith(message)
    assert (arrived.imported.new, store.prompts()) == (0, [])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "holds nothing"),
        (b"  \n", "holds nothing"),
        (b"\xff\xfe{\x00", "not UTF-8"),
        (gzip.compress(b'[{"prompt": "a"}]', mtime=0)[:-4], "cut off or damaged"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_says_why(tmp_path: Path, raw: bytes, message: str) -> None:
    (tmp_path / "file.json").write_bytes(raw)
    with pytest.raises(RecordError, match=message):
        moving.read(tmp_path / "file.json", "trl")


@pytest.mark.parametrize("name", IMPORTERS)
def test_a_file_that_is_not_there_is_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFoundError, match="there is no such file"):
        moving.read(tmp_path / "nowhere.json", name)


@pytest.mark.parametrize("name", IMPORTERS)
def test_rows_of_another_kind_are_faults_never_a_crash(tmp_path: Path, name: str) -> None:
    found = reading(tmp_path, [{"strange": 1}], name, file="task_run.kiln" if name == "kiln" else "file.json")
    assert found.comments == ()
    assert found.faults or found.lost


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_value_of_another_type_anywhere_is_a_fault_or_is_lost(tmp_path: Path, name: str, data: st.DataObject) -> None:
    rows = json.loads(json.dumps(SAMPLES[name]))
    place = data.draw(st.sampled_from(list(places(rows[0]))))
    inside = rows[0]
    for part in place[:-1]:
        inside = inside[part]
    inside[place[-1]] = data.draw(JSON)
    found = reading(tmp_path, rows, name)
    assert all(fault.field and fault.where.startswith("file.json:") for fault in found.faults)


def places(value: Any, before: tuple[Any, ...] = ()) -> Any:
    """Every place within a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in items:
        yield (*before, name)
        yield from places(part, (*before, name))


def test_with_skip_bad_the_good_rows_come_in_and_the_others_are_written_beside(tmp_path: Path, store: Store) -> None:
    rows = [{"prompt": "a", "chosen": "b", "rejected": "c"}, {"prompt": 7, "completion": "x"}]
    (tmp_path / "file.json").write_text(json.dumps(rows), encoding="utf-8")
    assert moving.bring_in(store, tmp_path / "file.json", "trl").imported.new == 0
    imported = moving.bring_in(store, tmp_path / "file.json", "trl", skip_bad=True).imported
    assert [item.text for item in store.refinements()] == ["b"]
    assert imported.bad_file == tmp_path / "file.bad.jsonl"
    bad = json.loads((tmp_path / "file.bad.jsonl").read_text(encoding="utf-8"))
    assert json.loads(bad["text"]) == rows[1]


def test_the_same_file_twice_brings_nothing_new(tmp_path: Path, store: Store) -> None:
    (tmp_path / "file.json").write_text(json.dumps(OPEN_WEBUI), encoding="utf-8")
    assert moving.bring_in(store, tmp_path / "file.json", "open-webui").imported.new > 0
    assert moving.bring_in(store, tmp_path / "file.json", "open-webui").imported.new == 0


def test_a_wrong_name_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="did you mean 'label-studio'"):
        moving.read(tmp_path, "labelstudio")


def test_xml_with_a_document_type_is_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE q [<!ENTITY a "b">]>\n<question><studentAnswer><response>&a;</response></studentAnswer></question>'
    (tmp_path / "file.xml").write_text(bomb, encoding="utf-8")
    found = moving.read(tmp_path / "file.xml", "saf")
    assert [fault.field for fault in found.faults] == ["document type"]
    (tmp_path / "file.xml").write_text("<question><studentAnswer>", encoding="utf-8")
    assert "not XML" in str(moving.read(tmp_path / "file.xml", "saf").faults[0])


def test_an_archive_is_never_unpacked_and_its_paths_lead_nowhere(tmp_path: Path) -> None:
    import zipfile

    (tmp_path / "in").mkdir()
    xml = "<question><questionText>Q?</questionText><studentAnswer><response>A</response></studentAnswer></question>"
    with zipfile.ZipFile(tmp_path / "in" / "file.zip", "w") as archive:
        archive.writestr("../escaped.xml", xml)
    found = moving.read(tmp_path / "in" / "file.zip", "saf")
    assert [item.text for item in found.responses] == ["A"]
    assert [path.name for path in sorted(tmp_path.rglob("*")) if path.is_file()] == ["file.zip"]


def test_what_rides_along_is_held_against_the_same_rules(tmp_path: Path) -> None:
    for carried, message in (
        ("{", "leave it as it was"),
        ('{"response": {"prompt": "a", "response": "b"}, "comments": [{"text": "x", "kind": "loud"}]}', "sayso.kind"),
        ('{"response": {"prompt": "a"}}', "sayso.response"),
    ):
        row = {"text": "b", "label": [], "sayso": carried}
        found = reading(tmp_path, [row], "doccano", file="file.jsonl")
        assert message in str(found.faults[0])
