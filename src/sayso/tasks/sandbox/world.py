"""The world in which a program runs: what it may use, what it sees, what it may write, and which rights it has."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path

from sayso.errors import SettingsError
from sayso.i18n import gettext as _
from sayso.tasks.sandbox import inside

MEGABYTE = 1 << 20
HOME = "/tmp"
"""Where a program stands and may write; what this machine has there is not seen."""
_RUNNER = "/inside.py"
_USERS = (200_000, 2_000_000_000)
"""Numbers of users that no machine gives to anyone."""
_MORE = 4
"""Processes that the kernel grants beyond what is allowed, so that too many are seen from outside and named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a program may use."""

    seconds: float = 5.0
    """Of the clock; of processor time each process has as much, rounded up."""
    memory_mb: int = 512
    """Of all its processes together."""
    processes: int = 16
    """Threads counted."""
    disk_mb: int = 16
    """In files, and as much in shared memory; they are gone afterwards."""
    output_kb: int = 64
    """Written to standard output and standard error together."""

    def __post_init__(self) -> None:
        for name in ("seconds", "memory_mb", "processes", "disk_mb", "output_kb"):
            if not getattr(self, name) > 0:
                raise SettingsError("{key}: found {found!r}; expected more than 0", key=name, found=getattr(self, name))


@cache
def missing() -> str:
    """Return why programs cannot be run here, in words; empty when they can."""
    if not sys.platform.startswith("linux"):
        return _("bubblewrap, which shuts a program in, runs on Linux only")
    path = shutil.which("bwrap")
    if path is None:
        return _("bubblewrap is not installed; get it with your system's packages (Debian: apt-get install bubblewrap)")
    tried = subprocess.run([*_world(path, Limits()), "true"], capture_output=True, text=True, check=False, timeout=60)
    if tried.returncode:
        return _("bubblewrap cannot make a world of its own here ({reason})").format(reason=tried.stderr.strip()[:200])
    return ""


def command(limits: Limits) -> list[str]:
    """Return the command that makes a world and starts `inside` there."""
    return [*_world(str(shutil.which("bwrap")), limits), sys.executable, "-I", "-B", _RUNNER]


def _world(bwrap: str, limits: Limits) -> list[str]:
    """Return the command that makes a world: what is there to read, to write, and which rights there are."""
    seen = [place for place in ("/usr", "/bin", "/lib", "/lib64", "/lib32", "/etc/ld.so.cache") if Path(place).exists()]
    read = [part for place in (*seen, *_python()) for part in _shown(place)]
    size = str(limits.disk_mb * MEGABYTE)
    rights = ["--unshare-user"]
    if os.geteuid() == 0:  # the superuser makes worlds without a user namespace, and needs these two rights to leave itself
        rights = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return [
        bwrap, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", *rights,
        "--die-with-parent", "--new-session", "--hostname", "sandbox",
        *_written(HOME, size), *read, "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev",
        *_written("/dev/shm", size), "--ro-bind", str(Path(inside.__file__)), _RUNNER, "--remount-ro", "/", "--chdir", HOME,
    ]  # fmt: skip


def _written(place: str, size: str) -> list[str]:
    return ["--perms", "1777", "--size", size, "--tmpfs", place]


def _shown(place: str) -> list[str]:
    """Return how a place of the machine is shown inside: to be read; a link as the same link."""
    if os.path.islink(place):  # noqa: PTH114
        return ["--symlink", os.readlink(place), place]  # noqa: PTH115
    above = [str(folder) for folder in reversed(Path(place).parents) if str(folder) not in ("/", HOME)]
    return [*(part for folder in above for part in ("--perms", "0755", "--dir", folder)), "--ro-bind", place, place]


def _python() -> Sequence[str]:
    """Return the folders of this Python and of its environment that do not lie among the machine's programs."""
    places = {str(Path(place).resolve()) for place in (sys.prefix, sys.base_prefix)} | {sys.prefix, sys.base_prefix}
    return sorted(place for place in places if not place.startswith("/usr/") and place != "/usr")


def user() -> int:
    """Return the user that a program becomes: nobody's number where we are the superuser, else 0, which is to stay."""
    return _USERS[0] + secrets.randbelow(_USERS[1] - _USERS[0]) if os.geteuid() == 0 else 0


def of_the_kernel(limits: Limits) -> dict[str, int]:
    """Return what the kernel bounds for each process."""
    return {
        "RLIMIT_AS": limits.memory_mb * MEGABYTE, "RLIMIT_CPU": ceil(limits.seconds),
        "RLIMIT_FSIZE": limits.disk_mb * MEGABYTE, "RLIMIT_NPROC": limits.processes + _MORE,
        "RLIMIT_NOFILE": 256, "RLIMIT_CORE": 0,
    }  # fmt: skip
