"""Filling in a sentence's marks, and the words that come from lists: names, days, numbers, greetings, short forms."""

from __future__ import annotations

import re
from random import Random

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _names(said: str) -> tuple[str, ...]:
    return tuple(said.split())


SHE = _names(
    "Ana Bella Clara Dora Elsa Flora Greta Hanna Ines Julia Karla Lena Maya Nora Olga Paula Rosa Tina Vera Zoe "
    "Alice Amira Anita Astrid Berta Carla Celia Chloe Diana Edith Elena Emma Fatima Frida Gloria Helen Ida Irene "
    "Iris Jane Joan Kira Laura Leila Lotte Lucia Magda Maria Mila Nadia Naomi Nina Petra Rita Ruth Sara Sofia "
    "Stella Sonja Yara "
)
HE = _names(
    "Adam Ben Carl David Emil Felix Georg Hugo Ivan Jonas Karim Luis Marco Nils Oscar Paul Simon Theo Victor Walter "
    "Alan Albert Amir Anton Arthur Bruno Conrad Daniel Dario Edgar Erik Finn Frank Fred Gustav Hamid Harry Henry "
    "Igor Jakob Jan Julian Kurt Lars Leon Linus Lukas Martin Milan Noah Omar Otto Peter Ralf Ravi Rudi Samir Sven "
    "Tobias Yusuf "
)
NAMES = SHE + HE
GREETINGS = {"formal": ("Dear", "Dear", "Good morning", "Hello", "Good day"), "close": ("Hi", "Hey", "Hello", "Dear", "Hi")}
SIGN_OFFS = {
    "formal": ("Best regards", "Kind regards", "Best wishes", "Yours", "Many thanks"),
    "close": ("Love", "See you", "Take care", "Hugs", "Bye for now"),
}
EMOJI = ("🙂", "😀", "❤", "👍", "🙏", "👋")
NUMBER_WORDS = {
    **dict(
        enumerate(
            (
                "two",
                "three",
                "four",
                "five",
                "six",
                "seven",
                "eight",
                "nine",
                "ten",
                "eleven",
                "twelve",
                "thirteen",
                "fourteen",
                "fifteen",
                "sixteen",
            ),
            2,
        )
    ),
    **dict(enumerate(("seventeen", "eighteen", "nineteen", "twenty"), 17)),
    30: "thirty",
    40: "forty",
    50: "fifty",
    60: "sixty",
    70: "seventy",
    80: "eighty",
    90: "ninety",
}
LONG_FORMS = {
    "I'm": "I am",
    "I've": "I have",
    "I'll": "I will",
    "It's": "It is",
    "it's": "it is",
    "It'll": "It will",
    "it'll": "it will",
    "isn't": "is not",
    "can't": "cannot",
    "couldn't": "could not",
    "don't": "do not",
    "Don't": "Do not",
    "doesn't": "does not",
    "hasn't": "has not",
    "haven't": "have not",
    "We're": "We are",
    "We've": "We have",
    "We'll": "We will",
    "we're": "we are",
    "They're": "They are",
    "They've": "They have",
    "They'll": "They will",
    "There's": "There is",
    "there's": "there is",
    "There'll": "There will",
    "He's": "He is",
    "She's": "She is",
    "You're": "You are",
    "you're": "you are",
    "You'd": "You would",
    "Let's": "Let us",
    "Here's": "Here is",
    "That's": "That is",
    "You'll": "You will",
    "you'll": "you will",
    "I'd": "I would",
    "didn't": "did not",
    "wasn't": "was not",
    "What's": "What is",
    "what's": "what is",
}
SHORT_FORM = re.compile(r"\b(" + "|".join(map(re.escape, sorted(LONG_FORMS, key=len, reverse=True))) + r")(?!\w)")


def fill(text: str, rng: Random, *, hero: str = "") -> str:
    """Choose every `[a|b]`, `@day` and `@name` of a sentence, and every number `#lo-hi`, which becomes `#n#`."""
    text = re.sub(r"\[([^\]]*)\]", lambda found: rng.choice(found[1].split("|")), text)
    text = re.sub(r"@day", lambda _: rng.choice(DAYS), text)
    text = re.sub(r"@name", lambda _: rng.choice(NAMES), text)
    if hero:
        she = hero in SHE
        text = re.sub(
            r"@hero|@hers|@his|@he",
            lambda found: {"@hero": hero, "@he": "she" if she else "he"}.get(found[0], "her" if she else "his"),
            text,
        )
    return re.sub(r"#(\d+)-(\d+)", lambda found: f"#{_round(rng.randint(int(found[1]), int(found[2])))}#", text)


def _round(number: int) -> int:
    """People say forty, not forty-three."""
    if number > 100:
        return number // 100 * 100
    return number // 10 * 10 if number > 20 else number


def numbers(text: str, *, digits: bool) -> str:
    """Write every marked number `#n#` as digits or as a word."""
    return re.sub(r"#(\d+)#", lambda found: found[1] if digits else number_word(int(found[1])), text)


def number_word(number: int) -> str:
    """Return the word of a number as `fill` makes them: up to twenty, then tens, then hundreds."""
    return f"{NUMBER_WORDS.get(number // 100, 'one')} hundred" if number >= 100 else NUMBER_WORDS[number]


def long_forms(text: str) -> str:
    """Write I am for I'm."""
    return SHORT_FORM.sub(lambda found: LONG_FORMS[found[1]], text)


def capital(text: str) -> str:
    """Return the text with a capital letter in front."""
    return text[:1].upper() + text[1:]
