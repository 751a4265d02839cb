"""How a prompt may be worded: one triple, many ways to ask for it."""

from __future__ import annotations

import re
from random import Random

from recipes.teachable import heldout
from recipes.teachable.words import capital, fill
from recipes.teachable.world import GENRES, MANNERS, READERS, Triple, topics

WORDINGS = (
    "Write {genre} {to} {reader} about {topic}.",
    "I need {genre} {to} {reader} about {topic}.",
    "Please write {genre} for {reader} about {topic}.",
    "Can you write {genre} {to} {reader}? It's about {topic}.",
    "{Genre} {to} {reader} about {topic}, please.",
    "Help me write {genre} {to} {reader} about {topic}.",
    "Tell {reader} about {topic} in {genre}.",
    "{Reader} should know about {topic}. Write {genre}.",
    "Could you do {genre} about {topic} for {reader}?",
    "About {topic}: {genre} {to} {reader}.",
    "Write {to_reader} about {topic}, as {genre}.",
    "I'd like {genre} about {topic}, {to} {reader}.",
    "{Genre} about {topic} for {reader}, please.",
    "I have to send {reader} {genre} about {topic}.",
    "Let {reader} know about {topic} with {genre}.",
    "What I need: {genre} {to} {reader} about {topic}.",
    "For {reader}: {genre} about {topic}.",
    "Would you write {genre} about {topic} {to} {reader}?",
    "I want to tell {reader} about {topic}. Make it {genre}.",
    "Give me {genre} {to} {reader} about {topic}.",
    "What could {genre} {to} {reader} about {topic} say?",
    "{Topic}: I owe {reader} {genre} about it.",
)
"""The last two are never trained on (heldout.yaml)."""


def prompt(triple: Triple, rng: Random, *, held: bool = False) -> str:
    """Draw a wording of a prompt for this triple, of those trained on or of those held out."""
    return word(triple, rng.choice(heldout.wordings("prompts", "all", list(WORDINGS), held=held)), rng)


def word(triple: Triple, wording: str, rng: Random) -> str:
    """Return one wording of a prompt, the topic called by one of its names, the manner said beside or within."""
    genre, reader = GENRES[triple.genre], READERS[triple.reader].who
    topic = fill(rng.choice(topics()[triple.topic].phrases), rng)
    within = triple.manner == "short" and triple.genre != "story" and rng.random() < 0.5
    one = re.sub(r"^an? ", "a short ", genre.one) if within else genre.one
    text = wording.format(genre=one, Genre=capital(one), to=genre.to, reader=reader, Reader=capital(reader), topic=topic,
                          Topic=capital(topic), to_reader=f"to {reader}")  # fmt: skip
    return text if within or not triple.manner else f"{text} {rng.choice(MANNERS[triple.manner].asks)}"
