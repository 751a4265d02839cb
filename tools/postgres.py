"""A private PostgreSQL server for as long as something needs one: its data and its socket in a new folder, no port.

    python tools/postgres.py -- python benchmarks/review_store.py --store {url}

runs a command with the URL of an empty database in place of `{url}`. Tests ask for the fixture `postgres`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
"""What a test may do without: nobody pulls the plug."""
_START_SECONDS = 60.0


def programs() -> Path | None:
    """Return the folder with `initdb` and `postgres`, the newest there is; None where PostgreSQL is not installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    return None if found is None else Path(found).parent


@dataclass(frozen=True)
class Server:
    """A server that runs, and the databases on it, each with a URL."""

    folder: Path
    numbers: Iterator[int]

    def new(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test{next(self.numbers)}"
        self._ask(f"CREATE DATABASE {name} TEMPLATE template0")
        return f"postgresql://{_owner().pw_name}@/{name}?host={self.folder}"

    def _ask(self, question: str) -> None:
        with _connect(self.folder) as db:
            db.execute(question)


@contextmanager
def server(settings: Mapping[str, str] = FAST) -> Iterator[Server]:
    """Run a server."""
    found = programs()
    assert found is not None, "PostgreSQL is not installed: apt-get install postgresql"
    folder = Path(tempfile.mkdtemp(prefix="sayso-postgres-"))
    process = None
    try:
        process = _start(found, folder, settings)
        yield Server(folder, count(1))
    finally:
        if process is not None:
            process.send_signal(signal.SIGQUIT)  # at once, without ceremony
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _start(found: Path, folder: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    owner = _owner()
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    # PostgreSQL refuses to run as root; only root can, and must, become somebody else.
    other = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    data = str(folder / "data")
    options = ["-A", "trust", "-U", owner.pw_name, "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run([found / "initdb", "-D", data, *options], check=True, capture_output=True, cwd=folder, **other)
    given = {"listen_addresses": "", "unix_socket_directories": str(folder), **settings}
    flags = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([found / "postgres", "-D", data, *flags], stdout=log, stderr=log, cwd=folder, **other)
    _wait(folder, process)
    return process


def _wait(folder: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            _connect(folder).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                raise RuntimeError((folder / "log").read_text()) from None
            time.sleep(0.02)
        else:
            return


def _connect(folder: Path) -> psycopg.Connection:
    return psycopg.connect(f"host={folder} dbname=postgres user={_owner().pw_name}", autocommit=True)


def _owner() -> pwd.struct_passwd:
    """Return who runs the server: we ourselves, or as root the user that Debian makes for it."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    names = {entry.pw_name for entry in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in names else "nobody")


def main(arguments: Sequence[str]) -> int:
    """Run a command beside a server that keeps what it acknowledges."""
    command = list(arguments[1:] if arguments[:1] == ["--"] else arguments)
    if not command:
        sys.exit(__doc__)
    with server({}) as running:
        url = running.new()
        return subprocess.run([part.replace("{url}", url) for part in command], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
