"""What the pages say is so: links lead somewhere, commands and settings exist, examples are good, translations keep step."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sayso import config
from sayso.cli import COMMANDS, COMMENTS, TOKENIZER
from sayso.critics.words import NotUnderstood, check_from_words
from sayso.loop.settings import Settings
from sayso.store import exchange, forms, wire
from sayso.text import settings as data

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]
TRANSLATED = [name for name in NAMES if name.endswith(".zh.md")]
TUTORIALS = [name for name in NAMES if Path(name).name.startswith("first-round")]
OWN_WORDS = [name for name in NAMES if Path(name).name.startswith("own-words")]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SPAN = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"(?:^|[\s/])sayso((?:\s+(?:-C \S+|--language \w+|-v))*)\s+([a-z]+)(?:\s+([a-z]+))?")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, *languages: str) -> list[tuple[str, str]]:
    """The fenced blocks of a page: language and text."""
    return [found for found in FENCE.findall(text_of(name)) if not languages or found[0] in languages]


def prose(name: str) -> str:
    return FENCE.sub("", text_of(name))


def cases(*languages: str) -> list[Any]:
    """Every block in one of the languages, of every page, as a case of its own."""
    found = [(name, number, block) for name in NAMES for number, (_kind, block) in enumerate(blocks(name, *languages))]
    return [pytest.param(name, block, id=f"{name}:{number}") for name, number, block in found]


def said(name: str) -> Iterator[str]:
    """The commands a page names: lines of shell blocks, indented usage lines, and code within sentences."""
    for _kind, block in blocks(name, "sh"):
        yield from (line for line in block.splitlines() if re.match(r"(\w+=\S+ |\S*/)?sayso ", line))
    yield from (line.strip() for line in prose(name).splitlines() if line.startswith("    sayso "))
    yield from (span for span in SPAN.findall(prose(name)) if span.startswith("sayso "))


def slug(heading: str) -> str:
    """The anchor of a heading, as the usual renderers make it."""
    kept = re.sub(r"[^\w\s-]", "", heading.replace("`", "").strip().lower())
    return re.sub(r"\s", "-", kept)


def headings(name: str) -> list[str]:
    return re.findall(r"^(#+) ", prose(name), re.MULTILINE)


def anchors(name: str) -> set[str]:
    return {slug(found) for found in re.findall(r"^#+ (.+)$", prose(name), re.MULTILINE)}


def links(name: str) -> list[str]:
    return [link for link in LINK.findall(prose(name)) if not re.match(r"[a-z]+:", link)]


def target(name: str, link: str) -> Path:
    return ((ROOT / name).parent / link.partition("#")[0]).resolve() if link[0] != "#" else ROOT / name


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_to_a_file_and_a_heading(name: str) -> None:
    missing = [link for link in links(name) if not target(name, link).exists()]
    assert missing == []
    lost = [
        link
        for link in links(name)
        if "#" in link and slug(link.partition("#")[2]) not in anchors(target(name, link).relative_to(ROOT).as_posix())
    ]
    assert lost == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    indexes = ["README.md", *(name for name in NAMES if name.endswith("/index.md"))]
    reached = {target(name, link) for name in indexes for link in links(name)}
    assert [name for name in NAMES if name != "README.md" and ROOT / name not in reached] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_named_is_a_command(name: str) -> None:
    for line in said(name):
        found = COMMAND.search(line)
        if found is None:  # usage such as `sayso [OPTIONS] COMMAND`
            assert re.match(r"sayso (\[|-)", line), line
            continue
        _options, verb, second = found.groups()
        assert verb in COMMANDS, line
        for group, inner in (("comments", COMMENTS), ("tokenizer", TOKENIZER)):
            if verb == group and second is not None:
                assert second in inner, line


def test_the_commands_on_the_pages_are_found() -> None:
    assert sum(1 for name in NAMES for _line in said(name)) > 50


@pytest.mark.parametrize(("name", "block"), cases("yaml"))
def test_every_settings_file_on_a_page_is_a_good_one(name: str, block: str) -> None:
    found = yaml.safe_load(block)
    if "model_name_or_path" not in found:  # settings of the verbs of `sayso data`
        assert config.build(data.Settings, found, where=name)
        return
    assert config.build(Settings, found, where=name).model_name_or_path


@pytest.mark.parametrize(("name", "block"), cases("json"))
def test_every_line_on_a_page_is_a_good_one(name: str, block: str) -> None:
    objects = list(objects_of(block))
    assert objects
    for value in objects:
        line, faults = wire.shaped(shape_of(value), value)
        assert faults == []
        if isinstance(line, wire.CommentLine):
            forms.records_of(line)
        if isinstance(line, wire.PromptLine):
            forms.prompt_of(line)


def objects_of(block: str) -> Iterator[dict[str, Any]]:
    """The JSON values that stand one after the other, each on one line or more."""
    rest = block.strip()
    while rest:
        value, end = json.JSONDecoder().raw_decode(rest)
        yield value
        rest = rest[end:].strip()


def shape_of(value: dict[str, Any]) -> type[Any]:
    if "name" in value:
        return wire.CheckLine
    if "text" in value or "refinement" in value:
        return wire.CommentLine
    return wire.ResponseLine if "response" in value else wire.PromptLine


@pytest.mark.parametrize("name", TRANSLATED)
def test_a_translation_has_the_headings_and_the_commands_of_its_page(name: str) -> None:
    original = name.replace(".zh.md", ".md")
    assert headings(name) == headings(original)
    assert [bare(found) for found in blocks(name)] == [bare(found) for found in blocks(original)]


def bare(block: tuple[str, str]) -> tuple[str, list[str]]:
    """A block without its comments, which are said in the reader's language."""
    return block[0], [re.sub(r"(^|\s+)# .*", "", line) for line in block[1].splitlines()]


@pytest.mark.parametrize("name", TUTORIALS)
def test_the_tutorial_writes_files_that_can_be_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "write_files.py").write_text(blocks(name, "python")[0][1], encoding="utf-8")
    subprocess.run([sys.executable, "write_files.py"], cwd=tmp_path, check=True, timeout=60)
    assert exchange.good_prompts(tmp_path / "prompts.jsonl")
    for written in ("comments.jsonl", "more.jsonl"):
        reading = exchange.read_comments(tmp_path / written)
        assert reading.faults == ()
        assert reading.comments[0].probes


@pytest.mark.parametrize("name", OWN_WORDS)
def test_the_words_on_the_page_are_understood_as_it_says(name: str) -> None:
    understood, refused = itertools.islice(tables(name), 2)
    for words, check, scope in understood:
        found = check_from_words(words)
        assert not isinstance(found, NotUnderstood), words
        assert (f"`{found.check.name}`", found.scope_text) == (check, scope)
    assert len(understood) > 20
    for words, _why in refused:
        assert isinstance(check_from_words(words), NotUnderstood), words


def tables(name: str) -> Iterator[list[list[str]]]:
    """The rows of every table of a page, without its head."""
    for found in re.findall(r"(?:^\|.*\n)+", prose(name), re.MULTILINE):
        yield [[cell.strip() for cell in row.strip("|").split("|")] for row in found.splitlines()[2:]]
