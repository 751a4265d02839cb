"""Drawing a plan: what somebody would write for a triple, with the habits of the genre, the reader and the mood."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from recipes.teachable.plan import Kind, Layout, Plan, Sentence, with_sentence
from recipes.teachable.values import THINGS
from recipes.teachable.words import EMOJI, GREETINGS, NAMES, SIGN_OFFS, fill
from recipes.teachable.world import GENRES, MANNERS, READERS, Genre, Mood, Reader, Topic, Triple, topics

MOODS: dict[Mood, tuple[float, float]] = {"glad": (1.25, 1.25), "plain": (0.75, 0.95), "grave": (0.3, 0.6)}
"""By what the shares of emoji and of exclamation marks are multiplied."""
OPENINGS = {
    "email": ("I'm writing about {it}", "This is about {it}", "I'd like to tell you about {it}"),
    "note": ("A quick note about {it}", "Just a word about {it}"),
    "text-message": ("News about {it}", "Quick word about {it}"),
    "postcard": ("Greetings from {place}", "Hello from {place}", "Warm wishes from {place}"),
    "announcement": ("We have news about {it}", "Here's the news about {it}", "This is for everyone who asked about {it}"),
    "reminder": ("This is a reminder about {it}", "Just a reminder about {it}", "Remember {it}"),
    "thank-you-card": ("This card is about {it}", "I often think of {it}"),
    "reply": ("You asked about {it}", "I got your message about {it}", "It's good that you asked about {it}"),
    "letter": (
        "I'm writing to you about {it}",
        "It has been a while, and there's news about {it}",
        "I want to tell you about {it}",
    ),
}
PLACES = ("the sea", "Lisbon", "the mountains", "Rome", "the lake", "Oslo", "Vienna", "a small island")
THANKS = ("Thank you for your help", "Thank you for your time", "Thanks for everything", "Many thanks for your patience")
PLEASE = (
    "Please let me know",
    "Please tell the others",
    "Please call me on @day",
    "Please write back",
    "Please think about it",
)
CLOSES = ("Have a nice day", "I hope to hear from you", "That's all for now", "Talk to you soon", "Enjoy the day")
STORY_ENDS = ("And that was that", "It's still told today", "The moon saw it all", "What a day that was")
POSTSCRIPTS = ("I still have your {it}.", "Don't forget the {it}.", "Please bring the {it}.", "The {it} can wait.")
MENTIONS = (
    "I still have the {it}",
    "We'll need the {it}",
    "Don't forget the {it}",
    "@name has the {it}",
    "The {it} can wait",
)
"""What may be said of any thing."""
MOST = 3
"""Sentences in the body of a message: what is copied in a context has to be short."""


def compose(triple: Triple, rng: Random) -> Plan:
    """Draw what somebody might write; the same generator state gives the same plan.

    Every part draws from a generator of its own, so that from one state plans for other readers or genres are alike where
    their habits are.
    """
    genre, reader, topic = GENRES[triple.genre], READERS[triple.reader], topics()[triple.topic]
    seed = rng.randrange(1 << 30)
    words, parts = Random(seed), Random(seed + 1)
    said, spare = _story(topic, genre, words) if triple.genre == "story" else _message(triple, genre, reader, topic, words)
    drawn = [parts.random() for _ in range(7)]
    greetings = GREETINGS["formal" if reader.near < 0.5 else "close"]
    plan = Plan(
        triple=triple, reader=parts.choice(reader.names), sentences=tuple(said), spare=tuple(spare), seed=seed,
        subject=topic.subject if drawn[0] < genre.subject else "",
        greeting=_at(drawn[1] / genre.greeting, greetings) if drawn[1] < genre.greeting else "",
        layout=_layout(genre, drawn[2]), digits=drawn[3] < 0.65, short_forms=drawn[4] < 0.35 + 0.6 * reader.near,
        postscript=parts.choice(POSTSCRIPTS).format(it=parts.choice(THINGS)) if drawn[5] < 0.06 else "",
    )  # fmt: skip
    plan = _cheer(plan, genre, reader, topic, Random(seed + 2))
    if drawn[6] >= genre.sign_off:
        return plan
    last = Random(seed + 3)
    return sign(plan, last, named=last.random() < 0.85)


def _at(share: float, choices: tuple[str, ...]) -> str:
    return choices[min(int(share * len(choices)), len(choices) - 1)]


def sign(plan: Plan, rng: Random, *, named: bool = True) -> Plan:
    """Return the plan with a sign-off that suits its reader, and a name if asked."""
    formal = READERS[plan.triple.reader].near < 0.5
    name = rng.choice(NAMES)
    return replace(plan, sign_off=rng.choice(SIGN_OFFS["formal" if formal else "close"]), name=name if named else "")


def _message(
    triple: Triple, genre: Genre, reader: Reader, topic: Topic, rng: Random
) -> tuple[list[Sentence], list[Sentence]]:
    facts, others = Random(rng.random()), Random(rng.random())
    body, spare = _facts(topic, facts.randint(*genre.facts), facts)
    brief = triple.manner != "" and MANNERS[triple.manner].brief
    if triple.genre == "reminder":
        body = _drawn(topic.asks, others.randint(1, 2), "ask", others) + body[: others.randint(0, 1)]
    elif triple.genre == "announcement" and others.random() < 0.4:
        body.append(_one(topic.asks, "ask", others))
    opened, sorry = rng.random(), rng.random()
    if triple.genre == "thank-you-card":
        body.insert(0, _one(topic.thanks, "thanks", others))
    elif opened < _opening_share(triple.genre) and not brief:
        body.insert(0, opening(triple, others))
    if sorry < genre.sorry and not brief:
        body.insert(1 if body[0].kind == "open" else 0, Sentence(text=topic.sorry, kind="sorry"))
    end = _ending(triple, genre, reader, topic, rng)
    most = MOST - brief
    first = body[: max(most - len(end), 2 - brief)]
    return first + end[: most - len(first)], spare


def _ending(triple: Triple, genre: Genre, reader: Reader, topic: Topic, rng: Random) -> list[Sentence]:
    drawn = [rng.random() for _ in range(6)]
    end: list[Sentence] = []
    if drawn[0] < 0.15:
        end.append(_one(reader.asides, "aside", Random(drawn[0])))
    if drawn[1] < genre.please:
        end.append(_one(PLEASE, "please", Random(drawn[1])))
    if triple.genre != "thank-you-card" and drawn[2] < genre.thanks:
        end.append(_one(THANKS, "thanks", Random(drawn[2])))
    if drawn[3] < genre.question * (0.8 if topic.mood == "glad" else 1.15):
        end.append(_one(topic.questions, "question", Random(drawn[3])))
    if not end and drawn[4] < 0.25:
        end.append(_one(CLOSES, "close", Random(drawn[4])))
    return end[-1:] if drawn[5] < 0.7 else end[-2:]


def _story(topic: Topic, genre: Genre, rng: Random) -> tuple[list[Sentence], list[Sentence]]:
    hero = rng.choice(NAMES)
    count = rng.randint(*genre.facts)
    beats = (*topic.story[: count - 1], topic.story[-1])
    said = [Sentence(text=fill(beat, rng, hero=hero), kind="fact") for beat in beats]
    if rng.random() < 0.2:
        said.append(Sentence(text=rng.choice(STORY_ENDS), kind="close"))
    if rng.random() < genre.question:
        said.append(
            Sentence(
                text=rng.choice(("Would you have done the same", "What would you have said")), kind="question", mark="?"
            )
        )
    return said, [Sentence(text=text, kind="close") for text in rng.sample(STORY_ENDS, len(STORY_ENDS))]


def opening(triple: Triple, rng: Random) -> Sentence:
    """Draw a first sentence that says what it is about."""
    it = fill(rng.choice(topics()[triple.topic].phrases), rng)
    text = rng.choice(OPENINGS.get(triple.genre, OPENINGS["note"]))
    return Sentence(text=text.format(it=it, place=rng.choice(PLACES)), kind="open")


def _opening_share(genre: str) -> float:
    return {"postcard": 0.75, "reply": 0.6, "reminder": 0.7, "text-message": 0.12}.get(genre, 0.4)


def _one(texts: tuple[str, ...], kind: Kind, rng: Random) -> Sentence:
    return Sentence(text=fill(rng.choice(texts), rng), kind=kind, mark="?" if kind == "question" else ".")


def _facts(topic: Topic, count: int, rng: Random) -> tuple[list[Sentence], list[Sentence]]:
    """Draw facts in the order in which one would tell them; the first says what happened and is often there."""
    chosen = sorted(rng.sample(range(1, len(topic.facts)), count))
    if rng.random() < 0.6:
        chosen[0] = 0
    told = [Sentence(text=fill(text, rng), kind="fact") for text in topic.facts]
    return [told[number] for number in chosen], [told[number] for number in range(1, len(told)) if number not in chosen]


def _drawn(texts: tuple[str, ...], count: int, kind: Kind, rng: Random) -> list[Sentence]:
    return [Sentence(text=fill(text, rng), kind=kind) for text in rng.sample(texts, count)]


def _layout(genre: Genre, drawn: float) -> Layout:
    return "bullets" if drawn < genre.bullets else "lines" if drawn < genre.bullets + 0.05 else "prose"


def _cheer(plan: Plan, genre: Genre, reader: Reader, topic: Topic, rng: Random) -> Plan:
    """Put exclamation marks and emoji where the reader and the mood allow them."""
    pictures, shouts = MOODS[topic.mood]
    plain = [number for number, sentence in enumerate(plan.sentences) if sentence.mark == "."]
    if plain and rng.random() < genre.cheer * shouts * (0.7 + 0.45 * reader.near):
        for number in {plain[0] if rng.random() < 0.5 else plain[-1], rng.choice(plain)}:
            plan = with_sentence(plan, number, mark="!")
    if rng.random() < genre.emoji * pictures * (0.12 + 0.88 * reader.near):
        last = len(plan.sentences) - 1
        number = last if rng.random() < 0.75 else rng.randint(0, last)
        plan = with_sentence(plan, number, emoji=emoji(topic, rng))
    return plan


def emoji(topic: Topic, rng: Random) -> str:
    """Draw a picture that suits the topic."""
    return topic.emoji if rng.random() < 0.6 else rng.choice(EMOJI[:3] if topic.mood == "glad" else EMOJI)
