"""`sayso comments add`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb, with_json
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.records import Kind

_KINDS = ("fix", "keep", "question", "concern")


@verb
@click.argument("text")
@option("--prompt", metavar="TEXT", help="What the model was asked.")
@option("--response", metavar="TEXT", help="What it wrote; with --prompt. Without a response the comment stands for all.")
@option("--refinement", metavar="TEXT", help="What it should have written; with --prompt and --response.")
@option("--check", metavar="NAME", help="How to count whether it is met: contains, max_words, module:function …")
@option("--arg", "args", multiple=True, metavar="KEY=VALUE", help="An argument of the check; may be given again.")
@option("--scope", metavar="TEXT", help="Where it applies, in words.")
@option("--kind", type=click.Choice(_KINDS), default="fix", show_default=True, help="What the comment is.")
@option("--author", metavar="NAME", default="", help="Who says it.")
@with_json
def command(
    call: Call,
    text: str,
    prompt: str | None,
    response: str | None,
    refinement: str | None,
    check: str | None,
    args: tuple[str, ...],
    scope: str | None,
    kind: Kind,
    author: str,
) -> None:
    """Say something about the model's answers.

    It is on disk when this returns.
    """
    from sayso.loop import saying

    with call.workspace() as workspace:
        about = saying.About(
            prompt=prompt, response=response, scope=scope or "", check=check, args=args, refinement=refinement
        )
        comment = saying.comment(text, about, kind=kind, author=author, created=workspace.clock())
        better = saying.refinement(comment, about)
        workspace.comment(comment)
        workspace.store.add_refinements([better] if better else [])
    found = {"id": comment.id, "refinement": better.id if better else None}
    call.give(found, lambda: console.lines(_("Added comment {id}.").format(id=comment.id)))
