"""The catalogues of messages: extract every sentence a user may see, merge them into sayso.po, compile sayso.mo.

    python tools/messages.py            update and compile
    python tools/messages.py --check    fail when a sentence is not translated, or a catalogue is stale

Sentences are found in `_("…")` and `gettext("…")`, in the first argument of our errors, in the second of `extra`, in the
help of the command line, in `{{ _("…") }}` of templates, and in click, whose own sentences a user sees too. The pages'
scripts take theirs by key from the template `_messages.html`. Words that stand in a page or a script untranslated are
faults as well (see `page_words.py`).
"""

from __future__ import annotations

import ast
import inspect
import io
import string
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

sys.path.append(str(Path(__file__).resolve().parents[1]))  # as a script this file does not see its neighbours

from tools import page_words

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "sayso"
LANGUAGES = ("zh",)
ERRORS = frozenset(
    ("SaysoError", "SettingsError", "RecordError", "NotFoundError", "PreflightError", "StoreError", "ModelError",
     "MissingExtraError", "ConflictError", "NotAllowedError", "PeerError", "NoRoomError", "BrokenOffError")
)  # fmt: skip
CLICK = ("core", "decorators", "exceptions", "formatting", "parser", "types")
TEMPLATES = (".html", ".j2", ".jinja", ".svg", ".txt", ".md")
WHEN = datetime(2026, 1, 1, tzinfo=UTC)  # a catalogue changes with its sentences, not with the clock


