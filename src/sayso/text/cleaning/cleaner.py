"""Cleaning of texts: steps that change a text, then rules that keep or drop it.

Every step is a plain function of a text. The steps are gone through again until none of them changes anything, so that
cleaning what is clean changes nothing; a text that never comes to rest is dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sayso.errors import RecordError
from sayso.text.cleaning import characters, language, markup, masking, quality, web
from sayso.text.cleaning.characters import FullWidth, Normal, Script
from sayso.text.cleaning.language import Languages
from sayso.text.cleaning.markup import Html
from sayso.text.cleaning.masking import Masking
from sayso.text.cleaning.quality import Gopher
from sayso.text.cleaning.web import C4
from sayso.text.files.streams import TEXT, Record
from sayso.text.files.tallies import Result

Change = Callable[[str], str]
"""A step: a text becomes a text."""
Judge = Callable[[str], "str | None"]
"""A rule: why a text is dropped, or None."""
_ROUNDS = 6
_SNIPPET = 160


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleaning:
    """What is done to texts, in this order, and which are kept."""

    fields: tuple[str, ...] = (TEXT,)
    """The fields with text; where a record has turns in `messages`, their contents are text too. Others stay as they are."""
    html: Html = "auto"
    """HTML to text: for what begins with a tag, always, or never."""
    encoding: bool = True
    """Whether wrong decoding is repaired and HTML entities become characters (ftfy)."""
    controls: bool = True
    """Whether control characters, invisible ones and marks of direction go, and ends of lines become one kind."""
    normal: Normal = "NFC"
    """The Unicode normal form."""
    full_width: FullWidth = "keep"
    """Full-width letters and digits, or all full-width signs, in their usual width."""
    script: Script = "keep"
    """Chinese in simplified or traditional characters (opencc)."""
    spaces: bool = True
    """Whether spaces become plain, single within lines, with one empty line between paragraphs at most."""
    language: Languages = field(default_factory=Languages)
    """Which languages are kept."""
    quality: tuple[Literal["gopher", "c4"], ...] = ()
    """Which sets of rules a text must pass; they are made for web pages and drop short texts."""
    gopher: Gopher = field(default_factory=Gopher)
    """Thresholds of the Gopher rules."""
    c4: C4 = field(default_factory=C4)
    """Thresholds of the C4 rules."""
    private: Literal["mask", "drop", "keep"] = "mask"
    """What becomes of personal data: masked, the text with it dropped, or kept."""
    masking: Masking = field(default_factory=Masking)
    """What counts as personal data, and what is put in its place."""
    empty: Literal["drop", "keep"] = "drop"
    """What becomes of texts without words."""


ONLY_PRIVATE = Cleaning(html="never", encoding=False, controls=False, normal="keep", spaces=False, empty="keep")
"""Nothing but personal data is touched."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleaned:
    """What became of one text."""

    text: str
    changed: tuple[str, ...]
    """The steps that changed it."""
    refusal: str | None
    """Why it is dropped."""
    found: Mapping[str, int]
    """Personal data that was found, by its kind."""


class Cleaner:
    """The steps of some settings, ready to be used on texts and on records."""

    def __init__(self, settings: Cleaning) -> None:
        self.settings = settings
        self._changes = list(_changes(settings))
        self._judges = list(_judges(settings))

    def text(self, text: str) -> Cleaned:
        """Clean one text."""
        changed: dict[str, None] = {}
        found: Counter[str] = Counter()
        masked: str | None = None
        for _round in range(_ROUNDS):
            before = text
            for name, change in self._changes:
                now = change(text)
                if now != text:
                    changed[name], text = None, now
            if text != masked:
                text = masked = self._mask(text, changed, found)
            if text == before:
                return Cleaned(text=text, changed=tuple(changed), refusal=self._refusal(text), found=found)
        return Cleaned(text=text, changed=tuple(changed), refusal="never comes to rest", found=found)

    def __call__(self, record: Record) -> Result:
        """Clean the texts of a record; it is dropped when its texts together are refused.

        Raises:
            RecordError: it has none of the fields with text, or one holds no string.
        """
        places = list(texts_of(record, self.settings.fields))
        whole = "\n\n".join(text for _place, text in places)
        done = [self.text(text) for _place, text in places]
        after = "\n\n".join(item.text for item in done)
        refusal = done[0].refusal if len(done) == 1 else self._refusal(after)
        if any(item.refusal == "never comes to rest" for item in done):
            refusal = "never comes to rest"
        fields = (
            None
            if refusal
            else with_texts(record.fields, [(place, item.text) for (place, _), item in zip(places, done, strict=True)])
        )
        return Result(
            fields=fields, refusal=refusal, changed=tuple(dict.fromkeys(name for item in done for name in item.changed)),
            found=dict(sum((Counter(item.found) for item in done), Counter())), snippet=snippet(whole),
            bytes_in=len(whole.encode()), bytes_out=0 if refusal else len(after.encode()),
        )  # fmt: skip

    def _mask(self, text: str, changed: dict[str, None], found: Counter[str]) -> str:
        if self.settings.private != "mask":
            return text
        now, items = masking.masked(text, self.settings.masking)
        if items:
            changed["private"] = None
            found.update(item.kind for item in items)
        return now

    def _refusal(self, text: str) -> str | None:
        if not text.strip():
            return "empty" if self.settings.empty == "drop" else None
        return next((reason for judge in self._judges if (reason := judge(text))), None)


