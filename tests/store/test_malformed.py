"""Hundreds of malformed files: each fault is one clear line that names the place, and the store stays as it was."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.test_exchange import GOOD, ON_A_RESPONSE, STANDING

from sayso.errors import NotFoundError, RecordError, SaysoError
from sayso.store import exchange
from sayso.store.database import Store

FULL: dict[str, Any] = {
    **STANDING,
    **ON_A_RESPONSE,
    "spans": [{"start": 0, "end": 5, "quote": "Where", "prefix": "", "suffix": " "}],
    "refinement": {"text": "Better.", "id": "f1", "refiner": "given", "source": "person", "addresses": []},
    "kind": "fix",
    "reach": "kind",
    "source": "person",
    "status": "open",
    "supersedes": ["earlier"],
}
# What a field accepts besides its own type, so that putting it there is no fault.
ALSO_GOOD: dict[str, tuple[type, ...]] = {
    "prompt": (str, dict),
    "response": (str, dict),
    "refinement": (str, dict, list),
    "probes": (dict, list),
    "polarity": (int, float),
}


def _wrong_types() -> Iterator[tuple[str, str, Any]]:
    for field, right in FULL.items():
        accepted = ALSO_GOOD.get(field, (type(right),))
        for value in ("words", 7, 0.5, True, [7], {"a": 1}):
            if not isinstance(value, accepted) or isinstance(value, bool):
                yield f"{field}={json.dumps(value)}", field, {**FULL, field: value}


def _wrong_inside() -> Iterator[tuple[str, str, Any]]:
    changes: list[tuple[str, tuple[Any, ...], Any]] = [
        ("spans[0].start", ("spans", 0, "start"), "0"),
        ("spans[0].end", ("spans", 0, "end"), 1.5),
        ("spans[0].quote", ("spans", 0, "quote"), 3),
        ("spans[0].quote", ("spans", 0, "quote"), "nowhere"),
        ("spans[0].lenght", ("spans", 0, "lenght"), 3),
        ("spans[0]", ("spans", 0), 3),
        ("check.name", ("check", "name"), None),
        ("check.name", ("check", "name"), " "),
        ("check.args", ("check", "args"), [1]),
        ("check.argz", ("check", "argz"), {}),
        ("probes.in[0]", ("probes", "in", 0), 3),
        ("probes.in[0].prompt", ("probes", "in", 0), " "),
        ("probes.in[1].prompt", ("probes", "in", 1, "prompt"), 3),
        ("probes.in[1].split", ("probes", "in", 1, "split"), "dev"),
        ("probes.in[1].family", ("probes", "in", 1, "family"), 3),
        ("probes.in[1].famly", ("probes", "in", 1, "famly"), "x"),
        ("probes.inn", ("probes", "inn"), []),
        ("probes.near", ("probes", "near"), "words"),
        ("probes.out[0].messages", ("probes", "out", 0, "messages"), "words"),
        ("probes.out[0].messages[1].role", ("probes", "out", 0, "messages", 1, "role"), "robot"),
        ("probes.out[0].messages[1].content", ("probes", "out", 0, "messages", 1, "content"), None),
        ("messages", ("probes", "out", 0, "messages"), []),
        ("messages", ("probes", "out", 0, "messages", 1, "role"), "assistant"),
        ("probes.out[0]", ("probes", "out", 0, "prompt"), "both"),
        ("refinement.text", ("refinement", "text"), 3),
        ("refinement", ("refinement", "text"), " "),
        ("refinement.source", ("refinement", "source"), "god"),
        ("refinement.addresses[0]", ("refinement", "addresses"), ["nobody"]),
        ("refinement.text2", ("refinement", "text2"), "x"),
        ("supersedes[0]", ("supersedes", 0), 3),
        ("supersedes[0]", ("supersedes", 0), "nobody"),
        ("supersedes[0]", ("supersedes", 0), ""),
        ("supersedes[0]", ("supersedes", 0), "no-question"),
        ("kind", ("kind",), "praise"),
        ("reach", ("reach",), "galaxy"),
        ("source", ("source",), "god"),
        ("status", ("status",), "closed"),
        ("created", ("created",), "yesterday"),
        ("created", ("created",), "2026-13-01T00:00:00Z"),
        ("created", ("created",), "2026-01-31T09:30:00"),
        ("polarity", ("polarity",), -1.01),
        ("id", ("id",), ""),
        ("id", ("id",), "x" * 201),
        ("id", ("id",), "a\tb"),
        ("text", ("text",), None),
        ("text", ("text",), " \u3000\n"),
        ("prompt", ("prompt",), None),
        ("prompt", ("prompt",), ""),
        ("prompt", ("prompt",), "\t"),
        ("response", ("response",), None),
        ("messages", ("messages",), [{"role": "user", "content": "both"}]),
        ("Text", ("Text",), "x"),
        ("comment", ("comment",), "x"),
        ("zzz", ("zzz",), None),
    ]
    for field, path, value in changes:
        line = copy.deepcopy(FULL)
        target: Any = line
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = value
        if path == ("messages",):
            field = "prompt"  # noqa: PLW2901 (both are there; the first is named)
        yield f"{'.'.join(map(str, path))}={json.dumps(value)[:20]}", field, line


def _no_json() -> Iterator[tuple[str, str, Any]]:
    whole = json.dumps(FULL)
    for cut in range(1, len(whole) - 1, len(whole) // 24):
        yield f"cut at {cut}", "column ", whole[:cut]
    for name, text, field in (
        ("NaN", '{"text": "a", "polarity": NaN}', "number"),
        ("Infinity", '{"text": "a", "polarity": -Infinity}', "number"),
        ("1e999", '{"text": "a", "polarity": 1e999}', "number"),
        ("huge integer", '{"text": "a", "polarity": ' + "9" * 5000 + "}", "number"),
        ("deep", "[" * 100_000, "line"),
        ("deep object", '{"text":' * 100_000, "line"),
        ("a list", '["text"]', "line"),
        ("a number", "7", "line"),
        ("a string", '"text"', "line"),
        ("null", "null", "line"),
        ("two objects", '{"text": "a"} {"text": "b"}', "column 15"),
        ("single quotes", "{'text': 'a'}", "column 2"),
        ("a comment", "// text", "column 1"),
        ("a trailing comma", '{"text": "a",}', "column "),
        ("a raw tab", '{"text": "a\tb"}', "column 12"),
        ("a key twice", '{"text": "a", "text": "b"}', "text"),
        ("a key twice inside", '{"text": "a", "check": {"name": "a", "name": "b"}}', "name"),
        ("half a pair", '{"text": "\\ud83d"}', "text"),
        ("half a pair in a list", '{"text": "a", "supersedes": ["\\udc00"]}', "supersedes[0]"),
        ("half a pair in a key", '{"text": "a", "\\ud83d": 1}', "\\ud83d"),
        ("a bad escape", '{"text": "\\x"}', "column "),
        ("Latin-1", '{"text": "é"}'.encode("latin-1"), "byte 11"),
        ("half a character", '{"text": "é'.encode()[:-1], "byte 11"),
        ("GBK", '{"text": "别问"}'.encode("gbk"), "byte "),
        ("a surrogate in UTF-8", b'{"text": "\xed\xa0\xbd"}', "byte 11"),
    ):
        yield name, field, text


LINES = [*_wrong_types(), *_wrong_inside(), *_no_json()]
BEFORE = {"id": "earlier", "text": "Said earlier."}


def test_there_are_hundreds_of_them_and_the_line_they_spoil_is_good(store: Store, tmp_path: Path) -> None:
    assert len(LINES) + len(PROMPTS) + len(FILES) > 200
    (tmp_path / "good.jsonl").write_text(json.dumps(BEFORE) + "\n" + json.dumps(FULL), encoding="utf-8")
    assert exchange.import_comments(store, tmp_path / "good.jsonl").faults == ()


@pytest.mark.parametrize(("field", "line"), [pytest.param(*rest, id=name) for name, *rest in LINES])
def test_a_malformed_line_is_named_and_changes_nothing(full_store: Store, tmp_path: Path, field: str, line: Any) -> None:
    raw = line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
    path = tmp_path / "bad.jsonl"
    path.write_bytes(json.dumps(BEFORE).encode() + b"\n\n" + raw + b"\n" + json.dumps({"text": "after"}).encode())
    before = full_store.events()
    imported = exchange.import_comments(full_store, path)
    assert imported.faults
    assert {fault.where for fault in imported.faults} == {"bad.jsonl:3"}
    assert any(fault.field.startswith(field) for fault in imported.faults), list(map(str, imported.faults))
    for fault in imported.faults:
        sentence = str(fault)
        assert sentence.startswith(f"bad.jsonl:3: {fault.field}: ")
        assert "\n" not in sentence
        assert len(sentence) < 500
        assert any(word in sentence for word in ("expected", "did you mean"))
    assert full_store.events() == before


PROMPTS = [
    ("nothing", "prompt", {}),
    ("both", "prompt", {"prompt": "a", "messages": [{"role": "user", "content": "a"}]}),
    ("a number", "prompt", {"prompt": 7}),
    ("no words", "prompt", {"prompt": " "}),
    ("no messages", "messages", {"messages": []}),
    ("the model speaks last", "messages", {"messages": [{"role": "assistant", "content": "a"}]}),
    ("a wrong role", "messages[0].role", {"messages": [{"role": "bot", "content": "a"}]}),
    ("no content", "messages[0].content", {"messages": [{"role": "user"}]}),
    ("a wrong split", "split", {"prompt": "a", "split": "dev"}),
    ("a number as family", "family", {"prompt": "a", "family": 3}),
    ("an empty id", "id", {"prompt": "a", "id": ""}),
    ("a control character in an id", "prompt.id", {"prompt": "a", "id": "\x07"}),
    ("an unknown key", "promt", {"promt": "a"}),
    ("another split", "split", {"prompt": "known", "split": "train"}),
    ("another family", "family", {"prompt": "known", "family": "other"}),
    ("a taken id", "id", {"prompt": "words", "id": "mine"}),
]


@pytest.mark.parametrize(("field", "line"), [pytest.param(*rest, id=name) for name, *rest in PROMPTS])
def test_a_malformed_prompt_is_named_and_changes_nothing(full_store: Store, tmp_path: Path, field: str, line: Any) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps({"prompt": "fine"}) + "\n" + json.dumps(line), encoding="utf-8")
    before = full_store.events()
    faults = exchange.import_prompts(full_store, path).faults
    assert [fault.where for fault in faults] == ["bad.jsonl:2"] * len(faults)
    assert field in [fault.field for fault in faults]
    assert full_store.events() == before


FILES: list[tuple[str, bytes, str]] = [
    ("empty", b"", "holds no line"),
    ("only blank lines", b"\n \n\r\n", "holds no line"),
    ("only a BOM", b"\xef\xbb\xbf", "holds no line"),
    ("UTF-16", '{"text": "a"}\n'.encode("utf-16"), "not text in UTF-8"),
    ("UTF-16 without a BOM", '{"text": "a"}\n'.encode("utf-16-le"), "not text in UTF-8"),
    ("UTF-32", '{"text": "a"}\n'.encode("utf-32"), "not text in UTF-8"),
    ("binary", bytes(range(256)) * 4, "not text in UTF-8"),
    ("a JSON list", b'[{"text": "a"}]', "convert it with `jq -c '.[]'`"),
    ("a JSON list over lines", b'[\n  {"text": "a"}\n]\n', "convert it with `jq -c '.[]'`"),
    ("gzip cut off", gzip.compress(b'{"text": "a"}\n' * 100)[:-12], "the gzip file is cut off or damaged"),
    ("gzip damaged", gzip.compress(b'{"text": "a"}\n')[:12] + b"\xff" * 20, "the gzip file is cut off or damaged"),
    ("empty gzip", gzip.compress(b""), "holds no line"),
]


@pytest.mark.parametrize(("content", "sentence"), [pytest.param(*rest, id=name) for name, *rest in FILES])
def test_a_file_that_is_no_jsonl_is_refused_in_one_line(
    full_store: Store, tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    before = full_store.events()
    for read in (exchange.import_comments, exchange.import_prompts, exchange.import_responses):
        with pytest.raises(RecordError) as error:
            read(full_store, path, skip_bad=True)
        assert str(error.value).startswith("bad.jsonl: ")
        assert sentence in str(error.value)
        assert "\n" not in str(error.value)
    assert full_store.events() == before


def test_a_file_that_is_not_there_or_is_a_folder_is_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"none\.jsonl: there is no such file"):
        exchange.import_comments(store, tmp_path / "none.jsonl")
    with pytest.raises(RecordError, match="found a folder; expected a JSONL file"):
        exchange.import_comments(store, tmp_path)


@given(
    st.lists(st.binary(max_size=60) | st.sampled_from([json.dumps(line).encode() for line in GOOD]), max_size=4), st.data()
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_bytes_only_our_own_errors_come_out(tmp_path: Path, lines: list[bytes], data: st.DataObject) -> None:
    raw = bytearray(b"\n".join(lines))
    for _ in range(data.draw(st.integers(0, 3)) if raw else 0):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "any.jsonl"
    path.write_bytes(raw)
    said = _said(path)
    assert all(line.startswith("any.jsonl:") for line in said)


def _said(path: Path) -> list[str]:
    try:
        return [str(fault) for fault in exchange.read_comments(path).faults]
    except SaysoError as error:
        return [str(error)]
