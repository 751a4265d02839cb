"""Words of the pages that nobody could translate: in a template outside `_("…")`, in a script outside its table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

NAMES = re.compile(r"\bsayso\b")
WORD = re.compile(r"[^\W\d_]{2,}")
SPOKEN = frozenset(("title", "aria-label", "placeholder", "alt", "aria-description"))
"""Attributes whose words a person sees or hears."""
_JINJA = re.compile(r"\{% block page %\}.*?\{% endblock %\}|\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_CALL = re.compile(r"\bt\((?=((?:[^()\"`]|\"[^\"]*\"|`[^`]*`|\([^()]*\))*))")
_KEY = re.compile(r"\"([a-z]+(?:_[a-z0-9]+)*)\"")
_CHOICE = re.compile(r"[?:]\s*" + _KEY.pattern)
_SENTENCE = re.compile(r"\"([A-Z][a-z]+ [a-z][^\"]*)\"|[>`](?:[A-Z][a-z]+ [a-z]+ [a-z]+)")
_COMMENT = re.compile(r"(?<![:\"'`])//.*$", re.MULTILINE)
_ENTRY = re.compile(r"^\s*\"(\w+)\": _\(", re.MULTILINE)


def faults(web: Path) -> list[str]:
    """Return what is wrong under the folder of the pages: `file: what`."""
    found = []
    table = web / "templates" / "_messages.html"
    keys = set(_ENTRY.findall(table.read_text(encoding="utf-8"))) if table.exists() else set()
    for path in sorted((web / "templates").rglob("*.html")):
        words = untranslated(path.read_text(encoding="utf-8"))
        found += [f"{path.name}: not translatable: {text!r}" for text in words]
    for path in sorted((web / "static").rglob("*.js")):
        script = path.read_text(encoding="utf-8")
        found += [f"{path.name}: no sentence has the key {key!r}" for key in sorted(asked(script) - keys)]
        found += [f"{path.name}: not translatable: {text!r}" for text in sentences(script)]
    return found


def untranslated(template: str) -> list[str]:
    """Return the words of a template that stand outside `{{ _("…") }}`."""
    page = _Page()
    page.feed(_JINJA.sub("", template))
    page.close()
    return page.found


def asked(script: str) -> set[str]:
    """Return the keys that a script asks sentences for, so far as they stand there whole: `t("key")`, `t(x ? "a" : "b")`."""
    return set(_keys(script))


def _keys(script: str) -> Iterator[str]:
    for call in _CALL.finditer(_COMMENT.sub("", script)):
        first = call.group(1).split(", {")[0]
        yield from (_CHOICE if "?" in first else _KEY).findall(first)


def sentences(script: str) -> list[str]:
    """Return literals of a script that read like a sentence."""
    return [match.group() for match in _SENTENCE.finditer(_COMMENT.sub("", script))]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        for name, value in attrs:
            if name in SPOKEN:
                self._see(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._see(data)

    def _see(self, text: str) -> None:
        if WORD.search(NAMES.sub("", text)):
            self.found.append(" ".join(text.split()))
