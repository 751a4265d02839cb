"""What texts share: the same text twice, a passage in many, a text of an evaluation set in the training data.

    shingles, signatures, signing       runs of words, and the few numbers that stand for them, kept on disk
    clusters, passages                  which texts belong together, and which passages stand in several
    duplicates                          each kept once
    contamination, decontaminating      what evaluation sets hold is found, and dropped or cut out
    splitting, parting                  train, validation and test, such that nothing leaks between them

Texts are never all in memory: signatures lie on disk, and a column of them is read at a time.
"""

from __future__ import annotations

__all__: list[str] = []
