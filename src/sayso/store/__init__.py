"""What is kept: prompts, responses, comments, refinements, versions, runs and evaluations, in one database.

`store.database` opens it (SQLite by default, PostgreSQL by its URL), `store.exchange` carries records to and from JSONL
files, `store.wire` is the shape of those files. Nothing said is ever deleted: a comment is superseded or withdrawn,
and every change is also an event that stays. What was acknowledged is on disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sayso.store.database import Store as Store
    from sayso.store.exchange import Imported as Imported
    from sayso.store.exchange import Reading as Reading
    from sayso.store.lines import Fault as Fault
    from sayso.store.questions import Added as Added
    from sayso.store.questions import Event as Event

__all__: list[str] = []
