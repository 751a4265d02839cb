"""The server of one workspace: its port, the owner's link, a clean end."""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvicorn

from sayso.errors import SettingsError
from sayso.store import people
from sayso.web import app, events, security

if TYPE_CHECKING:
    from sayso.store.database import Store

_LAST_WORDS_SECONDS = 10
"""For so long what has begun is waited for at the end."""
_WAKING_SECONDS = 30
_PORTS = (20_000, 29_999)
"""Above the ports that services are known by, below those that systems give to callers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Where to serve, under which names, and who the owner is."""

    host: str
    port: int
    names: tuple[str, ...] = ()
    owner: str


class Serving:
    """A server that is bound and not yet running; connections wait until it does."""

    def __init__(self, server: uvicorn.Server, bound: socket.socket, link: str) -> None:
        self.link = link
        self._server = server
        self._bound = bound

    def run(self) -> None:
        """Serve until the process is asked to stop (SIGINT, SIGTERM); then finish what has begun, and return."""
        threading.Thread(target=_wake, args=(self.link,), daemon=True).start()
        self._server.run(sockets=[self._bound])


@contextlib.contextmanager
def open(store: Store, wanted: Wanted) -> Iterator[Serving]:  # noqa: A001 (read as serving.open)
    """Bind the port and make the owner's link; at the end, by a signal too, the link works no more.

    Raises:
        SettingsError: the port is taken, or the address is not one of this machine.
    """
    with contextlib.closing(_bind(wanted)) as bound:
        port = int(bound.getsockname()[1])
        hub = events.Hub(store)
        place = app.Place(host=wanted.host, names=wanted.names, cookie=f"{security.COOKIE}_{port}")
        config = uvicorn.Config(
            app.make(store, place, hub=hub), log_level="warning", access_log=False, server_header=False,
            proxy_headers=False, timeout_graceful_shutdown=_LAST_WORDS_SECONDS,
        )  # fmt: skip
        server = _Server(config, hub)
        with _stopped_by_signals(server), _link_token(store, wanted.owner) as token:
            yield Serving(server, bound, f"http://{_reached(wanted.host)}:{port}/?token={token}")


@contextlib.contextmanager
def _link_token(store: Store, owner: str) -> Iterator[str]:
    person = people.ensure_reviewer(store, owner, "lead")
    token = people.issue_token(store, "owner", reviewer_id=person.id)
    try:
        yield token
    finally:
        people.revoke(store, token)


@contextlib.contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Let SIGINT and SIGTERM stop the server for the time of a block, also before it runs."""

    def stop(_number: int, _frame: object) -> None:
        # The server has its own handlers while it runs, and raises the signal again when it has ended.
        server.should_exit = True

    if threading.current_thread() is not threading.main_thread():  # signals come to the main thread only
        yield
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def usual_port(folder: Path) -> int:
    """Return the port of a workspace: always the same, so that a page finds what its browser kept for it."""
    first, last = _PORTS
    return first + zlib.crc32(str(folder).encode("utf-8", "surrogateescape")) % (last - first + 1)


class _Server(uvicorn.Server):
    """Ends the open streams of live updates before it waits for everything else to end."""

    def __init__(self, config: uvicorn.Config, hub: events.Hub) -> None:
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        self._hub.close()
        await super().shutdown(sockets)


def _wake(link: str) -> None:
    """Ask for the first page before anybody does: routes, templates and statements are made with the first question."""
    place = urlsplit(link)
    asked = f"GET / HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {place.query.partition('=')[2]}\r\n"
    to = (place.hostname or "", place.port or 0)
    # OSError: the server was stopped before it had answered.
    with contextlib.suppress(OSError), socket.create_connection(to, timeout=_WAKING_SECONDS) as connection:
        connection.sendall(f"{asked}Connection: close\r\n\r\n".encode())
        while connection.recv(65_536):
            pass


def _bind(wanted: Wanted) -> socket.socket:
    host, port = wanted.host.strip("[]"), wanted.port
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE)[0]  # fmt: skip
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _refused(error, host, port) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(512)
    except OSError as error:
        bound.close()
        raise _refused(error, host, port) from error
    return bound


def _refused(error: OSError, host: str, port: int) -> SettingsError:
    if error.errno == errno.EADDRINUSE:
        return SettingsError(
            "port {port} of {host} is in use, perhaps by this very page; use the link it printed, stop it, "
            "or take another with --port (0 takes a free one)",
            port=port, host=host,
        )  # fmt: skip
    if error.errno == errno.EACCES:
        return SettingsError("port {port} is kept for the system; take one above 1023 with --port", port=port)
    return SettingsError(
        "{host!r} is not an address of this machine ({reason}); --host 127.0.0.1 listens to this machine only, "
        "0.0.0.0 to everyone who can reach it",
        host=host, reason=error.strerror or str(error),
    )  # fmt: skip


def _reached(host: str) -> str:
    if security.is_anywhere(host):
        return "127.0.0.1"
    return f"[{host.strip('[]')}]" if ":" in host else host
