"""Checks on programs: they are run in a sandbox."""

from __future__ import annotations

from sayso.critics.parts import Held
from sayso.i18n import gettext as _
from sayso.tasks.code import program_of
from sayso.tasks.sandbox.running import Program, run
from sayso.tasks.sandbox.world import Limits


def passes_tests(response: str, /, *, tests: str, start: str = "", entry: str = "", seconds: float = 5.0) -> Held:
    """Hold when the program in an answer passes tests; `start` is the code that it goes on with, `entry` its function.

    Raises:
        SettingsError: there is no sandbox here; nothing is run without one.
    """
    program = program_of(response, start=start, entry=entry)
    if program is None:
        return Held(held=False, said=_("It holds no program; it must."))
    found = run(Program(text=program, tests=tests), Limits(seconds=seconds))
    if found.passed:
        return Held(held=True)
    words = _("It fails a test: {detail}.") if found.verdict == "failed" else _("It does not run to its end: {detail}.")
    return Held(held=False, said=words.format(detail=found.detail))
