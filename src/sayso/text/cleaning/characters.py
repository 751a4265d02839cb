"""Characters made right: wrong decoding repaired, one form for what looks the same, no controls, plain white space.

Each function takes a text and returns it; what is right already comes back as it is.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any, Literal

from sayso.text.files import opening

Normal = Literal["NFC", "NFKC", "keep"]
FullWidth = Literal["keep", "letters", "all"]
Script = Literal["keep", "simplified", "traditional"]

_SUSPECT = re.compile(
    r"[\x80-\u2017\u201a\u201b\u201e-\u2025\u2027-\u2fff][\x80-\u2fff]|[\xc2\xc3] |[\x1b\x80-\x9f\ud800-\udfff]"
    r"|&(?:#\w|\w\w)"
)
"""Whatever is repaired shows this: a byte above 127 that was taken for a letter never stands alone in UTF-8."""
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile(
    r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    r"\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
_BLANKS = re.compile(r"[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_CHINESE_INDENT = re.compile(r"^\u3000+", re.MULTILINE)
_INNER = re.compile(r"(?<=\S)(?:[ \t]{2,}|\t)(?=\S)")
_EMPTY_LINES = re.compile(r"\n{3,}")
_LETTERS = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_ALL = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def repaired(text: str) -> str:
    """Return a text whose wrong decoding is undone and whose HTML entities are characters, by ftfy.

    Quotes, ligatures and widths stay as they were written. Most texts hold nothing to repair, and are not looked at further.

    Raises:
        MissingExtraError: ftfy is not installed.
    """
    if not _SUSPECT.search(text):
        return text
    library, config = _ftfy()
    return str(library.fix_text(text, config))


def normal(text: str, form: Normal = "NFC") -> str:
    """Return a text in a Unicode normal form."""
    return text if form == "keep" or text.isascii() else unicodedata.normalize(form, text)


def half_width(text: str, which: FullWidth = "letters") -> str:
    """Return a text with full-width letters and digits in their usual width; `all` does the same with marks."""
    return text if which == "keep" or text.isascii() else text.translate(_LETTERS if which == "letters" else _ALL)


def in_script(text: str, script: Script) -> str:
    """Return a Chinese text in simplified or traditional characters, by opencc.

    Raises:
        MissingExtraError: opencc is not installed.
    """
    return (
        text
        if script == "keep" or text.isascii()
        else str(_opencc("t2s" if script == "simplified" else "s2t").convert(text))
    )


def without_controls(text: str) -> str:
    """Return a text without control characters, invisible ones and marks of direction; every end of a line is one kind.

    The joiners of emoji and of Indic and Persian script stay.
    """
    if _printable(text):
        return text
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def spaced(text: str) -> str:
    """Return a text with plain spaces: none at ends of lines, one between words, one empty line between paragraphs.

    What a line begins with stays, as programs and lists need it; but not the two wide spaces before a Chinese paragraph.
    """
    if not text.isascii() and not _printable(text):
        text = _BLANKS.sub(" ", _CHINESE_INDENT.sub("", text))
    if " \n" in text or "\t\n" in text:
        text = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    if "  " in text or "\t" in text:
        text = _INNER.sub(" ", text.rstrip())
    return _EMPTY_LINES.sub("\n\n", text).strip("\n").rstrip()


def _printable(text: str) -> bool:
    """Say whether a text holds nothing but letters, marks, plain spaces and ends of lines; quick, and most texts do."""
    return text.replace("\n", "").replace("\t", "").isprintable()


@cache
def _ftfy() -> tuple[Any, Any]:
    library = opening.extra("ftfy", "repairing encodings needs the package ftfy: pip install 'sayso[data]'")
    return library, library.TextFixerConfig(
        uncurl_quotes=False, fix_latin_ligatures=False, fix_character_width=False, normalization=None,
        remove_control_chars=False, remove_terminal_escapes=True, fix_line_breaks=False, explain=False,
    )  # fmt: skip


@cache
def _opencc(name: str) -> Any:
    return opening.extra(
        "opencc", "simplified and traditional Chinese need the package opencc: pip install 'sayso[zh]'"
    ).OpenCC(name)
