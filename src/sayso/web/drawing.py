"""How a page is drawn: a template in the reader's language, with who they are and what their page sends back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from sayso import i18n
from sayso.web import security
from sayso.web.static import Statics

if TYPE_CHECKING:
    from sayso.store.people import Reviewer
    from sayso.web.guard import Asker


THEME = "sayso_theme"
"""The cookie in which the page keeps it."""


class Drawing:
    """Draws a template; the files it names keep their address until they change."""

    def __init__(self, statics: Statics) -> None:
        self.statics = statics
        self.environment = Environment(
            loader=PackageLoader("sayso.web", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        self.environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}  # Chinese takes half as much so
        self.environment.globals["_"] = i18n.gettext
        self.environment.globals["static"] = statics.address

    def page(self, template: str, asker: Asker | None, /, *, status: int = 200, **context: Any) -> HTMLResponse:
        """Return a page; every template gets `lang`, `csrf`, `me`, `data` and `theme` (that of the system where empty)."""
        self.statics.refresh()
        whole = {
            "status": status,
            "lang": i18n.language(),
            "csrf": security.csrf(asker.token) if asker else "",
            "me": me(asker.reviewer) if asker else None,
            "data": None,
            "theme": "",
        } | context
        return HTMLResponse(self.environment.get_template(template).render(whole), status_code=status)

    def refusal(self, request: Request, status: int, message: str) -> HTMLResponse:
        """Return the page that says why there is no other."""
        return self.page("error.html", request.state.asker, status=status, message=message, theme=themed(request))


def themed(request: Request) -> str:
    """Return the theme this browser's reader has chosen, `light` or `dark`, or nothing."""
    chosen = request.cookies.get(THEME, "")
    return chosen if chosen in ("light", "dark") else ""


def me(reviewer: Reviewer) -> dict[str, Any]:
    """Return what a page is told of its reader."""
    return {"id": reviewer.id, "name": reviewer.name, "role": reviewer.role, "language": reviewer.language}