@dataclass(kw_only=True)
class Found:
    """Sentences by where they stand, in order; and what cannot be translated because it is no literal."""

    places: dict[str | tuple[str, str], list[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def add(self, message: str | tuple[str, str], place: str) -> None:
        places = self.places.setdefault(message, [])
        if place not in places:
            places.append(place)


def extract() -> Found:
    """Return every sentence of the package, and of click."""
    found = Found()
    for path in sorted(SOURCE.rglob("*.py")):
        _python(path, path.relative_to(ROOT).as_posix(), found)
    for path in sorted(path for path in SOURCE.rglob("*") if path.suffix in TEMPLATES and "locale" not in path.parts):
        with path.open("rb") as file:
            for _line, _function, message, _comments in babel_extract(file, ["_", "gettext"], [], {"encoding": "utf-8"}):
                if isinstance(message, str):
                    found.add(message, path.relative_to(ROOT).as_posix())
    found.faults += page_words.faults(SOURCE / "web")
    folder = Path(inspect.getfile(click)).parent
    for name in CLICK:
        _python(folder / f"{name}.py", f"click/{name}.py", found)
    return found


def _python(path: Path, place: str, found: Found) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        for message in _messages(node, cli="/cli/" in place):
            found.add(message, place)
        if _is_fault(node, ours=not place.startswith("click/")):
            found.faults.append(f"{place}:{node.lineno}: the sentence is no literal, so it cannot be translated")


def _messages(node: ast.AST, *, cli: bool) -> Iterator[str | tuple[str, str]]:
    if isinstance(node, ast.Call):
        texts = [item.value for item in node.args[:2] if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        name = _name(node.func)
        if name == "ngettext" and len(texts) == 2:
            yield texts[0], texts[1]
        elif name == "extra" and len(node.args) > 1 and _literal(node.args[1]):
            yield _text(node.args[1])
        elif name in ERRORS | {"_", "gettext"} and texts and node.args[0] is not None and _literal(node.args[0]):
            yield texts[0]
        yield from (_text(item.value) for item in node.keywords if cli and item.arg == "help" and _literal(item.value))
    if cli and isinstance(node, ast.FunctionDef) and any(_is_command(item) for item in node.decorator_list):
        yield inspect.cleandoc(ast.get_docstring(node) or "")
    if cli and isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
        for value in node.value.values:
            if isinstance(value, ast.Tuple) and len(value.elts) == 2 and _literal(value.elts[1]):
                yield _text(value.elts[1])


def _is_fault(node: ast.AST, *, ours: bool) -> bool:
    if not (ours and isinstance(node, ast.Call) and node.args):
        return False
    return _name(node.func) in ERRORS | {"_", "gettext"} and isinstance(node.args[0], ast.JoinedStr | ast.BinOp)


def _is_command(node: ast.expr) -> bool:
    name = _name(node.func) if isinstance(node, ast.Call) else _name(node)
    return name in ("verb", "group", "command")


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(node.value)


def _text(node: ast.expr) -> str:
    assert isinstance(node, ast.Constant)
    return str(node.value)


def merged(language: str, found: Found) -> Catalog:
    """Return the language's catalogue with exactly the sentences found, translations kept."""
    old = _read(language)
    new = Catalog(locale=language, domain="sayso", project="sayso", version="", charset="utf-8", creation_date=WHEN,
        revision_date=WHEN, header_comment="# Translations of sayso; tools/messages.py keeps this file.",
        last_translator="the sayso authors", language_team="", msgid_bugs_address="", fuzzy=False)  # fmt: skip
    for message, places in found.places.items():
        known = old.get(message[0] if isinstance(message, tuple) else message)
        new.add(message, known.string if known else None, locations=[(place, 0) for place in places],
            flags={"fuzzy"} if known and known.fuzzy else ())  # fmt: skip
    return new


def _read(language: str) -> Catalog:
    path = folder(language) / "sayso.po"
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def folder(language: str) -> Path:
    """Return where a language's catalogue lies."""
    return SOURCE / "locale" / language / "LC_MESSAGES"


def po(catalogue: Catalog) -> bytes:
    """Return a catalogue as the bytes of its .po file."""
    file = io.BytesIO()
    write_po(file, catalogue, width=120, include_lineno=False, sort_by_file=False, omit_header=False)
    return file.getvalue()


def mo(catalogue: Catalog) -> bytes:
    """Return a catalogue as the bytes of its .mo file."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def faults(catalogue: Catalog) -> Iterator[str]:
    """Give what is wrong with the translations: missing, fuzzy, or with other fields than the original."""
    for message in catalogue:
        if not message.id:
            continue
        originals = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        if not all(strings):
            yield f"not translated: {originals[0]!r}"
        elif message.fuzzy:
            yield f"fuzzy: {originals[0]!r}"
        elif any(_fields(text) != _fields(originals[-1]) for text in strings):
            yield f"other fields than the original: {originals[0]!r} → {strings[0]!r}"


def _fields(text: str) -> list[str] | str:
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        return "broken"
    return sorted(name for _before, name, _spec, _conversion in parts if name is not None)


def check() -> list[str]:
    """Return everything that is wrong with the catalogues."""
    found = extract()
    problems = list(found.faults)
    for language in LANGUAGES:
        catalogue = merged(language, found)
        problems += faults(catalogue)
        for name, wanted in (("sayso.po", po(catalogue)), ("sayso.mo", mo(catalogue))):
            path = folder(language) / name
            if not path.exists() or path.read_bytes() != wanted:
                problems.append(f"stale: {path.relative_to(ROOT)}; run python tools/messages.py")
    return problems


def update() -> None:
    """Write and compile the catalogues."""
    found = extract()
    for language in LANGUAGES:
        catalogue = merged(language, found)
        folder(language).mkdir(parents=True, exist_ok=True)
        (folder(language) / "sayso.po").write_bytes(po(catalogue))
        (folder(language) / "sayso.mo").write_bytes(mo(catalogue))


def main(args: list[str]) -> int:
    """Update the catalogues, or check them; return the exit code."""
    if "--check" not in args:
        update()
    problems = check()
    print(*problems, sep="\n", end="\n" if problems else "")
    print(f"messages: {len(problems)} problems" if problems else "messages: every sentence is translated")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
