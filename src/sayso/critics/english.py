"""What an English comment asks for, where it can be counted: a table of phrasings, each with the check it stands for.

Quoted words arrive as placeholders (`sayso.critics.words`), so that nothing in them is taken for grammar.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sayso.critics.phrasings import (
    QUOTE,
    Asked,
    Maker,
    at_end,
    at_start,
    banned,
    being,
    check,
    containing,
    containing_bare,
    either,
    length,
    marked,
)
from sayso.records import Check

_SUBJECT = (
    r"(?:(?:your|the|each|every|all|any|this|that|my)\s+)?"
    r"(?:answers?|responses?|repl(?:y|ies)|messages?|letters?|e-?mails?|texts?|notes?|posts?|it|them|they|everything)"
)
_AUXILIARY = r"(?:should|must|needs? to|ha(?:s|ve) to|ought to|may|can)"
_LEAD = re.compile(
    rf"(?:please|always|just|only|then|also|really|kindly|and|but|ever|you|i want you to|i want|"
    rf"i(?:'d| would) (?:like|prefer|love)(?: you)?(?: to)?|(?:can|could|would|will) you|make sure(?: that)?(?: you| to)?|"
    rf"remember to|be sure to|try to|try|{_AUXILIARY}(?!n't)|{_SUBJECT}(?=\s+(?:{_AUXILIARY}|must|always|never)))\s+"
)
_NOT = re.compile(
    r"(?:never|don't|do not|not|mustn't|shouldn't|can't|cannot|may not|stop|avoid|refrain from|no longer|"
    r"quit|there should be no|there must be no)\s+"
)
_WITHOUT = re.compile(
    r"(?:(?:use|have|with|add|ask|include|contain|write)\s+)?"
    r"(?:no|without|zero|drop|remove|omit|leave out|lose|skip|get rid of)\s+(?:more\s+|any\s+|all\s+)?(?:the\s+)?"
)
_TRAIL = re.compile(
    r"[\s,]+(?:please|at all|ever|again|any ?more|from now on|every time|anywhere|thanks|thank you|too|instead|always|"
    rf"in (?:your|the|any|each) (?:{_SUBJECT}))$"
)
_SAY = r"(?:say|mention|us|writ|includ|contain|hav|add|put|repeat|typ|work in|feature)(?:e|ing|s|es)?"
_NAMED = (
    r"(?:(?:the|this|these|a|any|of)\s+)*(?:(?:words?|phrases?|expressions?|terms?|sentences?|greeting|name)\s+)?"
    r"(?:like\s+)?"
)
_LIST = rf"(?P<quotes>{QUOTE}(?:\s*(?:,|/|&|or|and|nor|, or|, and)\s*{QUOTE})*)"
_SOME = r"(?:(?:any|an|a|some|the|one|at least one|those|these|your|so many|all)\s+)?"
_OPEN = rf"(?:start|begin|open)(?:s|ing|ning)?(?: off)?(?: {_SUBJECT})?(?: off)? (?:with|by (?:saying|writing|using))"
_CLOSE = (
    rf"(?:(?:end|finish|close|conclude|wrap up)(?:s|ing|es)?|sign(?:ing|s)? off)(?: off)?(?: {_SUBJECT})? "
    r"(?:with|on|by (?:saying|writing|using))"
)
_NUMBER = r"(?P<number>\d[\d,]*|[a-z]+(?:[- ][a-z]+)?)"
_UNIT = r"(?P<unit>words?|sentences?|characters?|chars?|letters?)(?: long| each| in length| total| in total)?"
_BE = (
    rf"(?:(?:be|is|are|stay|have|has|use|write|say|answer|reply|respond|speak|go|contain|do it|put it|limit {_SUBJECT} to|"
    rf"(?:keep|make) (?:{_SUBJECT}|yourself)(?: to)?)\s+)?(?:(?:in|with|to|within|using|over|beyond)\s+)?"
)
_AT_MOST = (
    r"(?:at most|at maximum|no more than|not more than|no longer than|up to|a maximum of|maximum|max\.?|within|not over)"
)
_AT_LEAST = r"(?:at least|no fewer than|no less than|not fewer than|not less than|a minimum of|minimum|min\.?)"
_LIMIT = re.compile(r"(?:\w+ )?(?:no|not) (?:more|longer|less|fewer|over)\b")
_WRITE_VERB = r"(?:answer|reply|respond|write|say it|speak|put it|summari[sz]e|explain)(?: it)? "
_WRITE = rf"(?:(?:{_WRITE_VERB}|use |be |type |keep (?:{_SUBJECT}) |make (?:{_SUBJECT}) )?(?:in |with |only )?)?"
_MARKS = {
    r"exclamation (?:marks?|points?)|exclamations": "!",
    r"semi-?colons?": ";",
    r"(?:em[- ])?dash(?:es)?": "—",
    r"ellips[ie]s|three dots": "...",
    r"hash ?tags?": "#",
}
_PRONOUNS = frozenset(
    ["anything", "something", "it", "that", "this", "so", "much", "more", "things", "nothing", "less", "everything"]
)


def _bare(asked: Asked) -> Check | None:
    return None if asked.match["bare"] in _PRONOUNS else containing_bare(asked)


def _ends_with_mark(asked: Asked) -> Check:
    sign = "!" if asked.match["mark"].startswith("excl") else "?"
    if asked.negative:
        return check("regex", pattern=rf"[{sign}{'！' if sign == '!' else '？'}]\s*\Z", absent=True)
    return check("ends_with", text="!") if sign == "!" else check("ends_with_question")


def _no_question_at_end(asked: Asked) -> Check:
    if asked.negative:
        return check("regex", pattern=r"[?？][\"'”’)\s]*\Z", absent=True)
    return check("ends_with_question")


_AS_LIST = (
    rf"(?:(?:{_SAY}|(?:answer|reply)(?: in| with| as)?|(?:format|write)(?: {_SUBJECT})? (?:as|with|in)|make {_SUBJECT}|"
    r"in|as|with) )?"
)
_AS_JSON = (
    r"(?:answer|reply|respond|return|output|write|give(?: me)?|use|be)?\s*(?:only )?(?:in |as |with |using )?(?:only )?"
    rf"{_SOME}(?:valid |pure )?json(?: only| format| object| and nothing else)?"
)
_CUT_TO = (
    rf"(?:(?:keep|limit|cut|shorten|restrict) (?:{_SUBJECT}|yourself) (?:to|within|down to)|{_WRITE_VERB}in) "
    r"(?:a |just |only )?(?:single )?"
)
_AT_END = r"(?: (?:at|in) the (?:very )?end| to (?:end|finish|close)| last| as the last sentence)"
_QUESTION = rf"{_SOME}(?:(?:follow-?up|closing|final|open|rhetorical|short|counter)[ -])?questions?"
_BULLETS = r"(?:bullet(?:ed)?[- ]?(?:points?|lists?)|bullets|lists?|list items|numbered lists?)"
_PHRASINGS: tuple[tuple[re.Pattern[str], Maker], ...] = tuple(
    (re.compile(expression), make)
    for expression, make in (
        (rf"{_OPEN} {_NAMED}{_LIST}", at_start),
        (rf"(?:{_SAY}) {_NAMED}{_LIST} (?:first|at the (?:very )?(?:start|beginning|top))", at_start),
        (rf"(?:the )?first (?:words?|sentence|line) {_AUXILIARY}(?: be| say)? {_LIST}", at_start),
        (rf"{_CLOSE} {_NAMED}{_LIST}", at_end),
        (rf"(?:{_SAY}) {_NAMED}{_LIST}{_AT_END}", at_end),
        (rf"(?:the )?last (?:words?|sentence|line) {_AUXILIARY}(?: be| say)? {_LIST}", at_end),
        (rf"(?:answer|reply|respond|say|write|output)(?: with)? only(?: with)?(?: {_NAMED})? ?{_LIST}", being),
        (
            rf"(?:answer|reply|respond)(?: only| just)?(?: with)? (?:just |only )?{_NAMED}{_LIST} (?:only|and nothing else)",
            being,
        ),
        (rf"(?:{_SAY}) {_LIST} and nothing else", being),
        (rf"(?:{_SAY}) {_NAMED}{_LIST}(?: somewhere)?", containing),
        (rf"{_NAMED}{_LIST}", banned),
        (rf"(?:{_SAY}|)\s*(?:the|this) (?:words?|phrase|term|expression) (?P<bare>[\w'’-]+(?: [\w'’-]+)?)", _bare),
        (r"(?:say|saying) (?P<bare>[\w'’-]+)", _bare),
        (
            rf"(?:(?:{_SAY}|end with|answer with) )?{_SOME}(?:emojis?|emoticons?|smileys?|smiley faces?)",
            either("has_emoji", "no_emoji"),
        ),
        (
            rf"(?:{_CLOSE}|ask|ask (?:me|them|him|her|us|the \w+)|{_SAY}|(?:put|pose)) {_QUESTION}{_AT_END}",
            _no_question_at_end,
        ),
        (rf"(?:{_CLOSE}|(?:end|finish|close)(?:ing|s)? (?:by|with) asking) {_QUESTION}", _no_question_at_end),
        (rf"{_CLOSE} {_SOME}(?P<mark>exclamation (?:mark|point)|question mark)s?", _ends_with_mark),
        (
            rf"(?:(?:ask|asking|pose|{_SAY})(?: (?:me|them|him|her|us|back|the \w+))? )?{_QUESTION}(?: back)?",
            either("is_question", "not_question"),
        ),
        (rf"(?:{_SAY} )?{_SOME}question marks?", either("is_question", "not_question")),
        *((rf"(?:{_SAY} )?{_SOME}(?:{names})", marked(sign)) for names, sign in _MARKS.items()),
        (rf"{_AS_LIST}{_SOME}{_BULLETS}", either("bullets", "no_bullets")),
        (rf"{_WRITE}(?:all )?(?:lower[- ]?case|small letters)(?: only| letters(?: only)?)?", either("lowercase", None)),
        (
            rf"{_WRITE}(?:all[- ]?)?(?:upper[- ]?case|caps|capitals|capital letters|block letters)(?: only| letters)?",
            either("uppercase", None),
        ),
        (
            rf"(?:use |using )?{_SOME}(?:capital letters|capitals|upper[- ]?case letters|upper[- ]?case)",
            either(None, "lowercase"),
        ),
        (_AS_JSON, either("json_valid", None)),
        (rf"{_BE}{_AT_MOST} {_NUMBER} {_UNIT}", length("max")),
        (rf"{_BE}{_AT_LEAST} {_NUMBER} {_UNIT}", length("min")),
        (rf"{_BE}(?:fewer than|less than|under|below|shorter than) {_NUMBER} {_UNIT}", length("under")),
        (rf"{_BE}(?:more than|over|longer than|above|exceed) {_NUMBER} {_UNIT}", length("over")),
        (rf"(?:exceed|go over|go beyond) {_NUMBER} {_UNIT}", length("over")),
        (rf"{_BE}{_NUMBER} {_UNIT} (?:or (?:less|fewer|under|shorter)|at (?:the )?most|max(?:imum)?|tops)", length("max")),
        (rf"{_BE}{_NUMBER} {_UNIT} (?:or (?:more|longer)|at least|min(?:imum)?)", length("min")),
        (rf"{_BE}exactly {_NUMBER} {_UNIT}", length("exact")),
        (rf"{_CUT_TO}{_NUMBER} {_UNIT}", length("max")),
    )
)


def check_of(asked: str, quotes: Sequence[str]) -> Check | None:
    """Return the check that a phrase asks for (its quotes as placeholders), or None."""
    core, negative = _core(asked)
    for expression, make in _PHRASINGS:
        match = expression.fullmatch(core)
        found = make(Asked(match=match, quotes=quotes, negative=negative)) if match else None
        if found is not None:
            return found
    return None


def _core(asked: str) -> tuple[str, bool]:
    """Return what is asked without politeness and negation, and whether it was negated."""
    core, negative = re.sub(r"\s+", " ", asked.lower().replace("’", "'")).strip(" .!,"), False
    while trail := _TRAIL.search(core):
        core = core[: trail.start()]
    while True:
        found = _LEAD.match(core) or (None if _LIMIT.match(core) else _NOT.match(core) or _WITHOUT.match(core))
        if found is None:
            return core.strip(" .!,"), negative
        negative = negative or found.re is not _LEAD
        core = core[found.end() :]
