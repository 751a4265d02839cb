"""What goes wrong, said in one line, with the exit code it deserves; our own bugs keep their traceback."""

from __future__ import annotations

import errno
import json as jsonlib
import logging
import os
import signal
import sys

import click

from sayso.errors import SaysoError
from sayso.i18n import gettext as _
from sayso.i18n import say

_DISK = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EFBIG", "EIO", "EMFILE", "ENOTDIR", "EISDIR", "EEXIST",
        "ENAMETOOLONG", "ELOOP")
)  # fmt: skip
_STOPPED = 128
"""A command that a signal ended leaves this and the signal's number: 130 after Ctrl-C, 143 after SIGTERM."""
_LONGEST = 1000


def refused(error: BaseException, *, json: bool) -> int:
    """Say what went wrong in one line on stderr (and as JSON on stdout), and return the exit code.

    Raises:
        BaseException: `error` again, when it is our bug and not the user's.
    """
    if isinstance(error, BrokenPipeError):
        return _quiet()
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    kind, message, code = _read(error)
    message = _shortened(" ".join(message.split()))
    click.echo(f"sayso: {message}", err=True)
    if json:
        found = {"error": {"kind": kind, "message": message}, "exit_code": code}
        click.echo(jsonlib.dumps(found, ensure_ascii=False))
    return code


def warn_aloud() -> None:
    """Say on stderr, a line each, what the library warns of."""
    ours = logging.getLogger("sayso")
    if not any(isinstance(handler, _Aloud) for handler in ours.handlers):
        ours.addHandler(_Aloud(level=logging.WARNING))


class _Aloud(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"! {record.getMessage()}", err=True)


def _read(error: BaseException) -> tuple[str, str, int]:
    if isinstance(error, SaysoError):
        return type(error).__name__, say(error), error.exit_code
    if isinstance(error, click.UsageError):
        return "UsageError", _usage(error), error.exit_code
    if isinstance(error, click.ClickException):
        return "UsageError", error.format_message(), error.exit_code
    if isinstance(error, click.Abort):
        return "Interrupted", _("stopped; run the same command again to go on"), _STOPPED + _signal(error)
    if isinstance(error, OSError) and error.errno in _DISK:
        return "OSError", _on_disk(error), 1
    raise error


def _signal(error: click.Abort) -> int:
    """Return which signal stopped a command: a training that was told to stop names it, otherwise it was Ctrl-C."""
    told = error.__cause__.args if isinstance(error.__cause__, KeyboardInterrupt) else ()
    return int(told[0]) if told else int(signal.SIGINT)


def _shortened(message: str) -> str:
    """Keep a message readable that quotes something very long: what was wrong and what to do stand at its two ends."""
    return message if len(message) <= _LONGEST else f"{message[: _LONGEST // 2]} … {message[-_LONGEST // 2 :]}"


def _usage(error: click.UsageError) -> str:
    command = error.ctx.command_path if error.ctx else "sayso"
    message = error.format_message().rstrip(".")
    return _("{message} (see {command} --help)").format(message=message, command=command)


def _on_disk(error: OSError) -> str:
    if error.filename is None:
        return _("the system refused: {reason}").format(reason=error.strerror)
    return _("{path!r}: the system refused: {reason}").format(path=str(error.filename), reason=error.strerror)


def _quiet() -> int:
    """Whoever read our output has gone; what is still buffered goes nowhere, and the interpreter need not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
