"""From a comment in plain words to a check: what can be counted is recognised, what cannot is said to be so.

A comment has an effect ("don't use emoji") and perhaps a scope ("when you write to my boss"). The effect is looked up in
the tables of phrasings (`sayso.critics.english`, `sayso.critics.chinese`); the scope stays words, for a person to read.
Nothing is guessed: a comment that no phrasing covers whole is not understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sayso.critics import chinese, english
from sayso.critics.parts import has_cjk
from sayso.i18n import gettext as _
from sayso.records import Check

EXAMPLES = (
    'Start with "Well,".',
    'Never say "please".',
    "Use at most 40 words.",
    "No emoji in emails to my boss.",
    "以“您好”开头。",
    "不超过50个字。",
)

LONGEST = 500
"""Characters of a comment that is still read; a longer one says more than one thing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Understood:
    """The check that a comment stands for, and where the comment applies, in its own words (empty: everywhere)."""

    check: Check
    scope_text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NotUnderstood:
    """Why a comment cannot be counted, and comments that can."""

    reason: str
    examples: tuple[str, ...] = EXAMPLES


_QUOTED = re.compile(
    r"\"([^\"]+)\"|“([^”]+)”|「([^」]+)」|『([^』]+)』|‘([^’]+(?:’\w[^’]*)*)’|`([^`]+)`|(?<![\w'])'([^']+(?:'\w[^']*)*)'(?!\w)|《([^》]+)》"
)
_PLACE = re.compile("\ue000(\\d+)\ue001")
_WHEN = r"(?:when|whenever|if|where|wherever|every time|each time|any ?time|in case|as soon as|once)"
_WHERE = r"(?:in|for|to|with|on|at|by|about|during|towards?)"
_EFFECT_START = (
    r"(?:please|always|never|don['’]t|do not|avoid|no|use|start|end|begin|keep|say|ask|answer|reply|write|sign)\b"
)
_EXCEPT = re.compile(r"\b(?:unless|except|other than|apart from)\b|除非|除了", re.IGNORECASE)
_ENGLISH_SCOPES = tuple(
    re.compile(expression, re.IGNORECASE)
    for expression in (
        rf"{_WHEN}\s+(?P<scope>[^,]+(?:,[^,]+)*?)\s*[,:;]\s*(?:then\s+)?(?P<effect>[^,].*)",
        rf"{_WHEN}\s+(?P<scope>.+?)\s+(?P<effect>{_EFFECT_START}.*)",
        rf"(?P<scope>{_WHERE}\s+[^,]+?)\s*[,:;]\s*(?P<effect>.+)",
        rf"(?P<effect>.+?)[,;]?\s+{_WHEN}\s+(?P<scope>.+)",
        rf"(?P<scope>(?:e-?mails?|letters?|messages?|answers?|repl(?:y|ies)|notes?|posts?)\s+{_WHERE}\s.+?)"
        r"\s+(?P<effect>(?:should|must|may|can|need|has to|have to|always|never)\b.*)",
    )
)
_OBJECT = re.compile(
    r"(?P<verb>(?:please\s+|always\s+)*(?:start|begin|open|end|finish|close))\s+(?P<scope>[^\ue000,;.]+?)\s+(?P<rest>with\s.+)",
    re.IGNORECASE,
)
"""What is started or ended names the scope: `End every postcard with "See you."`."""
_ENGLISH_TRAILING = re.compile(rf"[,;]?\s+(?={_WHERE}\s)", re.IGNORECASE)
_CHINESE_SCOPES = tuple(
    re.compile(expression)
    for expression in (
        r"(?:当|如果|要是|若|假如|每当|每次)?(?P<scope>.+?)(?:的时候|的话|之时|时)[，,：:]?\s*(?P<effect>.+)",
        r"(?:当|如果|要是|若|假如|每当|只要)(?P<scope>[^，,]+)[，,]\s*(?:就|那么|那|则)?(?P<effect>.+)",
        r"(?P<scope>(?:在|给|对|跟|和|向|写给)[^，,]+?)(?P<mark>[，,：:]|(?<=[里中上内]))\s*(?P<effect>.+)",
        r"(?P<scope>(?:给|写给|发给)[^，,]+?的(?:信|邮件|消息|回复|短信|信息)(?:里|中|里面)?)[，,]?(?P<effect>.+)",
        r"(?P<scope>[^，,]*?(?:信|邮件|消息|短信|通知|报告|公告)(?:里|中|里面|上))[，,]?(?P<effect>.+)",
    )
)
_AND = re.compile(
    r"\s*(?:;|；|,?\s+and\s+(?:then\s+|also\s+)?|\.\s+(?=[A-Z])|。(?=.)|，(?:并且?|而且|同时|也)?|,\s+but\s+|,\s+)"
)
_LENGTH = re.compile(
    r"\b(?:short(?:er|en)?|long(?:er)?|brief(?:er|ly)?|concise(?:ly)?|lengthy|wordy|verbose|terse)\b|简短|简洁|精简|太长|短一?点|短些|"
    r"太短|啰嗦|长一?点|简练",
    re.IGNORECASE,
)


