"""The control that only remembers: which of the prompts a comment was given on is most like this one?"""

from __future__ import annotations

from collections.abc import Sequence


def nearest(known: Sequence[str], asked: Sequence[str]) -> list[int]:
    """Return for each text the number of the known text most like it, by the cosine of TF-IDF weights of letter n-grams."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4))
    table = vectorizer.fit_transform(known)
    likeness = vectorizer.transform(asked) @ table.T  # (asked, known); rows have length 1
    return [int(place) for place in likeness.toarray().argmax(axis=1)]
