"""What the tables of English and Chinese phrasings are made of: a phrasing found, and the checks it can mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sayso.critics.parts import has_cjk
from sayso.records import Check

QUOTE = "\ue000\\d+\ue001"
"""What stands for quoted words while a comment is read: their number between two private characters."""
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ENGLISH = {word: at for at, word in enumerate(_SMALL.split())} | {word: 10 * at for at, word in enumerate(_TENS.split(), 2)}
_CHINESE = {char: at for at, char in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_CHINESE_TENS = {"十": 10, "百": 100, "千": 1000}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A phrasing that was found: its parts, the quoted words of the comment, and whether it was negated."""

    match: re.Match[str]
    quotes: Sequence[str]
    negative: bool

    @property
    def said(self) -> list[str]:
        """The quoted words that belong to this phrasing."""
        return [self.quotes[int(number)] for number in re.findall("\ue000(\\d+)\ue001", self.match["quotes"])]


Maker = Callable[[Asked], Check | None]


def check(name: str, **args: Any) -> Check:
    """Return a check by name and arguments."""
    return Check(name=name, args=args)


def either(yes: str | None, no: str | None) -> Maker:
    """Return what makes the check `yes`, or `no` where it was negated; None: not a thing that can be counted."""

    def make(asked: Asked) -> Check | None:
        name = no if asked.negative else yes
        return check(name) if name else None

    return make


def marked(sign: str) -> Maker:
    """Return what wants, or where it was negated bans, a mark such as `!`."""
    return lambda asked: check("excludes" if asked.negative else "contains", text=sign)


def at_start(asked: Asked) -> Check:
    """Want the quoted words at the start, one of several, or ban them there."""
    if asked.negative:
        return check("regex", pattern=rf"\A\s*(?:{_any_of(asked.said)})", absent=True, case=False)
    return check("starts_with", text=_one(asked.said))


def at_end(asked: Asked) -> Check:
    """Want the quoted words at the end, one of several, or ban them there."""
    if asked.negative:
        return check("regex", pattern=rf"(?:{_any_of(asked.said)})[.!。！\s]*\Z", absent=True, case=False)
    return check("ends_with", text=_one(asked.said))


def containing(asked: Asked) -> Check:
    """Want the quoted words, all of them or with `or` one of them, or ban all of them."""
    bare = [words.rstrip(".,。，") or words for words in asked.said]
    if asked.negative:
        return check("excludes", text=_one(bare))
    if len(bare) > 1 and re.search(r"\bor\b|或", asked.match["quotes"]):
        return check("any_of", checks=[{"name": "contains", "args": {"text": words}} for words in bare])
    return check("contains", text=_one(bare))


def banned(asked: Asked) -> Check | None:
    """Ban the quoted words; alone and without a negation they ask for nothing."""
    return containing(asked) if asked.negative else None


def containing_bare(asked: Asked) -> Check:
    """Want or ban words that were said without quotes."""
    return check("excludes" if asked.negative else "contains", text=asked.match["bare"].strip())


def being(asked: Asked) -> Check | None:
    """Want the quoted words and nothing else."""
    return None if asked.negative else check("equals", text=_one(asked.said))


def length(kind: str) -> Maker:
    """Return what makes a check on length: `max`, `under`, `min`, `over` or `exact`; negated, it turns round."""

    def make(asked: Asked) -> Check | None:
        n, unit = number(asked.match["number"]), _unit(asked.match["unit"])
        turned = {"under": "min", "over": "max", "exact": None, "max": None, "min": None}[kind] if asked.negative else kind
        if n is None or turned is None:
            return None
        if not asked.negative:
            n += {"under": -1, "over": 1}.get(kind, 0)
        return _counted({"under": "max", "over": "min"}.get(turned, turned), unit, n)

    return make


def number(text: str) -> int | None:
    """Return a number written in digits, in English or in Chinese, below ten thousand; None where it is none."""
    text = text.strip().replace(",", "")
    if text.isdecimal():
        return int(text)
    return _chinese(text) if has_cjk(text) else _english(text)


def _english(text: str) -> int | None:
    if text == "a dozen":
        return 12
    total = 0
    for word in re.split(r"[- ]", text):
        if word == "hundred":
            total = max(total, 1) * 100
        elif word in _ENGLISH:
            total += _ENGLISH[word]
        elif word not in ("a", "and"):
            return None
    return total or None


def _chinese(text: str) -> int | None:
    total, digit = 0, 0
    for char in text:
        if char in _CHINESE:
            digit = _CHINESE[char]
        elif char in _CHINESE_TENS:
            total, digit = total + (digit or 1) * _CHINESE_TENS[char], 0
        else:
            return None
    return total + digit or None


def _counted(kind: str, unit: str, n: int) -> Check | None:
    if n < 1 or (unit == "chars" and kind != "max"):
        return None
    if kind == "exact":
        return check("all_of", checks=[{"name": f"{edge}_{unit}", "args": {"n": n}} for edge in ("max", "min")])
    return check(f"{kind}_{unit}", n=n)


def _unit(text: str) -> str:
    if text.startswith(("sentence", "句")):
        return "sentences"
    return "chars" if text.startswith(("char", "letter", "字符")) else "words"


def _one(said: list[str]) -> str | list[str]:
    return said[0] if len(said) == 1 else said


def _any_of(said: list[str]) -> str:
    return "|".join(re.escape(words.strip()) + (r"\b" if words.strip()[-1].isalnum() else "") for words in said)
