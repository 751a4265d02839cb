"""Coming in: the owner's link, and an invitation that is turned into a session."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from sayso.errors import SaysoError
from sayso.i18n import gettext as _
from sayso.i18n import say
from sayso.store import people
from sayso.web.asking import Kept, Of
from sayso.web.drawing import Drawing
from sayso.web.served import Served

if TYPE_CHECKING:
    from sayso.store.database import Store

_FORM = "application/x-www-form-urlencoded"
_SAME_ORIGIN = {"referrer-policy": "same-origin"}
"""With no referrer at all a browser hides where a form was sent from, and the guard would take it for a stranger's."""


def router(drawing: Drawing) -> APIRouter:
    """Return the routes on which someone becomes a reviewer with a session."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/join")
    def invited(store: Kept, invitation: str = "") -> Response:
        return _form(store, drawing, invitation, "")

    @routes.post("/join")
    async def join(request: Request, served: Of) -> Response:
        given = await _given(request)
        return await run_in_threadpool(_join, served, drawing, given)

    return routes


def start(served: Served, request: Request, token: str) -> Response | None:
    """Turn the owner's link into a session and take the token out of the address; None when it is nobody's."""
    reviewer = people.reviewer_by_token(served.store, token)
    if reviewer is None:
        return None
    session = people.issue_token(served.store, "session", reviewer_id=reviewer.id)
    rest = [(name, value) for name, value in request.query_params.multi_items() if name != "token"]
    address = f"{request.url.path}?{urlencode(rest)}" if rest else request.url.path
    return with_session(RedirectResponse(address, status_code=303), served.cookie, session)


def with_session(response: Response, cookie: str, session: str) -> Response:
    """Let the browser keep the session: no script reads it, no other site sends it."""
    response.set_cookie(
        cookie, session, max_age=int(people.DAYS["session"] * 86_400), path="/", httponly=True, samesite="strict"
    )
    return response


async def _given(request: Request) -> dict[str, str]:
    body = await request.body()
    if not request.headers.get("content-type", "").startswith(_FORM):
        return {}
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _join(served: Served, drawing: Drawing, given: dict[str, str]) -> Response:
    invitation, name = given.get("invitation", ""), given.get("name", "")
    try:
        session = people.redeem(served.store, invitation, name).token
    except SaysoError as error:
        return _form(served.store, drawing, invitation, say(error))
    return with_session(RedirectResponse("/", status_code=303), served.cookie, session)


def _form(store: Store, drawing: Drawing, invitation: str, wrong: str) -> Response:
    found = people.invitation(store, invitation)
    if found is None:
        wrong = _("this invitation was used already, has expired, or is not whole; ask the lead for a new one")
    page = drawing.page(
        "join.html", None, status=404 if found is None else 422 if wrong else 200, error=wrong or None,
        invitation=invitation if found else "", name=found.name if found else "", role=found.role if found else "",
    )  # fmt: skip
    page.headers.update(_SAME_ORIGIN)
    return page