def clean(text: str, settings: Cleaning | None = None) -> str | None:
    """Return a text clean, or None when it is dropped."""
    done = Cleaner(settings or Cleaning()).text(text)
    return None if done.refusal else done.text


Place = tuple[str, int | None]


def texts_of(record: Record, fields: Sequence[str]) -> Iterator[tuple[Place, str]]:
    """Yield the texts of a record and where each stands in it: in a field, or in a turn of `messages`.

    Raises:
        RecordError: it has none of the fields, or one holds no string.
    """
    found = record.fields
    if not any(name in found for name in fields) and isinstance(found.get("messages"), list):
        for number, turn in enumerate(found["messages"]):
            content = turn.get("content") if isinstance(turn, dict) else None
            yield ("messages", number), _string(content, f"messages[{number}].content", record)
        return
    for name in fields:
        if name not in found:
            raise RecordError(
                "{where}: found the fields {found}, not {wanted!r}; name the field with text: --field NAME",
                where=record.where, found=", ".join(map(str, found)) or "none", wanted=name,
            )  # fmt: skip
        yield (name, None), _string(found[name], name, record)


def with_texts(fields: Mapping[str, Any], texts: Sequence[tuple[Place, str]]) -> dict[str, Any]:
    """Return fields with other texts in the places of the ones that were there."""
    result = dict(fields)
    for (name, number), text in texts:
        if number is None:
            result[name] = text
        else:
            turns = result[name] = list(result[name])
            turns[number] = {**turns[number], "content": text}
    return result


def snippet(text: str) -> str:
    """Return the beginning of a text on one line."""
    short = " ".join(text[: 2 * _SNIPPET].split())
    return short if len(short) <= _SNIPPET else short[:_SNIPPET] + "…"


def only_private(settings: Cleaning) -> Cleaning:
    """Return settings that touch nothing but personal data."""
    return replace(ONLY_PRIVATE, fields=settings.fields, masking=settings.masking)


def _string(value: Any, name: str, record: Record) -> str:
    if not isinstance(value, str):
        raise RecordError("{where}: {name}: found {found!r}, expected a string", where=record.where, name=name, found=value)
    return value


def _changes(settings: Cleaning) -> Iterator[tuple[str, Change]]:
    if settings.html != "never":
        yield "html", _html(always=settings.html == "always")
    if settings.encoding:
        yield "encoding", characters.repaired
    if settings.controls:
        yield "controls", characters.without_controls
    if settings.normal != "keep":
        yield "normal", lambda text: characters.normal(text, settings.normal)
    if settings.full_width != "keep":
        yield "full_width", lambda text: characters.half_width(text, settings.full_width)
    if settings.script != "keep":
        yield "script", lambda text: characters.in_script(text, settings.script)
    if settings.spaces:
        yield "spaces", characters.spaced
    if "c4" in settings.quality:
        yield "c4", lambda text: web.sentences_only(text, settings.c4)


def _html(*, always: bool) -> Change:
    def change(text: str) -> str:
        return markup.text_of(text) if ("<" in text if always else markup.looks_like_html(text)) else text

    return change


def _judges(settings: Cleaning) -> Iterator[Judge]:
    if settings.language.keep:
        language.check(settings.language.keep)
        yield lambda text: language.refusal(text, settings.language)
    if "c4" in settings.quality:
        yield lambda text: web.refusal(text, settings.c4)
    if "gopher" in settings.quality:
        yield lambda text: quality.refusal(text, settings.gopher)
    if settings.private == "drop":
        yield lambda text: "private data" if masking.find(text, settings.masking) else None
