"""What a comment may ask for: an effect is a check on the text and the smallest edit of the plan that makes it hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import yaml
from recipes.teachable.compose import PLEASE, THANKS, emoji, sign
from recipes.teachable.plan import Kind, Plan, Sentence, insert, render, with_sentence
from recipes.teachable.words import DAYS, GREETINGS, NAMES, SHORT_FORM, fill
from recipes.teachable.world import READERS, topics

PICTURE = re.compile("[\u2190-\u2bff\u2764\U0001f300-\U0001faff]")
GREETING = re.compile(r"[A-Z][\w ]*( [A-Z][\w.]*( [A-Z]\w+)?| team| all),")
SORRY = re.compile(r"\b(sorry|apolog)", re.IGNORECASE)
_SAID = yaml.safe_load((Path(__file__).parent / "wordings.yaml").read_text(encoding="utf-8"))
WORDINGS: dict[str, list[str]] = _SAID["wordings"]
"""How a comment asks for each effect; `{value}` stands for the value."""
VALUES: dict[str, Sequence[str]] = {**_SAID["values"], "name": NAMES, "day": DAYS}

Check = Callable[[str, str], bool]
Edit = Callable[[Plan, str], Plan]


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """One thing a comment may ask for; some take a value, drawn from `VALUES[values]`."""

    check: Check
    edit: Edit
    values: str = ""
    not_for: tuple[str, ...] = ()
    """Genres in which nobody would ask for it."""


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


def count_sentences(text: str) -> int:
    """Return how many sentences there are, titles and the postscript not counted."""
    body = "\n".join(line for line in _lines(text) if not line.startswith("P.S."))
    return len(re.findall(r"[.!?](?=\s|$)", re.sub(r"\b(Mrs|Mr|Ms|Dr)\.", r"\1", body)))


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


def _bullets(plan: Plan, _: str) -> Plan:
    if any(sentence.kind in ("fact", "ask") for sentence in plan.sentences):
        return replace(plan, layout="bullets")
    return replace(insert(plan, len(plan.sentences), replace(plan.spare[0], kind="fact")), layout="bullets")


def _no_bullets(plan: Plan, _: str) -> Plan:
    return replace(plan, layout="prose")


EFFECTS = {
    "emoji": Effect(check=lambda text, _: bool(PICTURE.search(text)), edit=_picture),
    "no_emoji": Effect(check=lambda text, _: not PICTURE.search(text), edit=_no_pictures),
    "cheer": Effect(check=lambda text, _: "!" in text, edit=_cheer),
    "calm": Effect(check=lambda text, _: "!" not in text, edit=_calm),
    "greeting": Effect(check=lambda text, _: has_greeting(text), edit=_greet),
    "no_greeting": Effect(check=lambda text, _: not has_greeting(text), edit=lambda plan, _: replace(plan, greeting="")),
    "sign_off": Effect(check=lambda text, _: has_sign_off(text), edit=lambda plan, _: sign(plan, _rng(plan, "sign"))),
    "no_sign_off": Effect(
        check=lambda text, _: not has_sign_off(text), edit=lambda plan, _: replace(plan, sign_off="", name="")
    ),
    "question": Effect(check=lambda text, _: "?" in text, edit=_ask),
    "no_question": Effect(check=lambda text, _: "?" not in text, edit=_without("question")),
    "sorry": Effect(check=lambda text, _: bool(SORRY.search(text)), edit=_sorry, not_for=("story",)),
    "no_sorry": Effect(check=lambda text, _: not SORRY.search(text), edit=_without("sorry")),
    "thanks": Effect(check=lambda text, _: "thank" in text.lower(), edit=_polite("thanks", THANKS), not_for=("story",)),
    "no_thanks": Effect(check=lambda text, _: "thank" not in text.lower(), edit=_no_thanks, not_for=("thank-you-card",)),
    "please": Effect(check=lambda text, _: "please" in text.lower(), edit=_polite("please", PLEASE), not_for=("story",)),
    "no_please": Effect(check=lambda text, _: "please" not in text.lower(), edit=_no_please),
    "short": Effect(check=lambda text, _: count_sentences(text) <= 2, edit=_short),
    "bullets": Effect(check=lambda text, _: "\n- " in f"\n{text}", edit=_bullets),
    "no_bullets": Effect(check=lambda text, _: "\n- " not in f"\n{text}", edit=_no_bullets),
    "subject": Effect(
        check=lambda text, _: text.startswith("Subject:"),
        not_for=("story", "postcard", "text-message"),
        edit=lambda plan, _: replace(plan, subject=topics()[plan.triple.topic].subject),
    ),
    "no_subject": Effect(check=lambda text, _: "Subject:" not in text, edit=lambda plan, _: replace(plan, subject="")),
    "long_forms": Effect(
        check=lambda text, _: not SHORT_FORM.search(text), edit=lambda plan, _: replace(plan, short_forms=False)
    ),
    "number_words": Effect(
        check=lambda text, _: not re.search(r"\d", text), edit=lambda plan, _: replace(plan, digits=False)
    ),
    "end_with": Effect(
        check=lambda text, value: text.endswith(value), edit=lambda plan, value: replace(plan, end=value), values="end"
    ),
    "start_with": Effect(
        check=lambda text, value: text.startswith(value), edit=lambda plan, value: replace(plan, start=value), values="start"
    ),
    "sign_with": Effect(
        check=lambda text, value: f"\n{value}," in text,
        edit=lambda plan, value: replace(plan, sign_off=value),
        values="sign_off",
    ),
    "sign_as": Effect(
        check=lambda text, value: f"\n{value}" in text, edit=lambda plan, value: replace(plan, name=value), values="name"
    ),
    "postscript": Effect(
        check=lambda text, value: "P.S." in text and value in text.split("P.S.")[-1],
        values="day",
        edit=lambda plan, value: replace(plan, postscript=f"See you on {value}."),
    ),
}


def holds(effect: str, value: str, text: str) -> bool:
    """Whether a text shows an effect; an empty text shows none."""
    return bool(text.strip()) and EFFECTS[effect].check(text, value)


def obey(effect: str, value: str, plan: Plan) -> Plan:
    """Return the plan, changed as little as possible so that the effect holds; unchanged where it holds already."""
    return plan if holds(effect, value, render(plan)) else EFFECTS[effect].edit(plan, value)
