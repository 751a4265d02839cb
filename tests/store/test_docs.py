"""The page on files shows lines that can be read, and names every key there is."""

from __future__ import annotations

import re
from pathlib import Path

from sayso.store import exchange, wire

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "files.md").read_text(encoding="utf-8")


def test_every_example_on_the_page_is_a_good_line(tmp_path: Path) -> None:
    blocks = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 4
    for block, read in zip(
        blocks, [exchange.read_comments] * 2 + [exchange.read_prompts, exchange.read_responses], strict=True
    ):
        lines = block.splitlines() if read is exchange.read_prompts else [block.replace("\n", " ")]
        (tmp_path / "example.jsonl").write_text("\n".join(lines), encoding="utf-8")
        assert read(tmp_path / "example.jsonl").faults == ()


def test_every_key_is_on_the_page() -> None:
    keys = {key for name in wire.SHAPES for key in wire.schema(name)["properties"]}  # type: ignore[arg-type]
    assert [key for key in sorted(keys) if f"`{key}`" not in PAGE] == []


def test_the_faults_on_the_page_are_the_ones_a_reader_gets(tmp_path: Path) -> None:
    path = tmp_path / "comments.jsonl"
    path.write_text('{"text": "a"}\n{"txt": "a"}\n\n\n{"text": "a", "polarity": 2}\n', encoding="utf-8")
    for fault in exchange.read_comments(path).faults:
        assert str(fault) in PAGE
