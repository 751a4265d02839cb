"""`sayso why`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_json
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.models.attribution import Attribution

_WIDTH = 20
"""Of the longest bar, in characters."""


@verb
@click.argument("model", metavar="MODEL")
@click.argument("text", metavar="TEXT")
@option("--pair", default="", metavar="TEXT", help="The second text, for a classifier of pairs.")
@option("--class", "label", default="", metavar="NAME", help="Explain this class; otherwise the likeliest one.")
@with_json
def command(call: Call, model: str, text: str, pair: str, label: str) -> None:
    """Say which words of a text made a classifier decide as it did.

    MODEL is a classifier's folder or Hugging Face id, or a version or alias of the workspace. What a word adds counts for
    the class against the mean of all classes, in nats; the words and what is there without any add up to it. Of a network
    these are integrated gradients, of the linear classifier its weights.
    """
    from sayso.loop import explaining

    found = explaining.explain(model, (text, pair), label=label, folder=call.folder)
    call.give(asdict(found), lambda: _draw(found))


def _draw(found: Attribution) -> None:
    console.lines(_("{label}: {chance:.1%}").format(label=found.label, chance=found.probability))
    most = max((abs(part.value) for part in found.parts), default=0.0) or 1.0
    rows = [[part.text, f"{part.value:+.3f}", _bar(part.value / most)] for part in found.parts]
    rows.append([_("(without any word)"), f"{found.rest:+.3f}", ""])
    console.table([_("word"), _("adds"), ""], rows, right=(1,))


def _bar(share: float) -> str:
    return ("+" if share > 0 else "-") * round(abs(share) * _WIDTH)
