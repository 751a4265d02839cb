"""Personal data in texts to learn from: found, counted, and masked so that nothing of it can be found again.

Found are e-mail addresses, telephone numbers, identity numbers, bank cards (`sayso.text.cleaning.private`), addresses of
computers, postal addresses (`sayso.text.cleaning.addresses`), and what stands behind the name of a field
(`sayso.text.cleaning.fields`); with `presidio=True` also what Microsoft's presidio finds, where it is installed with a
language model.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from sayso.errors import MissingExtraError, SettingsError
from sayso.text.cleaning import addresses, fields, private
from sayso.text.files import opening

KINDS = ("email", "phone", "identity", "card", "ip", "address", "name", "account", "secret", "birth")
_IP = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w]|\.[0-9])")
_ROUNDS = 20
_PRESIDIO = {
    "PERSON": "name", "LOCATION": "address", "PHONE_NUMBER": "phone", "EMAIL_ADDRESS": "email", "CREDIT_CARD": "card",
    "IP_ADDRESS": "ip", "US_SSN": "identity", "IBAN_CODE": "account", "US_PASSPORT": "identity",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Masking:
    """What counts as personal data, and what is put in its place."""

    kinds: tuple[str, ...] = KINDS
    """Which kinds are masked."""
    mask: str = "[{kind}]"
    """What stands in the place of something found; {kind} is its kind."""
    presidio: bool = False
    """Whether presidio looks too: names of persons and places in running text, slowly."""
    presidio_language: str = "en"
    """The language that presidio is told; it needs a model for it."""

    def __post_init__(self) -> None:
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown:
            raise SettingsError("private.kinds: {found!r} is not known; expected some of {known}", found=unknown[0],
                known=", ".join(KINDS))  # fmt: skip
        for kind in KINDS:
            if _found(self._told(kind), KINDS) or "\n" in self.mask:
                raise SettingsError("private.mask: {found!r} looks like personal data itself; expected such as '[{{kind}}]'",
                    found=self.mask)  # fmt: skip

    def _told(self, kind: str) -> str:
        return self.mask.replace("{kind}", kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Personal data in a text: its kind and where (characters, half open)."""

    kind: str
    start: int
    end: int


def find(text: str, settings: Masking) -> list[Found]:
    """Return the personal data in a text in order, none of it twice; what is masked already is none."""
    found = _found(text, settings.kinds)
    if settings.presidio:
        found += [item for item in _by_presidio(text, settings) if item.kind in settings.kinds]
    masks = [(match.start(), match.end()) for match in _masks(settings).finditer(text)]
    return _apart(sorted(_outside(found, masks), key=lambda item: (item.start, -item.end)))


def masked(text: str, settings: Masking) -> tuple[str, list[Found]]:
    """Return a text in which nothing personal can be found, and what was found in it first."""
    first = found = find(text, settings)
    for _round in range(_ROUNDS):
        if not found:
            break
        for item in reversed(found):
            text = f"{text[: item.start]}{settings.mask.replace('{kind}', item.kind)}{text[item.end :]}"
        found = find(text, settings)
    return text, first


def _found(text: str, kinds: tuple[str, ...]) -> list[Found]:
    return [item for item in _every(text) if item.kind in kinds]


def _every(text: str) -> Iterator[Found]:
    for item in private.find(text):
        yield Found(kind=item.kind, start=item.start, end=item.end)
    for value in fields.find(text):
        yield Found(kind=value.kind, start=value.start, end=value.end)
    for start, end in addresses.find(text):
        yield Found(kind="address", start=start, end=end)
    for match in _IP.finditer(text):
        if _is_global(match.group()):
            yield Found(kind="ip", start=match.start(), end=match.end())


def _is_global(number: str) -> bool:
    try:
        return ipaddress.IPv4Address(number).is_global
    except ValueError:
        return False


def _outside(found: list[Found], masks: list[tuple[int, int]]) -> Iterator[Found]:
    """Yield what touches no mask, and of what holds one only the part before it."""
    for item in found:
        inside = [start for start, end in masks if start < item.end and item.start < end]
        if not inside:
            yield item
        elif min(inside) > item.start:
            yield Found(kind=item.kind, start=item.start, end=min(inside))


def _apart(found: list[Found]) -> list[Found]:
    kept: list[Found] = []
    for item in found:
        if not kept or item.start >= kept[-1].end:
            kept.append(item)
    return kept


@cache
def _masks(settings: Masking) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(settings.mask.replace("{kind}", kind)) for kind in KINDS))


def _by_presidio(text: str, settings: Masking) -> Iterator[Found]:
    for item in _analyzer().analyze(text=text, language=settings.presidio_language):
        if item.entity_type in _PRESIDIO:
            yield Found(kind=_PRESIDIO[item.entity_type], start=item.start, end=item.end)


@cache
def _analyzer() -> Any:
    library = opening.extra("presidio_analyzer", "private.presidio needs the package: pip install presidio-analyzer")
    try:
        return library.AnalyzerEngine()
    except (OSError, ImportError, SystemExit) as error:  # spaCy wants to download a model, and leaves when it cannot
        raise MissingExtraError(
            "presidio cannot start ({reason}); install a language model: python -m spacy download en_core_web_lg",
            reason=str(error),
        ) from error
