"""`sayso review`."""

from __future__ import annotations

import gc
import getpass
import sys
from typing import TYPE_CHECKING

import click

from sayso.cli import console
from sayso.cli.options import Call, option, verb
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.web.serving import Serving


@verb
@option("--port", type=click.IntRange(0, 65_535), metavar="N",
    help="Where to listen; 0 takes a free one. Otherwise always the same for this workspace.")  # fmt: skip
@option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
    help="Whom to listen to: 127.0.0.1 is this machine only, 0.0.0.0 everyone who can reach it.")  # fmt: skip
@option(
    "--known-as",
    "names",
    multiple=True,
    metavar="HOST",
    help="A name under which others reach this page; may be given again.",
)
@option("--name", metavar="NAME", help="What you are called here; otherwise your name on this machine.")
@option("--no-browser", is_flag=True, help="Print the link, and open no browser.")
def command(call: Call, port: int | None, host: str, names: tuple[str, ...], name: str | None, no_browser: bool) -> None:
    """Read what the model wrote, and say what is wrong, in a page made for words.

    It prints a link that signs you in as the lead, and serves until it is stopped (Ctrl+C). What was saved is on disk.
    """
    gc.disable()  # what is made while starting stays; looking through it for garbage is a fifth of the time
    from sayso.web import serving

    with call.workspace() as workspace:
        wanted = serving.Wanted(
            host=host, port=serving.usual_port(workspace.folder) if port is None else port, names=names,
            owner=name or _own_name(),
        )  # fmt: skip
        sys.setswitchinterval(0.001)  # threads wait for the database often and shortly: none should then wait for the others
        with serving.open(workspace.store, wanted) as served:
            gc.freeze()
            gc.enable()
            _say(served)
            if not no_browser:
                click.launch(served.link)
            served.run()
        console.warn(_("Stopped. Everything that was saved is in the workspace."))


def _say(served: Serving) -> None:
    console.lines(_("The review page is open; this link signs you in, keep it to yourself:"), f"  {served.link}")
    console.warn(_("Press Ctrl+C to stop."))


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return _("lead")
