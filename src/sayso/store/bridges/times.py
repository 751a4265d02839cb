"""The ways in which tools write a time become ISO 8601 with a zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sayso.i18n import gettext as _
from sayso.store.rules import wrong

_MILLISECONDS = 100_000_000_000
"""Numbers from here on are milliseconds since 1970: as seconds, this one is in the year 5138."""


def moment(value: Any, field: str) -> str:
    """Return a time that is written in ISO 8601 (without a zone: UTC) or as seconds or milliseconds since 1970."""
    if value in (None, ""):
        return ""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if value >= _MILLISECONDS else value
            return datetime.fromtimestamp(seconds, tz=UTC).isoformat()
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise wrong(field, value, _("a time, such as 2026-01-31T09:30:00Z")) from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()
