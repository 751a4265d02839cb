"""The README of an exported folder: what it is, what to run, what is lost."""

from __future__ import annotations

from collections.abc import Sequence

from sayso.i18n import gettext as _
from sayso.loop.export.reading import DataSet
from sayso.store.bridges.results import Lost


def text(found: DataSet, *, tool: str, files: Sequence[tuple[str, str]], run: Sequence[str], lost: Sequence[Lost]) -> str:
    """Return the README; `files` are names and what they hold, `run` the lines to type, beginning with what to install."""
    title = _("What {method} learns from, for {tool}").format(method=found.name, tool=tool)
    made = _("Written by `sayso export`: the rows that `sayso learn` would learn from with the same settings.")
    parts = [f"# {title}", made, *_section(_("What is here"), [f"- `{name}`: {what}" for name, what in files])]
    parts += [f"## {_('What to run')}", "\n".join(["```sh", *run, "```"])]
    parts += _section(_("What is lost"), [_item(one) for one in lost] or [_("Nothing.")])
    return "\n\n".join(parts) + "\n"


def anchors_file(found: DataSet, name: str) -> list[tuple[str, str]]:
    """Return the entry of the file of anchors, where there is one."""
    what = _("{count} answers of the model's own, near the comments' scope and out of it, that are to stay as they are")
    return [(name, what.format(count=len(found.anchors)))] if found.anchors else []


def rows_file(found: DataSet, name: str) -> tuple[str, str]:
    """Return the entry of the file of rows."""
    return name, _("{count} rows to learn from").format(count=len(found.rows))


def _section(title: str, items: Sequence[str]) -> list[str]:
    return [f"## {title}", "\n".join(items)]


def _item(lost: Lost) -> str:
    reason = f": {lost.reason}" if lost.reason else ""
    return f"- {lost.what} ({lost.count}){reason}"
