"""Texts, or pairs of texts, and the class of each.

    task          `Classify`: what is asked, what is read out of an answer, what is counted
    presets       the named data sets; `newsgroups`: what gives a newsgroup's message away, taken off
    loading       tables, lines and folders of labelled texts
    splits        what is learnt from, chosen on, and measured on once
    metrics       accuracy, F1, Matthews and the others; calibration

A model that writes is asked in words, and its answer is read; a classifier reads the text alone.
"""

from __future__ import annotations

__all__: list[str] = []
