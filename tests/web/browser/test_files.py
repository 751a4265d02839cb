"""The pages' own files: small modules, nothing inline, every sentence asked for and every sentence used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tools import page_words

WEB = Path(__file__).resolve().parents[3] / "src" / "sayso" / "web"
SCRIPTS = sorted((WEB / "static" / "js").glob("*.js"))
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
IMPORT = re.compile(r'from "\./(\w+)\.js"')


def test_no_module_is_longer_than_250_lines() -> None:
    assert [path.name for path in SCRIPTS if len(path.read_text(encoding="utf-8").splitlines()) > 250] == []


def test_nothing_is_inline_that_the_policy_would_refuse() -> None:
    bad = re.compile(r"\sstyle=|\son\w+=|<style|<script(?![^>]*(src=|application/json))|https?://", re.IGNORECASE)
    assert [
        (path.name, match.group()) for path in TEMPLATES for match in bad.finditer(path.read_text(encoding="utf-8"))
    ] == []


def test_scripts_and_styles_ask_no_other_host() -> None:
    files = [*SCRIPTS, *(WEB / "static" / "css").glob("*.css")]
    found = [
        (path.name, match) for path in files for match in re.findall(r"https?://[^\"' )]+", path.read_text(encoding="utf-8"))
    ]
    assert [item for item in found if item[1] != "http://www.w3.org/2000/svg"] == []


@pytest.mark.parametrize(
    "path",
    [path for path in TEMPLATES if "scripts %}<script" in path.read_text(encoding="utf-8")],
    ids=lambda path: path.stem,
)
def test_a_page_names_the_modules_it_needs_so_that_they_come_at_once(path: Path) -> None:
    named = set(re.findall(r"'(\w+)'", re.search(r"set modules = \[(.*?)\]", path.read_text(encoding="utf-8")).group(1)))  # type: ignore[union-attr]
    needed: set[str] = set()
    todo = [path.stem]
    while todo:
        script = (WEB / "static" / "js" / f"{todo.pop()}.js").read_text(encoding="utf-8")
        fresh = set(IMPORT.findall(script)) - needed
        needed |= fresh
        todo += fresh
    assert named == needed


def test_every_sentence_of_the_table_is_used() -> None:
    table = (WEB / "templates" / "_messages.html").read_text(encoding="utf-8")
    keys = set(re.findall(r'^\s*"(\w+)": _\(', table, re.MULTILINE))
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    starts = tuple(re.findall(r"t\(`([a-z_]+)\$\{", scripts))
    assert [key for key in sorted(keys) if f'"{key}"' not in scripts and not key.startswith(starts)] == []


def test_every_sentence_that_a_script_asks_for_is_there() -> None:
    assert page_words.faults(WEB) == []


def test_words_that_nobody_could_translate_are_found() -> None:
    page = '<p title="Hello you">{{ _("said") }}</p>{% if x %}<b>Bare words</b>{% endif %}<i>sayso</i>'
    assert page_words.untranslated(page) == ["Hello you", "Bare words"]
    assert page_words.asked('t("one") + t(x ? "two" : "three", { n: t("four") }) // t("five")') == {
        "one",
        "two",
        "three",
        "four",
    }
    assert page_words.sentences('h("p", {}, "Some words here")') == ['"Some words here"']
