"""The bake-off: several methods learn from the same comments at the same budget, and one table says which took best.

`comparing` does the units that are missing, `trying` one of them within its budget, `standings` and `ranking` count and
order what came of them, `comparison` is the table and its page.
"""

from __future__ import annotations

__all__: list[str] = []
