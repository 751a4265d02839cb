"""One HTML file that shows what was said, what became of it, and what the gate decided: it works offline and prints."""

from __future__ import annotations
