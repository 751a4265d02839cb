"""The words of texts as numbers, beside a slow and obvious reading of the same rule."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.text.overlap import shingles as module
from sayso.text.overlap.shingles import Grams, jaccard, shingles, words_of

TEXTS = st.lists(st.text(alphabet="aBc é'1\u0301\n.,你好吗，。ﬁ", max_size=30), max_size=6)


def slow_words(text: str) -> list[str]:
    """Split by a regular expression: Chinese characters one by one, else runs of letters and digits."""
    bare = unicodedata.normalize("NFD", text.replace("ﬁ", "\uf000"))
    bare = "".join(character for character in bare if unicodedata.category(character) != "Mn").lower()
    return re.findall(r"[\u4e00-\u9fff]|[a-z0-9\uf000]+", bare)


def slow_shingles(words: list[str], grams: Grams) -> set[tuple[str, ...]]:
    """Return all runs, of a length that the first word's script decides."""
    found = set()
    for at, word in enumerate(words):
        length = grams.characters if "\u4e00" <= word <= "\u9fff" else grams.words
        if at + length <= len(words):
            found.add(tuple(words[at : at + length]))
    return found or ({tuple(words)} if words else set())


@settings(deadline=None)
@given(TEXTS)
def test_words_are_those_of_the_slow_reading(texts: list[str]) -> None:
    read = words_of(texts)
    slow = [slow_words(text) for text in texts]
    assert np.diff(read.offsets).tolist() == [len(words) for words in slow]
    numbers = dict(zip([word for words in slow for word in words], read.hashes.tolist(), strict=True))
    assert [numbers[word] for words in slow for word in words] == read.hashes.tolist()
    assert len(set(numbers.values())) == len(numbers)


@settings(deadline=None)
@given(TEXTS)
def test_a_word_knows_where_it_stands(texts: list[str]) -> None:
    read = words_of(texts)
    for number, text in enumerate(texts):
        here = slice(read.offsets[number], read.offsets[number + 1])
        stands = [text[begin:end] for begin, end in zip(read.starts[here], read.ends[here], strict=True)]
        assert ["".join(slow_words(part)) for part in stands] == slow_words(text)


@settings(deadline=None)
@given(TEXTS, st.integers(1, 4), st.integers(1, 4))
def test_shingles_are_those_of_the_slow_reading(texts: list[str], words: int, characters: int) -> None:
    grams = Grams(words=words, characters=characters)
    read = shingles(words_of(texts), grams)
    fast = [read.hashes[begin:end] for begin, end in zip(read.offsets[:-1], read.offsets[1:], strict=True)]
    slow = [slow_shingles(slow_words(text), grams) for text in texts]
    assert [len(set(found.tolist())) for found in fast] == [len(found) for found in slow]
    for one in range(len(texts)):
        for other in range(one):
            either = len(slow[one] | slow[other])
            expected = len(slow[one] & slow[other]) / either if either else 0.0
            assert jaccard(fast[one], fast[other]) == expected


def test_case_width_accents_and_punctuation_do_not_count() -> None:
    read = words_of(["Ｃａｆé, naïve!", "cafe NAIVE", "cafe\u0301 - nai\u0308ve"])
    assert read.hashes.reshape(3, 2).tolist() == [read.hashes[:2].tolist()] * 3


def test_anagrams_and_neighbours_are_other_words() -> None:
    assert len(set(words_of(["listen silent enlist ab a b ba aab aba"]).hashes.tolist())) == 9


def test_a_text_longer_than_is_worked_on_at_a_time_is_read_as_one() -> None:
    text = "some words of a long text " * (module._AT_ONCE // 20)
    whole = words_of(["before", text, "after"])
    assert np.diff(whole.offsets).tolist() == [1, 6 * (module._AT_ONCE // 20), 1]
    assert len(set(whole.hashes[1:-1].tolist())) == 6
    assert [text[begin:end] for begin, end in zip(whole.starts[1:-1], whole.ends[1:-1], strict=True)] == text.split()


def test_a_short_text_is_one_shingle_and_an_empty_one_none() -> None:
    read = shingles(words_of(["", "one", "...", "one two", "你好"]), Grams())
    assert np.diff(read.offsets).tolist() == [0, 1, 0, 1, 1]
    assert len(set(read.hashes.tolist())) == 3


def test_no_texts_have_no_words() -> None:
    read = shingles(words_of([]), Grams())
    assert read.hashes.tolist() == []
    assert read.offsets.tolist() == [0]
