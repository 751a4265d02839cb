"""Personal data in a text: e-mail addresses, telephone numbers, Chinese identity numbers, bank cards.

Found so that the writer sees it before it is stored. What has a check digit is counted; what has none is found by its form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

PrivateKind = Literal["email", "phone", "identity", "card"]
_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![\w-])",
    re.ASCII,
)
_IDENTITY = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")
_CARD = re.compile(r"(?<![0-9A-Za-z])(?<![0-9][ -])[2-6](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])(?![ -][0-9])")
_CHINESE = re.compile(
    r"(?<![0-9A-Za-z])(?:\+?86[ -]?)?(?:1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}|0[1-9][0-9]{1,2}[ -][2-9][0-9]{6,7})"
    r"(?![0-9A-Za-z])"
)
_INTERNATIONAL = re.compile(r"(?<![0-9A-Za-z+])(?:\+|00)[1-9](?:[ .-]?\(?[0-9]\)?){6,13}(?![0-9A-Za-z])")
_AMERICAN = re.compile(
    r"(?<![0-9A-Za-z-])(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}(?![0-9A-Za-z-])"
)
_DIGITS = re.compile(r"[0-9](?:[ .()-]{0,3}[0-9]){6}")
"""Every number that is looked for has seven digits near one another; a text without such has none."""
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""Of the first 17 digits of an identity number (GB 11643-1999, ISO 7064 MOD 11-2)."""
_CHECKS = "10X98765432"


@dataclass(frozen=True, kw_only=True, slots=True)
class Private:
    """Personal data in a text: of which kind, and where (characters, half open)."""

    kind: PrivateKind
    start: int
    end: int


def find(text: str) -> tuple[Private, ...]:
    """Return the personal data in a text in order, none of it twice: a number is what its check digit says."""
    found: list[Private] = []
    digits = _DIGITS.search(text) is not None
    for kind, pattern, holds in _FINDERS:
        if not ("@" in text if kind == "email" else digits):
            continue
        for match in pattern.finditer(text):
            if holds(match.group()) and not any(item.start < match.end() and match.start() < item.end for item in found):
                found.append(Private(kind=kind, start=match.start(), end=match.end()))
    return tuple(sorted(found, key=lambda item: item.start))


def is_identity(number: str) -> bool:
    """Say whether 18 characters are a Chinese identity number: a region, a date of birth, the check digit."""
    if not 11 <= int(number[:2]) <= 82 or not _is_date(number[6:14]):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    return _CHECKS[total % 11] == number[17].upper()


def is_card(number: str) -> bool:
    """Say whether a number of 13 to 19 digits, with spaces or hyphens or without, has the check digit of Luhn."""
    digits = [int(digit) for digit in _digits(number)][::-1]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return len(set(digits)) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_date(text: str) -> bool:
    try:
        born = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return 1880 <= born.year <= 2100


def _is_phone(number: str) -> bool:
    return 7 <= len(list(_digits(number))) <= 17


def _is_email(_address: str) -> bool:
    return True


def _digits(number: str) -> Iterator[str]:
    return (letter for letter in number if letter.isdigit())


_FINDERS: tuple[tuple[PrivateKind, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("email", _EMAIL, _is_email),
    ("identity", _IDENTITY, is_identity),
    ("card", _CARD, is_card),
    ("phone", _CHINESE, _is_phone),
    ("phone", _INTERNATIONAL, _is_phone),
    ("phone", _AMERICAN, _is_phone),
)
