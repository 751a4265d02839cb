"""`sayso doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sayso.cli import console
from sayso.cli.options import Call, verb, with_json
from sayso.i18n import gettext as _

if TYPE_CHECKING:
    from sayso.loop.doctor import Sign


@verb
@with_json
def command(call: Call) -> int:
    """Check that this machine and workspace are ready.

    Each line says ok, warn or fail, and what to do. Exits 1 when something fails.
    """
    from sayso.loop import doctor

    signs = doctor.examine(call.folder or Path())
    healthy = all(sign.state != "fail" for sign in signs)
    call.give({"healthy": healthy, "signs": signs}, lambda: _draw(signs))
    return 0 if healthy else 1


def _draw(signs: list[Sign]) -> None:
    states = {"ok": _("ok"), "warn": _("warn"), "fail": _("fail")}
    rows = [[states[sign.state], sign.name, sign.found, sign.advice] for sign in signs]
    console.table(["", _("what"), _("found"), _("what to do")], rows)
