"""A name, or any `module:Thing`, becomes the thing; a wrong name gets a suggestion."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from sayso.errors import NotFoundError


def load(table: Mapping[str, str], name: str, *, kind: str) -> Any:
    """Return what `name` stands for: an entry of `table`, or an outside `module:Thing`.

    Raises:
        NotFoundError: the name is in no table, or the module has no such thing.
    """
    target = table.get(name, name)
    if ":" not in target:
        raise _unknown(table, name, kind)
    module_name, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module_name), attribute)
    except (ModuleNotFoundError, AttributeError) as error:
        if name in table:
            raise  # our own table is wrong: that is our bug, not the user's
        raise NotFoundError(
            "{kind} {name!r} could not be imported ({reason}); expected module:name of something importable, "
            "check that the module is installed or on PYTHONPATH",
            kind=kind,
            name=name,
            reason=str(error),
        ) from error


def _unknown(table: Mapping[str, str], name: str, kind: str) -> NotFoundError:
    near = difflib.get_close_matches(name, table, n=1)
    if near:
        return NotFoundError(
            "unknown {kind} {name!r}; did you mean {near!r}? Known: {known}",
            kind=kind,
            name=name,
            near=near[0],
            known=", ".join(sorted(table)),
        )
    return NotFoundError(
        "unknown {kind} {name!r}; expected one of {known}, or module:name of your own",
        kind=kind,
        name=name,
        known=", ".join(sorted(table)),
    )
