"""In which language a text is, by lingua, offline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from sayso.errors import SettingsError
from sayso.text.files import opening

WIDESPREAD = (
    "en",
    "zh",
    "es",
    "fr",
    "de",
    "pt",
    "it",
    "nl",
    "ru",
    "ja",
    "ko",
    "ar",
    "tr",
    "pl",
    "vi",
    "id",
    "hi",
    "fa",
    "uk",
    "sv",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Languages:
    """Which languages are kept, and among which a text's language is sought."""

    keep: tuple[str, ...] = ()
    """ISO 639-1 codes, such as en, zh; none keeps every language, and does not look."""
    among: tuple[str, ...] = WIDESPREAD
    """The languages that are told apart. More cost memory and mistakes; those kept are always among them."""
    least: float = 0.5
    """Below this confidence the language counts as unknown, and the text is dropped."""
    characters: int = 1000
    """How much of a text is looked at, from its beginning."""
    accuracy: Literal["low", "high"] = "low"
    """`high` is surer of texts under 120 characters, and needs twenty times the time to start and ten times the memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A text's language (ISO 639-1; `unknown` where nothing speaks for any), and how sure that is."""

    code: str
    confidence: float


def detect(text: str, settings: Languages) -> Found:
    """Return the language of a text.

    Raises:
        MissingExtraError: lingua is not installed.
        SettingsError: a code is of no language that lingua knows.
    """
    detector = _detector(tuple(sorted({*settings.among, *settings.keep})), settings.accuracy)
    values = detector.compute_language_confidence_values(text[: settings.characters])
    best = max(values, key=lambda value: value.value, default=None)
    if best is None or best.value <= 1 / len(values):
        return Found(code="unknown", confidence=0.0)
    return Found(code=best.language.iso_code_639_1.name.lower(), confidence=best.value)


def refusal(text: str, settings: Languages) -> str | None:
    """Return why a text is dropped: its language is none of those that are kept."""
    if not settings.keep:
        return None
    found = detect(text, settings)
    if found.confidence < settings.least:
        return "language: unknown"
    return None if found.code in settings.keep else f"language: {found.code}"


def check(codes: Sequence[str]) -> None:
    """Pass silently when lingua knows every code.

    Raises:
        SettingsError: it does not know one.
    """
    known = _known()
    for code in codes:
        if code not in known:
            raise SettingsError(
                "language {code!r} is not known; expected ISO 639-1 codes: {known}",
                code=code,
                known=", ".join(sorted(known)),
            )


@cache
def _detector(codes: tuple[str, ...], accuracy: str) -> Any:
    check(codes)
    known = _known()
    builder = _lingua().LanguageDetectorBuilder.from_languages(*(known[code] for code in codes))
    return (builder.with_low_accuracy_mode() if accuracy == "low" else builder).build()


@cache
def _known() -> dict[str, Any]:
    return {language.iso_code_639_1.name.lower(): language for language in _lingua().Language.all()}


def _lingua() -> Any:
    return opening.extra(
        "lingua", "finding a text's language needs the package lingua-language-detector: pip install 'sayso[data]'"
    )
