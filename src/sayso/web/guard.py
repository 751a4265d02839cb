"""What every request passes before it reaches a page or the API: host, size, who asks, forgery, language.

Plain ASGI: one thread is asked for the reviewer, nothing else waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sayso import i18n
from sayso.i18n import gettext as _
from sayso.web import answers, security
from sayso.web.answers import Refusal

if TYPE_CHECKING:
    from sayso.store.people import Reviewer

WhoIs = Callable[[str], "Reviewer | None"]
"""Whose token this is; None for nobody's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """Who asks: the reviewer, the token it was shown with, and whether a browser sent it by itself."""

    reviewer: Reviewer
    token: str
    by_cookie: bool


class Guard:
    """Lets a request through, or answers it; what passes has `asker` (or None) in its state."""

    def __init__(self, app: ASGIApp, *, who_is: WhoIs, hosts: frozenset[str], cookie: str) -> None:
        self.app = app
        self.who_is = who_is
        self.hosts = hosts
        self.cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        i18n.use(language_of(headers))
        send = _with_headers(send, private=not scope["path"].startswith("/static/"))
        try:
            self._check_host(scope, headers)
            asker = await self._asker(scope, headers)
            _check_forgery(scope, headers, asker)
            receive = _limited(receive, headers)
            scope.setdefault("state", {})["asker"] = asker
            await self.app(scope, receive, send)
        except Refusal as refusal:
            await answers.error(refusal.status_code, refusal.detail)(scope, receive, send)

    def _check_host(self, scope: Scope, headers: Headers) -> None:
        if security.host_name(headers.get("host", "")) not in self.hosts:
            raise Refusal(421, _("this address is not served here; open the link that sayso review printed"))
        if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
            raise Refusal(400, _("an address has no NUL character"))

    async def _asker(self, scope: Scope, headers: Headers) -> Asker | None:
        """Find who asks; the API answers nobody else, under any path."""
        if scope["path"].startswith("/static/"):
            return None
        token, by_cookie = _token(headers, self.cookie)
        reviewer = await run_in_threadpool(self.who_is, token) if token else None
        if reviewer is not None:
            i18n.use(reviewer.language or i18n.language())
            return Asker(reviewer=reviewer, token=token, by_cookie=by_cookie)
        if _is_api(scope["path"]):
            raise Refusal(401, _("sign in first: open the link that sayso review printed, or your invitation"))
        return None


def language_of(headers: Headers) -> str:
    """Return the language a browser asks for: `zh` when its first known wish is Chinese, else English."""
    for wish in headers.get("accept-language", "").lower().split(","):
        name = wish.strip().partition(";")[0].partition("-")[0]
        if name in i18n.LANGUAGES:
            return name
    return "en"


def _is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def _token(headers: Headers, cookie: str) -> tuple[str, bool]:
    scheme, _space, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer:
        return bearer.strip(), False
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(cookie)
    except CookieError:
        return "", False
    return (found.value, True) if found else ("", False)


def _check_forgery(scope: Scope, headers: Headers, asker: Asker | None) -> None:
    """Let a change pass only from our own page: a browser sends cookies along for anybody's."""
    if scope["method"] not in security.UNSAFE:
        return
    origin = headers.get("origin")
    if origin is not None and not security.same_origin(origin, headers.get("host", "")):
        raise Refusal(403, _("this page belongs to another site; open the link that sayso review printed"))
    if asker is None or not asker.by_cookie or not _is_api(scope["path"]):
        return
    if not security.genuine(asker.token, headers.get(security.CSRF_HEADER, "")):
        raise Refusal(403, _("this page is out of date; load it again"))


def _limited(receive: Receive, headers: Headers) -> Receive:
    """Refuse a body that is too large, by what it says and by what it is."""
    said = headers.get("content-length", "0")
    if not said.isdecimal() or len(said) > 18 or int(said) > security.MAX_BODY_BYTES:
        raise _too_large()
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > security.MAX_BODY_BYTES:
            raise _too_large()
        return message

    return counted


def _too_large() -> Refusal:
    most = security.MAX_BODY_BYTES // 1024
    return Refusal(413, _("this is too large to save; at most {most} KiB at once").format(most=most))


def _with_headers(send: Send, *, private: bool) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _value in message["headers"]}
            usual = (*security.HEADERS, (b"cache-control", b"no-store")) if private else security.HEADERS
            message = {**message, "headers": [*message["headers"], *(item for item in usual if item[0] not in own)]}
        await send(message)

    return with_headers
