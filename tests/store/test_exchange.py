"""A file comes in whole or not at all, or without its bad lines, which are kept beside it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from sqlalchemy import event

from sayso.errors import NotFoundError, RecordError, StoreError
from sayso.records import Check, Message, Probe, Prompt, ask
from sayso.store import exchange
from sayso.store.database import Store

ON_A_RESPONSE: dict[str, Any] = {
    "prompt": "I lost my keys.",
    "response": "Where did you last see them? 🔑",
    "text": "Do not ask.",
    "spans": [{"start": 0, "end": 28}],
    "refinement": "I am sorry.",
    "polarity": -1,
    "author": "mei",
    "created": "2026-01-31T09:30:00+08:00",
    "version": "v1",
}
STANDING: dict[str, Any] = {
    "id": "no-question",
    "text": "Do not ask when they bring bad news.",
    "scope_text": "bad news",
    "check": {"name": "excludes", "args": {"text": "?"}},
    "probes": {
        "in": ["I lost my keys.", {"prompt": "I lost my cat.", "family": "lost", "split": "test"}],
        "near": ["I found my keys."],
        "out": [{"messages": [{"role": "system", "content": ""}, {"role": "user", "content": "Tea?"}]}],
    },
}
GOOD: list[dict[str, Any]] = [
    ON_A_RESPONSE,
    STANDING,
    {"text": "Be brief."},
    {"text": "别问。", "id": "简短", "polarity": None, "spans": None, "prompt": None, "supersedes": []},
    {
        "text": "x",
        "messages": [{"role": "user", "content": "a"}],
        "response": {"text": "", "id": "mine"},
        "refinement": ["b", "c"],
    },
    {
        "text": "x",
        "prompt": {"prompt": "a", "family": "f", "id": "p1"},
        "response": "b",
        "refinement": {"text": "c", "source": "tool"},
    },
    {"prompt": "a", "response": "b", "refinement": "only a better one"},
    {"text": "y", "probes": [{"scope": "near", "prompt": "a"}, {"scope": "in", "prompt": {"prompt": "b"}}]},
    {
        "text": "z",
        "supersedes": ["no-question"],
        "status": "withdrawn",
        "kind": "concern",
        "reach": "always",
        "source": "model",
    },
]


def write(path: Path, *lines: Any) -> Path:
    text = "".join((line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)) + "\n" for line in lines)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


# What a line says


def test_a_comment_on_a_response_and_its_refinement_are_read(tmp_path: Path) -> None:
    reading = exchange.read_comments(write(tmp_path / "c.jsonl", ON_A_RESPONSE))
    (comment,), (refinement,) = reading.comments, reading.refinements
    assert comment.response is not None
    assert (comment.response.prompt, comment.response.version, comment.polarity) == (ask("I lost my keys."), "v1", -1.0)
    assert comment.spans[0].quote == "Where did you last see them?"
    assert (refinement.response, refinement.text, refinement.addresses) == (comment.response, "I am sorry.", (comment.id,))


def test_a_standing_comment_is_read_with_its_probes(tmp_path: Path) -> None:
    (comment,) = exchange.read_comments(write(tmp_path / "c.jsonl", STANDING)).comments
    talk = Prompt(messages=(Message(role="system", content=""), Message(role="user", content="Tea?")))
    assert comment.check == Check(name="excludes", args={"text": "?"})
    assert comment.probes == (
        Probe(prompt=ask("I lost my keys."), scope="in"),
        Probe(prompt=ask("I lost my cat.", family="lost", split="test"), scope="in"),
        Probe(prompt=ask("I found my keys."), scope="near"),
        Probe(prompt=talk, scope="out"),
    )


def test_every_good_line_is_taken_and_known_the_second_time(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", *GOOD)
    first, second = exchange.import_comments(store, path), exchange.import_comments(store, path)
    assert (first.faults, first.new, first.known) == ((), len(GOOD), 0)
    assert (second.faults, second.new, second.known) == ((), 0, len(GOOD))
    assert len(store.comments(None)) == len(GOOD) - 1
    assert len(store.refinements()) == 5


def test_blank_lines_a_bom_and_windows_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(b'\xef\xbb\xbf\r\n{"text": "a"}\r\n\r\n  \r\n{"text": "b"}')
    assert [comment.text for comment in exchange.read_comments(path).comments] == ["a", "b"]


def test_separators_of_lines_inside_a_text_do_not_end_it(tmp_path: Path) -> None:
    (comment,) = exchange.read_comments(write(tmp_path / "c.jsonl", {"text": "a\u2028b\x85c\x0bd"})).comments
    assert comment.text == "a\u2028b\x85c\x0bd"


def test_a_packed_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    for name in ("c.jsonl.gz", "c.jsonl"):
        (tmp_path / name).write_bytes(gzip.compress(b'{"text": "a"}\n'))
        assert len(exchange.read_comments(tmp_path / name).comments) == 1


def test_prompts_are_read_and_imported(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", {"prompt": "a", "family": "f", "split": "test"}, {"prompt": "b", "id": "mine"})
    imported = exchange.import_prompts(store, path)
    assert (
        store.prompts()
        == list(imported.prompts)
        == [ask("a", family="f", split="test"), Prompt(messages=ask("b").messages, id="mine")]
    )
    assert exchange.read_prompts(path).prompts == imported.prompts


# Faults


def test_every_fault_is_named_and_nothing_is_imported(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", STANDING, {"txt": "a"}, {"text": "b"}, '{"text": "c', {"text": 7, "polarity": 2})
    imported = exchange.import_comments(store, path)
    assert [str(fault) for fault in imported.faults] == [
        "c.jsonl:2: txt: unknown key; did you mean 'text'?",
        "c.jsonl:4: column 10: the line ends inside the JSON; expected one whole object on each line",
        "c.jsonl:5: text: found 7, expected text",
        "c.jsonl:5: polarity: found 2, expected a number from -1 (bad) to 1 (good)",
    ]
    assert [fault.field for fault in imported.faults] == ["txt", "column 10", "text", "polarity"]
    assert (imported.new, imported.known, imported.bad_file) == (0, 0, None)
    assert store.events() == []


def test_bad_lines_may_be_left_out_and_are_kept_beside_the_file(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", STANDING, "", '{"text": "c', {"text": "after"})
    imported = exchange.import_comments(store, path, skip_bad=True)
    assert imported.bad_file == tmp_path / "c.bad.jsonl"
    (bad,) = map(json.loads, imported.bad_file.read_text(encoding="utf-8").splitlines())
    assert (bad["line"], bad["text"]) == (3, '{"text": "c')
    assert "the line ends inside the JSON" in bad["reason"]
    assert [comment.text for comment in store.comments()] == [STANDING["text"], "after"]
    assert {item.name for item in tmp_path.iterdir()} >= {"c.jsonl", "c.bad.jsonl"}
    assert not [item for item in tmp_path.iterdir() if item.suffix == ".tmp"]


def test_a_line_that_leans_on_a_bad_line_is_bad_too(store: Store, tmp_path: Path) -> None:
    first = {"id": "a", "text": "a", "supersedes": ["nobody"]}
    path = write(tmp_path / "c.jsonl", first, {"id": "b", "text": "b", "supersedes": ["a"]}, {"id": "c", "text": "c"})
    imported = exchange.import_comments(store, path, skip_bad=True)
    assert [fault.where for fault in imported.faults] == ["c.jsonl:1", "c.jsonl:2"]
    assert [comment.id for comment in store.comments(None)] == ["c"]


def test_an_id_used_twice_names_the_line_that_had_it_first(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", STANDING, {**STANDING, "text": "Other."}, STANDING)
    (fault,) = exchange.import_comments(store, path).faults
    assert str(fault).startswith("c.jsonl:2: id: 'no-question' is the id of c.jsonl:1 too, with other content")


def test_an_id_that_the_store_has_with_other_content_is_a_fault(store: Store, tmp_path: Path) -> None:
    exchange.import_comments(store, write(tmp_path / "c.jsonl", STANDING))
    (fault,) = exchange.import_comments(store, write(tmp_path / "d.jsonl", {**STANDING, "text": "Other."})).faults
    assert str(fault).startswith("d.jsonl:1: id: 'no-question' is taken by a record with other content")


def test_a_changed_comment_may_become_its_next_revision(store: Store, tmp_path: Path) -> None:
    changed = {**STANDING, "text": "Never ask."}
    for line, want in (
        (STANDING, "no-question"),
        (changed, "no-question@2"),
        (changed, "no-question@2"),
        (STANDING, "no-question@3"),
    ):
        imported = exchange.import_comments(store, write(tmp_path / "c.jsonl", line), revise=True)
        assert [comment.id for comment in imported.comments] == [want]
    assert [(comment.id, comment.status) for comment in store.comments(None)] == [
        ("no-question", "superseded"),
        ("no-question@2", "superseded"),
        ("no-question@3", "open"),
    ]


def test_the_refinement_of_a_revision_addresses_the_revision(store: Store, tmp_path: Path) -> None:
    line = {**ON_A_RESPONSE, "id": "mine"}
    exchange.import_comments(store, write(tmp_path / "c.jsonl", line), revise=True)
    exchange.import_comments(store, write(tmp_path / "c.jsonl", {**line, "text": "Changed."}), revise=True)
    assert [refinement.addresses for refinement in store.refinements()] == [("mine",), ("mine@2",)]


def test_a_line_longer_than_the_limit_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sayso.store.lines.MAX_LINE_BYTES", 1000)
    exact = '{"text": "' + "x" * (1000 - 12) + '"}'
    assert len(exact) == 1000
    path = write(tmp_path / "c.jsonl", {"text": "y" * 5000}, exact, {"text": "after"})
    reading = exchange.read_comments(path)
    assert [len(comment.text) for comment in reading.comments] == [988, 5]
    assert [(fault.where, fault.field) for fault in reading.faults] == [("c.jsonl:1", "length")]
    assert "expected at most 1000 bytes on a line" in str(reading.faults[0])


def test_a_disk_that_fills_up_during_an_import_leaves_nothing_of_it(sqlite_store: Store, tmp_path: Path) -> None:
    with sqlite_store.reading() as db:
        pages = db.exec_driver_sql("PRAGMA page_count").scalar()
    event.listen(
        sqlite_store.engine, "checkout", lambda raw, *_others: raw.execute(f"PRAGMA max_page_count = {pages}").close()
    )
    path = write(tmp_path / "c.jsonl", *({"text": f"{number} " + "long " * 500} for number in range(50)))
    with pytest.raises(StoreError, match="the disk is full"):
        exchange.import_comments(sqlite_store, path)
    assert sqlite_store.events() == []


def test_an_export_that_cannot_be_written_leaves_the_old_file(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        exchange.export_comments(store, tmp_path / "missing" / "out.jsonl")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        exchange.export_comments(store, tmp_path / "folder")
    assert not [item for item in tmp_path.iterdir() if item.suffix == ".tmp"]


def test_good_prompts_names_the_first_fault_and_counts_the_rest(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"^p.jsonl:1: prompt: found 7, expected text \(and 1 more faults in this file\)$"):
        exchange.good_prompts(write(tmp_path / "p.jsonl", {"prompt": 7}, {"prompt": 8}))
    with pytest.raises(RecordError, match=r"^r.jsonl:1: response: missing; expected a value$"):
        exchange.good_responses(write(tmp_path / "r.jsonl", {"prompt": "a"}))
    with pytest.raises(NotFoundError):
        exchange.good_prompts(tmp_path / "none.jsonl")


# The published schema


@pytest.mark.parametrize("line", GOOD)
def test_the_schema_takes_every_good_line(line: dict[str, Any]) -> None:
    jsonschema.validate(line, exchange.schema("comments"), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "line",
    [
        {"txt": "a"},
        {"text": 7},
        {"text": "a", "prompt": "b"},
        {"text": "a", "spans": [{"start": 0, "end": 1}]},
        {"text": "a", "kind": "praise"},
        {"text": "a", "polarity": 2},
        {"text": "a", "check": {"args": {}}},
        {"text": "a", "probes": {"inside": ["b"]}},
        {"text": "a", "probes": {"in": [{"prompt": "b", "splt": "test"}]}},
        {"text": "a", "probes": {"in": [{"prompt": "b", "messages": []}]}},
        {"refinement": "a"},
        {"text": "a", "refinement": "b"},
        {"text": "a", "response": "b"},
        {"text": None, "prompt": "a", "response": "b"},
        {"text": "a", "prompt": "b", "messages": [{"role": "user", "content": "c"}], "response": "d"},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(line: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(line, exchange.schema("comments"), cls=jsonschema.Draft202012Validator)
    assert exchange.read_comments(write(tmp_path / "c.jsonl", line)).faults


@pytest.mark.parametrize("name", ["comments", "prompts", "responses"])
def test_every_field_of_the_schema_is_described(name: Literal["comments", "prompts", "responses"]) -> None:
    schema = exchange.schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    for shape in (schema, *schema["$defs"].values()):
        assert shape["description"]
        assert [field for field, value in shape["properties"].items() if not value.get("description")] == []


def test_the_schema_takes_what_an_export_writes(store: Store, tmp_path: Path) -> None:
    exchange.import_comments(store, write(tmp_path / "c.jsonl", *GOOD))
    for name, export in (
        ("comments", exchange.export_comments),
        ("prompts", exchange.export_prompts),
        ("responses", exchange.export_responses),
    ):
        export(store, tmp_path / "out.jsonl")
        lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
        assert lines
        for line in lines:
            jsonschema.validate(json.loads(line), exchange.schema(name), cls=jsonschema.Draft202012Validator)  # type: ignore[arg-type]
