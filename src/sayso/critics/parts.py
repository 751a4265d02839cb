"""The parts of a text that checks count: words, sentences, questions, emoji, list lines, and where a phrase stands.

Counting, for English and Chinese alike. A *word* is a run of characters between spaces that has a letter or a digit; a
Chinese character (or a kana) is a word by itself. A *sentence* ends at . ! ? … followed by a space or the end, at 。！？
wherever they stand, and at a line break; it has at least one letter or digit. Usual abbreviations, `1.` at the start of a
line and an ellipsis before a small letter do not end one. All functions take time linear in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from sayso.records import Span

CJK = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
END_MARKS = ".!?…。！？｡؟"
QUESTION_MARKS = "?？؟"
_CJK_ENDS = frozenset("。！？｡")
_CLOSERS = "\"'”’»)\\]」』）】"
_CJK_CHAR = re.compile(f"[{CJK}]")
_CHUNK = re.compile(f"[{CJK}]|[^\\s{CJK}\u3000-\u3004\u3006\u3008-\u303f\uff00-\uff0f\uff1a-\uff20—]+")
_END = re.compile(f"[{END_MARKS}]+[{_CLOSERS}]*|[\\n\\r\u2028\u2029]+")
_LINE_BREAK = re.compile("[\\n\\r\u2028\u2029]")
_ABBREVIATIONS = frozenset({"mr", "mrs", "ms", "dr", "prof", "st", "e.g", "i.e", "vs", "cf", "approx", "a.m", "p.m", "u.s"})
_URL = re.compile(r"https?://\S+")
_QUESTION = re.compile(f"[{QUESTION_MARKS}]")
_LIST_LINE = re.compile(r"^[ \t]*(?:[-*•·‣◦–][ \t]+|[•·‣◦]|\(?\d{1,3}[.)、][ \t]*(?![\d.]))(?=\S)", re.MULTILINE)
# The characters that Unicode's emoji data lists; those that are plain signs by default count only before U+FE0F.
_EMOJI_ONE = (
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3|[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u24c2\u25aa-\u25fc"
    "\u2934\u2935\u27a1\u2b05-\u2b07\u3030\u303d\u3297\u3299]\ufe0f|[\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa\u25fd"
    "\u25fe\u2600-\u2604\u260e\u2611\u2614\u2615\u2618\u261d\u2620\u2622\u2623\u2626\u262a\u262e\u262f\u2638-\u263a\u2640\u2642"
    "\u2648-\u2653\u265f\u2660\u2663\u2665\u2666\u2668\u267b\u267e\u267f\u2692-\u2697\u2699\u269b\u269c\u26a0\u26a1\u26a7\u26aa"
    "\u26ab\u26b0\u26b1\u26bd\u26be\u26c4\u26c5\u26c8\u26ce\u26cf\u26d1\u26d3\u26d4\u26e9\u26ea\u26f0-\u26f5\u26f7-\u26fa\u26fd"
    "\u2702\u2705\u2708-\u270d\u270f\u2712\u2714\u2716\u271d\u2721\u2728\u2733\u2734\u2744\u2747\u274c\u274e\u2753-\u2755\u2757"
    "\u2763\u2764\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\U0001f004\U0001f0cf\U0001f170\U0001f171\U0001f17e\U0001f17f"
    "\U0001f18e\U0001f191-\U0001f19a\U0001f1e6-\U0001f1ff\U0001f201\U0001f202\U0001f21a\U0001f22f\U0001f232-\U0001f23a\U0001f250"
    "\U0001f251\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7f0\U0001f90c-\U0001f9ff\U0001fa70-\U0001faff])"
    "[\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
)
_EMOJI = re.compile(f"{_EMOJI_ONE}(?:\u200d(?:{_EMOJI_ONE}|[\u2640\u2642\u2695\u2696\u2708])\ufe0f?)*\u200d?")
_SAME = {  # characters that people type for one another
    "'": "['’‘]", "’": "['’‘]", "‘": "['’‘]", '"': '["“”]', "“": '["“”]', "”": '["“”]',
    "?": "[?？]", "？": "[?？]", "!": "[!！]", "！": "[!！]", ",": "[,，]", "，": "[,，]",
    ":": "[:：]", "：": "[:：]", ";": "[;；]", "；": "[;；]", "(": "[(（]", "（": "[(（]", ")": "[)）]", "）": "[)）]",
}  # fmt: skip
_LETTER = f"(?:[^\\W{CJK}]|[\u0300-\u036f])"


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Whether a check holds on a text; where not, and what is wrong in one sentence."""

    held: bool
    spans: tuple[Span, ...] = ()
    said: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a text: half-open character offsets."""

    start: int
    end: int


def span(text: str, place: Place, *, context: int = 16) -> Span:
    """Return a place as a span, with the words in it and up to `context` characters around it."""
    return Span(
        start=place.start, end=place.end, quote=text[place.start : place.end],
        prefix=text[max(0, place.start - context) : place.start], suffix=text[place.end : place.end + context],
    )  # fmt: skip


def words(text: str) -> list[Place]:
    """Return where the words of a text are; each Chinese character is one."""
    found = _CHUNK.finditer(text)
    return [Place(item.start(), item.end()) for item in found if any(char.isalnum() for char in item.group())]


def sentences(text: str) -> list[Place]:
    """Return where the sentences of a text are, without the space around them."""
    cuts = [*(item.end() for item in _END.finditer(text) if _ends_sentence(text, item)), len(text)]
    places = (_trimmed(text, start, end) for start, end in zip([0, *cuts], cuts, strict=False))
    return [place for place in places if any(char.isalnum() for char in text[place.start : place.end])]


def questions(text: str) -> list[Place]:
    """Return where the question marks are, those inside an address on the web left out."""
    inside = {at for item in _URL.finditer(text) for at in range(item.start(), item.end() - 1)}
    marks = (item.start() for item in _QUESTION.finditer(text))
    return [Place(at, at + 1) for at in marks if at not in inside]


def emoji(text: str) -> list[Place]:
    """Return where the emoji are; a family, a flag or a skin tone is one."""
    return [Place(item.start(), item.end()) for item in _EMOJI.finditer(text)]


def list_marks(text: str) -> list[Place]:
    """Return where the marks of list lines are: `- `, `* `, `• `, `1. `."""
    return [Place(item.start(), item.end()) for item in _LIST_LINE.finditer(text)]


def find(text: str, phrase: str, *, case: bool) -> list[Place]:
    """Return where a phrase stands as whole words (`day` is not in `Saturday`); punctuation is found anywhere."""
    return [Place(item.start(), item.end()) for item in pattern(phrase, case=case).finditer(text)]


@lru_cache(maxsize=512)
def pattern(phrase: str, *, case: bool) -> re.Pattern[str]:
    """Return the expression that finds a phrase: whole words, any spacing, curly or straight quotes, full width or not."""
    pieces = phrase.split()
    body = r"\s+".join("".join(_SAME.get(char) or re.escape(char) for char in piece) for piece in pieces)
    before = f"(?<!{_LETTER})(?<!{_LETTER}['’])" if re.match(_LETTER, pieces[0]) else ""
    after = f"(?!{_LETTER}|['’](?!s\\b){_LETTER})" if re.search(f"{_LETTER}$", pieces[-1]) else ""
    return re.compile(before + body + after, 0 if case else re.IGNORECASE)


def has_cjk(text: str) -> bool:
    """Say whether a text has Chinese characters, so that what is added to it is Chinese too."""
    return _CJK_CHAR.search(text) is not None


def is_sound(text: str) -> bool:
    """Say whether a text is an answer at all: it has at least one letter. Every ban holds on nothing."""
    return any(char.isalpha() for char in text)


def _ends_sentence(text: str, mark: re.Match[str]) -> bool:
    run, after = mark.group(), text[mark.end() : mark.end() + 1]
    if _LINE_BREAK.match(run) or not _CJK_ENDS.isdisjoint(run):
        return True
    if after and not after.isspace() and not _CJK_CHAR.match(after):
        return False
    if run == ".":
        return not _is_abbreviation(text, mark.start())
    if run.startswith(("..", "…")):
        return not text[mark.end() : mark.end() + 2].strip().islower()
    return True


def _is_abbreviation(text: str, end: int) -> bool:
    start = max(text.rfind(" ", 0, end), text.rfind("\n", 0, end)) + 1
    word = text[start:end].lstrip("(\"'“‘")
    at_line_start = not text[:start].rstrip(" \t") or text[:start].rstrip(" \t").endswith("\n")
    return word.lower() in _ABBREVIATIONS or (at_line_start and word.isdigit() and bool(text[end + 1 :].strip()))


def _trimmed(text: str, start: int, end: int) -> Place:
    piece = text[start:end]
    return Place(start + len(piece) - len(piece.lstrip()), max(start, end - len(piece) + len(piece.rstrip())))
