"""A file's format is told by its name or its first row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.store.bridges.samples import (
    ARGILLA,
    ARGILLA_FLAT,
    DOCCANO,
    GITHUB,
    KILN_RUN,
    LABEL_STUDIO,
    LANGFUSE_TRACE,
    OPEN_WEBUI,
    PHOENIX_ANNOTATIONS,
    PHOENIX_SPANS,
)
from tests.store.bridges.test_research import FILES

from sayso.errors import NotFoundError, RecordError
from sayso.records import Comment, Response, ask
from sayso.store.bridges import hub
from sayso.store.bridges.guessing import guess
from sayso.store.bridges.results import Records

SAMPLES: list[tuple[str, Any]] = [
    ("argilla", ARGILLA), ("argilla", ARGILLA_FLAT), ("doccano", DOCCANO), ("github", GITHUB), ("kiln", KILN_RUN),
    ("label-studio", LABEL_STUDIO), ("langfuse", LANGFUSE_TRACE), ("open-webui", OPEN_WEBUI),
    ("phoenix", PHOENIX_ANNOTATIONS), ("phoenix", PHOENIX_SPANS),
    ("openai", [{"input": {"messages": []}, "preferred_output": [], "non_preferred_output": []}]),
    ("trl", [{"prompt": "a", "chosen": "b", "rejected": "c"}]), ("trl", [{"prompt": "a", "completion": "b"}]),
    ("trl", [{"messages": []}]), ("trl", [{"prompt": "a"}]),
    ("sayso", [{"text": "Say nothing."}]), ("sayso", [{"text": "x", "prompt": "a", "response": "b"}]),
    ("sayso", [{"prompt": "a", "response": "b", "refinement": "c"}]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), SAMPLES, ids=[f"{name}{n}" for n, (name, _value) in enumerate(SAMPLES)])
def test_a_sample_is_told(tmp_path: Path, name: str, value: Any) -> None:
    (tmp_path / "file.json").write_text(json.dumps(value), encoding="utf-8")
    assert guess(tmp_path / "file.json") == name


@pytest.mark.parametrize("name", FILES)
def test_a_public_set_is_told(shared: Path, name: str) -> None:
    assert guess(shared / "data" / FILES[name][0]) == name


def test_folders_are_told_by_what_is_in_them(tmp_path: Path) -> None:
    hub.write(Records(comments=(Comment(text="x", response=Response(prompt=ask("a"), text="b")),)), tmp_path / "hub")
    assert guess(tmp_path / "hub") == "datasets"
    (tmp_path / "kiln").mkdir()
    (tmp_path / "kiln" / "task_run.kiln").write_text("{}", encoding="utf-8")
    assert guess(tmp_path / "kiln") == "kiln"
    (tmp_path / "trace").mkdir()
    (tmp_path / "trace" / "a.json").write_text(json.dumps([LANGFUSE_TRACE]), encoding="utf-8")
    assert guess(tmp_path / "trace") == "langfuse"


def test_a_file_like_no_other_gets_the_list_of_formats(tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text('{"a": 1}', encoding="utf-8")
    with pytest.raises(RecordError, match=r"--format: sayso, argilla, .*trl"):
        guess(tmp_path / "file.json")
    with pytest.raises(NotFoundError):
        guess(tmp_path / "nowhere.json")
