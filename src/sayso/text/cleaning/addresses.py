"""Postal addresses by their form: a street and a number, English or Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator

_KINDS = (
    "Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Square|Sq|Place|Pl|Terrace|Ter|Way|Highway|Hwy|Parkway|"
    "Pkwy|Crescent|Close|Gardens"
)  # fmt: skip
_ENGLISH = re.compile(
    r"(?<![\w.$€£-])\d{1,5}[A-Za-z]? (?:[NSEW]\.? )?(?:[A-Z][a-z'’]+ |\d{1,3}(?:st|nd|rd|th) ){1,3}"
    rf"(?:{_KINDS})\b\.?"
    r"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|#)\.? ?\w{1,6})?"
    r"(?:,? [A-Z][a-z]+(?: [A-Z][a-z]+)?,? (?:[A-Z]{2} \d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}))?"
)
_NUMBERED = re.compile(r"[0-9]{1,5}[A-Za-z]? (?=[A-Z0-9])")
"""How every English address begins."""
_BOX = re.compile(r"(?<!\w)P\. ?O\. ?Box \d{1,6}|(?<!\w)PO Box \d{1,6}")
_NUMBER = r"[0-9０-９一二三四五六七八九十百]{1,5}"
_CHINESE = re.compile(
    rf"(?:路|街|大道|巷|弄|胡同|新村|村|道|里|段)\s?{_NUMBER}(?:[-—－之][0-9０-９]{{1,4}})?\s?(?:号|弄)(?:院|楼)?"
    r"(?:\s?[0-9０-９A-Za-z一二三四五六七八九十]{1,5}\s?(?:号楼|号院|栋|幢|座|单元|室|楼|层|号|房)){0,4}"
)
_STOPS = frozenset("在于到住是往去至从为的和与及有来找给向离过经把被寄送说")
_LONGEST = 24


def find(text: str) -> Iterator[tuple[int, int]]:
    """Yield where postal addresses stand."""
    for number in _NUMBERED.finditer(text):
        match = _ENGLISH.match(text, number.start())
        if match:
            yield match.span()
    if "Box " in text:
        for match in _BOX.finditer(text):
            yield match.span()
    if not text.isascii():
        for match in _CHINESE.finditer(text):
            start = _beginning(text, match.start())
            if start < match.start():
                yield start, match.end()


def _beginning(text: str, at: int) -> int:
    """Return where the names of places before a street's kind begin: Chinese puts no space there."""
    for start in range(at, max(-1, at - _LONGEST - 1), -1):
        if start == 0:
            return 0
        before = text[start - 1]
        if before in _STOPS or not ("\u4e00" <= before <= "\u9fff" or before.isdigit()):
            return start
    return max(0, at - _LONGEST)
