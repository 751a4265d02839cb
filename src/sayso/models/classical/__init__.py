"""Models that are no networks, kept in folders of their own kinds: counted, hidden, and linear ones.

    ngram     counted language models: interpolated modified Kneser–Ney
    hmm       hidden Markov models of text
    linear    a linear classifier on words and characters

What a folder says it holds opens it: `sayso.models.textmodel` and `sayso.models.labelling` know the names.
"""

from __future__ import annotations

__all__: list[str] = []
