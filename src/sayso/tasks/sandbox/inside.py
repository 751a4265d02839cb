"""What runs inside the sandbox: it gives up its rights, sets its limits, runs a program and then its tests, and reports.

A file of its own that knows nothing of this package; `sandbox` starts it with an order as JSON on its standard input. The
report carries a word that the program is not told, so that a program that ends early, or prints what a report looks like,
has not passed. It is no guard against a program that goes looking for that word in this process: what tests say of a program
that means to deceive them is worth nothing anyhow.
"""

import contextlib
import errno
import json
import os
import resource
import socket
import sys
import traceback
import types

_NETWORK = {
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.EAFNOSUPPORT,
    errno.ECONNREFUSED,
    errno.EADDRNOTAVAIL,
}
_DISK = {errno.EFBIG, errno.ENOSPC, errno.EDQUOT}
_FILES = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.EXDEV, errno.EBUSY}
_LONGEST = 2000


def main() -> None:
    """Do the order on standard input and report on the file descriptor that it names."""
    order = json.loads(sys.stdin.buffer.read())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    _give_up_rights(order["user"])
    _limit(order["limits"])
    first = os.getpid()
    verdict, detail = _judged(order["program"], order["tests"])
    if os.getpid() != first:  # a process that the program started came here too
        os._exit(1)
    with contextlib.suppress(ValueError, OSError):
        sys.stdout.flush()
    report = json.dumps({"word": order["word"], "verdict": verdict, "detail": detail[:_LONGEST]}).encode()
    os.write(order["report"], report)
    os._exit(0)


def _give_up_rights(user: int) -> None:
    """Become a user of whom there is no other process: the kernel counts processes by user, and never the superuser's."""
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def _limit(limits: dict[str, int]) -> None:
    for name, value in limits.items():
        # processor time ends with a signal that says so, a second before the one that cannot be caught
        resource.setrlimit(getattr(resource, name), (value, value + (name == "RLIMIT_CPU")))


def _judged(program: str, tests: str) -> tuple[str, str]:
    """Return what came of a program and its tests: passed, failed, or what it did that it must not, in one word."""
    module = types.ModuleType("program")
    sys.modules["program"] = module  # where a data class looks for the names in its annotations
    names = module.__dict__
    try:
        exec(compile(program, "program.py", "exec"), names)
        exec(compile(tests, "tests.py", "exec"), names)
    except BaseException as error:  # noqa: BLE001  # whatever a foreign program raises is what is reported
        return _kind(error), _said(error, {"program.py": program, "tests.py": tests})
    return "passed", ""


def _kind(error: BaseException) -> str:
    if isinstance(error, AssertionError):
        return "failed"
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, SystemExit):
        return "ended"
    if isinstance(error, socket.gaierror):
        return "network"
    if isinstance(error, BlockingIOError) or "can't start new thread" in str(error):
        return "processes"
    if isinstance(error, OSError):
        for kind, numbers in (("network", _NETWORK), ("disk", _DISK), ("files", _FILES)):
            if error.errno in numbers:
                return kind
    return "error"


def _said(error: BaseException, sources: dict[str, str]) -> str:
    """Return the error in one line, with the line of the tests or of the program at which it came up."""
    words = f"{type(error).__name__}: {error}".removesuffix(": ")
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == "tests.py" and frame.lineno and isinstance(error, AssertionError):
            return f"{words} ({sources['tests.py'].splitlines()[frame.lineno - 1].strip()})"
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in sources]
    return f"{words} (line {places[-1].lineno} of {places[-1].filename})" if places else words


if __name__ == "__main__":
    main()
