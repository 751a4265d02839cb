"""Texts in files, and what works on them file by file: read as streams, written as shards, stopped and gone on with.

    opening     which files are meant, what each holds, and how its bytes are reached; `hub`: data sets by name
    streams     records one after another, each with the place where it stands
    sinks       the formats that can be written; `shards`: a folder of files of one size
    journal     work that is noted as it goes; `workers`: by several processes, its results in order
    runs        every record through one piece of work, counted by `tallies`; `converting`: into another format

What a record means is its reader's affair: here it is fields, and the place where it stands.
"""

from __future__ import annotations

__all__: list[str] = []
