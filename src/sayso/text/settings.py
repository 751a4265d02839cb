"""The settings of `sayso data`: how files are read, what is done to their texts, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sayso import config
from sayso.text.cleaning.cleaner import Cleaning
from sayso.text.files.runs import Writing
from sayso.text.files.streams import Reading
from sayso.text.overlap.contamination import Overlap
from sayso.text.overlap.duplicates import Duplicates
from sayso.text.overlap.splitting import Split


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What the verbs of `sayso data` go by."""

    reading: Reading = field(default_factory=Reading)
    """How files are read."""
    clean: Cleaning = field(default_factory=Cleaning)
    """What is done to texts, and which are kept."""
    dedup: Duplicates = field(default_factory=Duplicates)
    """What is a duplicate, and which of several is kept."""
    decontaminate: Overlap = field(default_factory=Overlap)
    """What counts as part of an evaluation set, and what is done about it."""
    split: Split = field(default_factory=Split)
    """How documents are split."""
    writing: Writing = field(default_factory=Writing)
    """How shards are written."""


def settings_of(layers: Sequence[Mapping[str, Any]], assignments: Sequence[str]) -> Settings:
    """Return settings of mappings laid over one another, and of `--set` over them.

    Raises:
        SettingsError: a key is not known, or a value is of the wrong type.
    """
    return config.build(Settings, config.override(config.merged(*layers), assignments), where="data")