def check_from_words(text: str) -> Understood | NotUnderstood:
    """Read a comment in English or Chinese: the check it stands for and its scope, or why it cannot be counted."""
    if len(text) > LONGEST:
        return NotUnderstood(reason=_("It is too long to be one thing to count; say that in one sentence."))
    masked, quotes = _mask(text)
    if _EXCEPT.search(masked):
        return NotUnderstood(reason=_("It says where it does not apply; say where it does, or give the check."))
    for effect, scope in _readings(masked):
        found = _check(effect, quotes)
        if found is not None:
            return Understood(check=found, scope_text=_unmask(scope, text, masked))
    if _LENGTH.search(masked):
        example = "不超过30个字。" if has_cjk(text) else "Use at most 30 words."
        return NotUnderstood(
            reason=_("How long it may be is not said; say how many words or sentences."), examples=(example,)
        )
    return NotUnderstood(reason=_("It asks for something that cannot be counted; give it a check, or refinements instead."))


def _readings(masked: str) -> Iterator[tuple[str, str]]:
    """Yield ways to take a comment apart into effect and scope, the whole as an effect first."""
    yield masked, ""
    for expression in _CHINESE_SCOPES if has_cjk(_PLACE.sub("", masked)) else _ENGLISH_SCOPES:
        match = expression.fullmatch(masked.strip(" .!。！"))
        if match:
            yield match["effect"], match["scope"]
    match = _OBJECT.fullmatch(masked.strip(" .!"))
    if match:
        yield f"{match['verb']} {match['rest']}", f"in {match['scope']}"
    for at in _ENGLISH_TRAILING.finditer(masked):
        yield masked[: at.start()], masked[at.end() :]


def _check(effect: str, quotes: Sequence[str]) -> Check | None:
    found = _single(effect, quotes)
    if found is not None:
        return found
    parts = [part for part in _AND.split(effect) if part.strip()]
    checks = [_single(part, quotes) for part in parts]
    known = [check for check in checks if check is not None]
    if len(parts) < 2 or len(known) < len(parts):
        return None
    return Check(name="all_of", args={"checks": [{"name": check.name, "args": dict(check.args)} for check in known]})


def _single(effect: str, quotes: Sequence[str]) -> Check | None:
    readers = (
        (chinese.check_of, english.check_of) if has_cjk(_PLACE.sub("", effect)) else (english.check_of, chinese.check_of)
    )
    return readers[0](effect, quotes) or readers[1](effect, quotes)


def _mask(text: str) -> tuple[str, list[str]]:
    """Return the comment with its quotes as placeholders, and the quotes."""
    quotes: list[str] = []

    def put_away(match: re.Match[str]) -> str:
        quotes.append(next(group for group in match.groups() if group is not None))
        return f"\ue000{len(quotes) - 1}\ue001"

    return _QUOTED.sub(put_away, text).strip(), quotes


def _unmask(scope: str, text: str, masked: str) -> str:
    originals = [match.group() for match in _QUOTED.finditer(text)]
    assert len(originals) == len(_PLACE.findall(masked)), "a quote for every placeholder"
    return _PLACE.sub(lambda match: originals[int(match[1])], scope).strip(" .!。！，,")
