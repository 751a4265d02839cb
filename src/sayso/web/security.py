"""Who may ask: where a request says it comes from, the token that shows a page is ours, the headers every answer carries."""

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

COOKIE = "sayso_session"
CSRF_HEADER = "x-sayso-csrf"
MAX_BODY_BYTES = 1024 * 1024
UNSAFE = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_ANYWHERE = frozenset(("0.0.0.0", "::", ""))
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Nothing is loaded from elsewhere, nothing embeds us, no address is told on."""


def csrf(session: str) -> str:
    """Return what a page of this session sends with every change; it cannot be made without the session's token."""
    return hmac.new(session.encode(), b"sayso csrf", hashlib.sha256).hexdigest()


def genuine(session: str, shown: str) -> bool:
    """Say whether `shown` is the session's own forgery token."""
    return hmac.compare_digest(csrf(session).encode(), shown.encode("utf-8", "replace"))


def hosts(bound: str, also: Iterable[str] = ()) -> frozenset[str]:
    """Return the names under which the page may be asked for: another name means that a stranger's page points here."""
    names = {"127.0.0.1", "localhost", "::1", *(_bare(name) for name in also)}
    names |= _own_names() if is_anywhere(bound) else {_bare(bound)}
    return frozenset(names)


def is_anywhere(bound: str) -> bool:
    """Say whether an address to bind to means all addresses of this machine."""
    return _bare(bound) in _ANYWHERE


def host_name(header: str) -> str:
    """Return the name in a Host header, without its port."""
    return (urlsplit(f"//{header}").hostname or "") if _plain(header) else ""


def same_origin(origin: str, host: str) -> bool:
    """Say whether an Origin header names the very host and port that was asked."""
    parts = urlsplit(origin) if _plain(origin) else None
    return parts is not None and parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def _plain(header: str) -> bool:
    """Brackets that do not close make urlsplit raise; nothing honest sends them."""
    return header.count("[") == header.count("]") <= 1 and "]" not in header.partition("[")[0]


def _bare(name: str) -> str:
    return name.strip("[]").lower()


def _own_names() -> set[str]:
    """The names and addresses of this machine, for a server that listens on all of them."""
    name = socket.gethostname()
    found = {name, socket.getfqdn()}
    try:
        found |= {str(info[4][0]) for info in socket.getaddrinfo(name, None)}
    except OSError:  # a machine that does not know its own name has no address to add
        return {item.lower() for item in found}
    return {item.lower() for item in found}
