"""What a comment may ask for: an effect is a check on the text and the smallest edit of the plan that makes it hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

import yaml
from recipes.teachable import heldout, values
from recipes.teachable.compose import CLOSES, MENTIONS, OPENINGS, PLEASE, POSTSCRIPTS, THANKS, emoji, sign
from recipes.teachable.plan import POINTS, Kind, Layout, Plan, Sentence, insert, render, with_sentence
from recipes.teachable.values import THINGS
from recipes.teachable.words import GREETINGS, LONG_FORMS, NAMES, NUMBER_WORDS, SHORT_FORM, fill
from recipes.teachable.world import READERS, topics

PICTURE = re.compile("[\u2190-\u2bff\u2764\U0001f300-\U0001faff]")
GREETING = re.compile(r"[A-Z][\w ]*( [A-Z][\w.]*( [A-Z]\w+)?| team| all),|(Hi|Hey|Hello|Dear|Good \w+) [\w .]+,")
SORRY = re.compile(r"\b(sorry|apolog)", re.IGNORECASE)
NUMBER = re.compile(r"\d|\b(" + "|".join(sorted(NUMBER_WORDS.values())) + r"|hundred)\b", re.IGNORECASE)
POINT = re.compile(r"^(- |\d+\. )", re.MULTILINE)
_OPENINGS = sorted({text.split("{")[0] for texts in OPENINGS.values() for text in texts})
_FIRST_WORDS = {"I'm": "I am", "I'd": "I would", "It's": "It is", "Here's": "Here is"}
_LONG = [
    text.replace(short, long, 1) for text in _OPENINGS for short, long in _FIRST_WORDS.items() if text.startswith(short)
]
OPENED = re.compile("|".join([*_OPENINGS, *_LONG]))
"""How a message begins that says what it is about."""
_SAID = yaml.safe_load((Path(__file__).parent / "wordings.yaml").read_text(encoding="utf-8"))
WORDINGS: dict[str, list[str]] = _SAID["wishes"]
"""How a comment asks for each effect; `{value}` stands for the value, `{old}` and `{new}` for a word and its replacement."""
LIKED: dict[str, str] = _SAID["liked"]
PLACES: dict[str, list[str]] = _SAID["places"]
"""How a comment says where it applies."""
SAID_OF: dict[str, dict[str, list[str]]] = {
    "wishes": WORDINGS, "places": PLACES, "frames": _SAID["frames"],
    "lists": {name: _SAID[name] for name in ("praise", "praise_nothing", "beside_the_point", "same_again")},
}  # fmt: skip
"""All that comments are worded with."""

Check = Callable[[str, str], bool]
Edit = Callable[[Plan, str], Plan]


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """One thing a comment may ask for; some take a value, of the kind `values` (see values.py)."""

    check: Check
    edit: Edit
    values: str = ""
    not_for: tuple[str, ...] = ()
    """Genres in which nobody would ask for it."""
    against: tuple[str, ...] = ()
    """Effects that cannot be had together with it, or that ask for the contrary."""
    standing: bool = True
    """Whether it can be asked for before there is a response."""


def _rng(plan: Plan, purpose: str) -> Random:
    return Random(f"{plan.seed} {purpose}")


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if not line.startswith("Subject:")]


def has_greeting(text: str) -> bool:
    """Whether the first line (after a subject) greets."""
    lines = _lines(text)
    return len(lines) > 1 and GREETING.fullmatch(lines[0]) is not None


def has_sign_off(text: str) -> bool:
    """Whether one of the last lines closes the message, as `Love,`."""
    return any(re.fullmatch(r"[A-Z][A-Za-z ]*,", line) for line in _lines(text)[1:][-4:])


def body_lines(text: str) -> list[str]:
    """Return the lines that hold sentences: no subject, greeting, sign-off or postscript; the points of a list unmarked."""
    text = re.sub(r"\b(Mrs|Mr|Ms|Dr)\.", r"\1", POINT.sub("", text))
    return [line for line in _lines(text) if not line.startswith("P.S.") and re.search(r"[.!?](?=\s|$)", line)]


def count_sentences(text: str) -> int:
    """Return how many sentences there are, titles and the postscript not counted."""
    return sum(len(re.findall(r"[.!?](?=\s|$)", line)) for line in body_lines(text))


@cache
def known_words() -> frozenset[str]:
    """Return the words that the grammar knows."""
    said: list[str] = [*THINGS, *NAMES, *LONG_FORMS, *LONG_FORMS.values(), *NUMBER_WORDS.values(), *PLEASE, *THANKS, *CLOSES]
    for topic in topics().values():
        said += [*topic.facts, *topic.questions, *topic.asks, *topic.thanks, *topic.story, *topic.phrases, topic.sorry]
    said += [aside for reader in READERS.values() for aside in reader.asides]
    said += [text for texts in (*OPENINGS.values(), *GREETINGS.values(), MENTIONS) for text in texts]
    said += [name for reader in READERS.values() for name in reader.names]
    said += [word for firsts, seconds in values.PAIRS.values() for word in (*firsts, *seconds)]
    return frozenset(word for text in said for word in re.findall(r"[a-z]+", text.lower()))


def is_well_formed(text: str) -> bool:
    """Whether a text is a message at all: a sentence, mostly of words that exist, and no word said over and over.

    What asks for something to be left out would otherwise hold for an empty text and for babble.
    """
    words = re.findall(r"[a-z]+", text.lower())
    if len(words) < 2 or not body_lines(text):
        return False
    known = sum(word in known_words() for word in words)
    pairs = list(pairwise(words))
    return known >= 0.6 * len(words) and len(set(pairs)) >= 0.7 * len(pairs)


def _picture(plan: Plan, _: str) -> Plan:
    return with_sentence(plan, -1 % len(plan.sentences), emoji=emoji(topics()[plan.triple.topic], _rng(plan, "emoji")))


def _no_pictures(plan: Plan, _: str) -> Plan:
    return replace(plan, sentences=tuple(replace(sentence, emoji="") for sentence in plan.sentences))


def _cheer(plan: Plan, _: str) -> Plan:
    plain = [number for number, sentence in enumerate(plan.sentences) if sentence.mark == "."]
    if plain:
        return with_sentence(plan, plain[-1], mark="!")
    return insert(plan, 0, replace(plan.spare[0], mark="!"))


def _calm(plan: Plan, _: str) -> Plan:
    return replace(plan, sentences=tuple(replace(s, mark="." if s.mark == "!" else s.mark) for s in plan.sentences))


def _greet(plan: Plan, _: str) -> Plan:
    formal = READERS[plan.triple.reader].near < 0.5
    return replace(plan, greeting=_rng(plan, "greeting").choice(GREETINGS["formal" if formal else "close"]))


def _ask(plan: Plan, _: str) -> Plan:
    rng = _rng(plan, "question")
    if plan.triple.genre == "story":
        return _append(plan, Sentence(text="What would you have said", kind="question", mark="?"))
    return _append(
        plan, Sentence(text=fill(rng.choice(topics()[plan.triple.topic].questions), rng), kind="question", mark="?")
    )


def _sorry(plan: Plan, _: str) -> Plan:
    place = 1 if plan.sentences[0].kind == "open" else 0
    return insert(plan, place, Sentence(text=topics()[plan.triple.topic].sorry, kind="sorry"))


def _polite(kind: Kind, texts: tuple[str, ...]) -> Edit:
    def edit(plan: Plan, _: str) -> Plan:
        rng = _rng(plan, kind)
        before_question = len([sentence for sentence in plan.sentences if sentence.kind != "question"])
        return insert(plan, before_question, Sentence(text=fill(rng.choice(texts), rng), kind=kind))

    return edit


def _append(plan: Plan, sentence: Sentence) -> Plan:
    return insert(plan, len(plan.sentences), sentence)


def _without(kind: Kind) -> Edit:
    def edit(plan: Plan, _: str) -> Plan:
        left = tuple(sentence for sentence in plan.sentences if sentence.kind != kind) or plan.spare[:1]
        return replace(plan, sentences=left)

    return edit


def _no_thanks(plan: Plan, value: str) -> Plan:
    plan = _without("thanks")(plan, value)
    return replace(plan, sign_off="Best wishes") if "thank" in plan.sign_off.lower() else plan


def _no_please(plan: Plan, value: str) -> Plan:
    plan = _without("please")(plan, value)
    return replace(plan, postscript=plan.postscript.replace("Please bring", "Bring"))


def _short(plan: Plan, _: str) -> Plan:
    facts = tuple(sentence for sentence in plan.sentences if sentence.kind in ("fact", "ask", "thanks"))
    return replace(plan, sentences=(facts or plan.sentences)[:2])


def _listed(layout: Layout) -> Edit:
    def edit(plan: Plan, _: str) -> Plan:
        if not any(sentence.kind in POINTS for sentence in plan.sentences):
            plan = insert(plan, len(plan.sentences), replace(plan.spare[0], kind="fact"))
        return replace(plan, layout=layout)

    return edit


def _in_words(plan: Plan, _: str) -> Plan:
    return replace(plan, digits=False, layout="bullets" if plan.layout == "numbers" else plan.layout)


def _laid_out(layout: Layout) -> Edit:
    return lambda plan, _: replace(plan, layout=layout)


def _longer(plan: Plan, _: str) -> Plan:
    for sentence in plan.spare:
        if count_sentences(render(plan)) >= LONG:
            break
        after = max((number for number, each in enumerate(plan.sentences) if each.kind in POINTS), default=0)
        plan = insert(plan, after + 1, sentence)
    return plan


def _no_numbers(plan: Plan, _: str) -> Plan:
    left = [sentence for sentence in plan.sentences if "#" not in sentence.text]
    spare = [sentence for sentence in plan.spare if "#" not in sentence.text]
    layout: Layout = "bullets" if plan.layout == "numbers" else plan.layout
    return replace(
        plan, sentences=tuple(left or spare[:1] or [Sentence(text="That's all for now", kind="close")]), layout=layout
    )


def _nice_day(plan: Plan, _: str) -> Plan:
    before_question = len([sentence for sentence in plan.sentences if sentence.kind != "question"])
    return insert(plan, before_question, Sentence(text="Have a nice day", kind="close"))


def _call(plan: Plan, value: str) -> Plan:
    formal = READERS[plan.triple.reader].near < 0.5
    return replace(plan, reader=value, greeting=plan.greeting or ("Dear" if formal else "Hi"))


def _postscript(plan: Plan, value: str) -> Plan:
    return replace(plan, postscript=_rng(plan, "postscript").choice(POSTSCRIPTS).format(it=value))


def _mention(plan: Plan, value: str) -> Plan:
    rng = _rng(plan, "mention")
    before_question = len([sentence for sentence in plan.sentences if sentence.kind != "question"])
    return insert(plan, before_question, Sentence(text=fill(rng.choice(MENTIONS), rng).format(it=value), kind="aside"))


def _reply_by(plan: Plan, value: str) -> Plan:
    text = _rng(plan, "answer").choice(("We need an answer by {}", "Let us know by {}", "Send an answer by {}"))
    return _append(plan, Sentence(text=text.format(value), kind="close"))


def _swap(plan: Plan, value: str) -> Plan:
    old, _, new = value.partition(">")
    return replace(plan, swaps=(*plan.swaps, (old, new or values.OTHER_WORDS[old])))


def _lacks(text: str, value: str) -> bool:
    return not re.search(rf"\b{value.partition('>')[0]}\b", "\n".join(body_lines(text)), re.IGNORECASE)


def _first_line(text: str) -> str:
    return (_lines(text) or [""])[0]


LONG = 4
"""Sentences from which on a message is long."""
EFFECTS = {
    "emoji": Effect(check=lambda text, _: bool(PICTURE.search(text)), edit=_picture, against=("no_emoji", "picture")),
    "no_emoji": Effect(check=lambda text, _: not PICTURE.search(text), edit=_no_pictures, against=("emoji", "picture")),
    "cheer": Effect(check=lambda text, _: "!" in text, edit=_cheer, against=("calm",)),
    "calm": Effect(check=lambda text, _: "!" not in text, edit=_calm, against=("cheer",)),
    "greeting": Effect(check=lambda text, _: has_greeting(text), edit=_greet, against=("no_greeting", "greet_with", "call")),
    "no_greeting": Effect(
        check=lambda text, _: not has_greeting(text), edit=lambda plan, _: replace(plan, greeting=""),
        against=("greeting", "greet_with", "call"),
    ),
    "sign_off": Effect(
        check=lambda text, _: has_sign_off(text), edit=lambda plan, _: sign(plan, _rng(plan, "sign")),
        against=("no_sign_off", "sign_with", "sign_as"),
    ),
    "no_sign_off": Effect(
        check=lambda text, _: not has_sign_off(text), edit=lambda plan, _: replace(plan, sign_off="", name=""),
        against=("sign_off", "sign_with", "sign_as"),
    ),
    "question": Effect(check=lambda text, _: "?" in text, edit=_ask, against=("no_question",)),
    "no_question": Effect(check=lambda text, _: "?" not in text, edit=_without("question"), against=("question",)),
    "sorry": Effect(check=lambda text, _: bool(SORRY.search(text)), edit=_sorry, not_for=("story",), against=("no_sorry",)),
    "no_sorry": Effect(check=lambda text, _: not SORRY.search(text), edit=_without("sorry"), against=("sorry",)),
    "thanks": Effect(
        check=lambda text, _: "thank" in text.lower(), edit=_polite("thanks", THANKS), not_for=("story",),
        against=("no_thanks",),
    ),
    "no_thanks": Effect(
        check=lambda text, _: "thank" not in text.lower(), edit=_no_thanks, not_for=("thank-you-card",), against=("thanks",)
    ),
    "please": Effect(
        check=lambda text, _: "please" in text.lower(), edit=_polite("please", PLEASE), not_for=("story",),
        against=("no_please",),
    ),
    "no_please": Effect(check=lambda text, _: "please" not in text.lower(), edit=_no_please, against=("please",)),
    "short": Effect(check=lambda text, _: count_sentences(text) <= 2, edit=_short, against=("longer",)),
    "longer": Effect(check=lambda text, _: count_sentences(text) >= LONG, edit=_longer, against=("short", "no_numbers")),
    "bullets": Effect(
        check=lambda text, _: "\n- " in f"\n{text}", edit=_listed("bullets"), against=("no_bullets", "numbered", "lines")
    ),
    "no_bullets": Effect(
        check=lambda text, _: not POINT.search(text), edit=_laid_out("prose"), against=("bullets", "numbered", "lines")
    ),
    "numbered": Effect(
        check=lambda text, _: bool(re.search(r"^1\. ", text, re.MULTILINE)), edit=_listed("numbers"),
        against=("no_bullets", "bullets", "lines", "number_words", "no_numbers"),
    ),
    "subject": Effect(
        check=lambda text, _: "Subject:" in text.split("\n")[0], not_for=("story", "postcard", "text-message"),
        edit=lambda plan, _: replace(plan, subject=topics()[plan.triple.topic].subject), against=("no_subject",),
    ),
    "no_subject": Effect(
        check=lambda text, _: "Subject:" not in text, edit=lambda plan, _: replace(plan, subject=""), against=("subject",)
    ),
    "no_opening": Effect(check=lambda text, _: not OPENED.search(text), edit=_without("open")),
    "long_forms": Effect(
        check=lambda text, _: not SHORT_FORM.search(text), edit=lambda plan, _: replace(plan, short_forms=False)
    ),
    "number_words": Effect(
        check=lambda text, _: not re.search(r"\d", text), edit=_in_words, against=("digits", "numbered", "no_numbers")
    ),
    "digits": Effect(
        check=lambda text, _: not NUMBER.search(re.sub(r"\d", "", text)), edit=lambda plan, _: replace(plan, digits=True),
        against=("number_words", "no_numbers"),
    ),
    "no_numbers": Effect(
        check=lambda text, _: not NUMBER.search(text), edit=_no_numbers, not_for=("story",),
        against=("digits", "number_words", "longer", "numbered"),
    ),
    "lines": Effect(
        check=lambda text, _: all(count_sentences(line) <= 1 for line in body_lines(text)), edit=_laid_out("lines"),
        against=("bullets", "no_bullets", "numbered"),
    ),
    "nice_day": Effect(check=lambda text, _: "nice day" in text.lower(), edit=_nice_day),
    "caps": Effect(check=lambda text, _: text == text.upper(), edit=lambda plan, _: replace(plan, capitals=True)),
    "no_ps": Effect(
        check=lambda text, _: "P.S." not in text, edit=lambda plan, _: replace(plan, postscript=""), against=("postscript",)
    ),
    "hashtag": Effect(
        check=lambda text, value: value in text, edit=lambda plan, value: replace(plan, end=value), values="wish",
        against=("end_with",),
    ),
    "end_with": Effect(
        check=lambda text, value: text.endswith(value), edit=lambda plan, value: replace(plan, end=value), values="end",
        against=("hashtag",),
    ),
    "start_with": Effect(
        check=lambda text, value: text.startswith(value), edit=lambda plan, value: replace(plan, start=value), values="start"
    ),
    "sign_with": Effect(
        check=lambda text, value: f"\n{value}," in text, edit=lambda plan, value: replace(plan, sign_off=value),
        values="sign_off", against=("sign_off", "no_sign_off"),
    ),
    "sign_as": Effect(
        check=lambda text, value: bool(re.search(rf"\n{value}(\n|$)", text)),
        edit=lambda plan, value: replace(plan, name=value), values="name", against=("sign_off", "no_sign_off"),
    ),
    "greet_with": Effect(
        check=lambda text, value: value in _first_line(text) and _first_line(text).endswith(","),
        edit=lambda plan, value: replace(plan, greeting=value), values="hello", against=("greeting", "no_greeting", "call"),
    ),
    "call": Effect(
        check=lambda text, value: has_greeting(text) and _first_line(text).endswith(f" {value},"), edit=_call, values="pet",
        against=("greeting", "no_greeting", "greet_with"),
    ),
    "postscript": Effect(
        check=lambda text, value: "P.S." in text and value in text.split("P.S.")[-1], edit=_postscript, values="thing",
        against=("no_ps",),
    ),
    "mention": Effect(check=lambda text, value: value in text, edit=_mention, values="thing"),
    "reply_by": Effect(
        check=lambda text, value: bool(re.search(rf"\b([Aa]nswer|know|reply)\b[^.!?]* by {value}\b", text)), edit=_reply_by,
        values="hour",
    ),
    "picture": Effect(
        check=lambda text, value: value in text, values="picture", against=("emoji", "no_emoji"),
        edit=lambda plan, value: with_sentence(plan, len(plan.sentences) - 1, emoji=value),
    ),
    "avoid": Effect(check=_lacks, edit=_swap, values="word", against=("instead",)),
    "instead": Effect(check=_lacks, edit=_swap, values="swap", against=("avoid",), standing=False),
}  # fmt: skip
VALUED = tuple(name for name, effect in EFFECTS.items() if effect.values)
"""The effects that take a value."""
TRAINED = tuple(name for name in EFFECTS if name not in heldout.EFFECTS)


def holds(effect: str, value: str, text: str) -> bool:
    """Whether a text shows an effect; a text that is no message (empty, babbled) shows none."""
    return EFFECTS[effect].check(text, value) and is_well_formed(text)


def obey(effect: str, value: str, plan: Plan) -> Plan:
    """Return the plan, changed as little as possible so that the effect holds; unchanged where it holds already."""
    return plan if holds(effect, value, render(plan)) else EFFECTS[effect].edit(plan, value)
