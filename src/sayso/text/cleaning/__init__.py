"""What is done to one text, without a look at any other: it is put right, or dropped, or told of.

    cleaner      the steps and the rules in their order; `distributed`: the same as a stage of Ray Data
    characters, markup                     wrong characters and HTML put right
    language, quality, repetition, web     rules that keep or drop a text
    private, addresses, fields, masking    personal data: found, counted, masked

Steps and rules are plain functions of a text, so that the same cleaning runs on one machine or on many.
"""

from __future__ import annotations

__all__: list[str] = []
