"""Does a comment take? Many are taught to a model one by one, by several methods, and what became of each is counted.

The suite of comments is data beside this file. `running` does what is missing in a folder and can be stopped at any time;
`scoring` turns the answers it keeps into figures, `comparing` the figures into tests, `tables` both into Markdown and into a
result that others can compare with theirs.
"""

from __future__ import annotations

__all__: list[str] = []
