"""How a prompt may be worded: one triple, many ways to ask for it."""

from __future__ import annotations

from random import Random

from recipes.teachable.words import capital, fill
from recipes.teachable.world import GENRES, READERS, Triple, topics

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
)


def prompt(triple: Triple, rng: Random) -> str:
    """Draw a wording of a prompt for this triple."""
    return word(triple, WORDINGS[rng.randrange(len(WORDINGS))], rng)


def word(triple: Triple, wording: str, rng: Random) -> str:
    """Return one wording of a prompt, the topic called by one of its names."""
    genre, reader = GENRES[triple.genre], READERS[triple.reader].who
    topic = fill(rng.choice(topics()[triple.topic].phrases), rng)
    return wording.format(genre=genre.one, Genre=capital(genre.one), to=genre.to, reader=reader, Reader=capital(reader),
                          topic=topic, to_reader=f"to {reader}")  # fmt: skip
