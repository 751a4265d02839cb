"""Counted language models: interpolated modified Kneser–Ney over n-grams of token ids, mapped into memory.

    build      build     counts a token file and writes a model's folder; killed and called again it goes on
    counting   count     which n-grams there are, how often, and which shorter one each ends with, by sorting on disk
    smoothing  smooth    from counts to probabilities and back-off weights (Chen and Goodman 1999)
    model      load      opens a folder: log-probability of rows, and sampling, as a `TextModel`

An n-gram has no key of its own on disk: those of one order stand sorted by (its first n−1 tokens, its last), `first` says
where the continuations of each begin in the next order, and an n-gram's place is its number.
"""

from __future__ import annotations

__all__: list[str] = []
