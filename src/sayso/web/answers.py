"""What goes wrong, as JSON in the asker's language: `{"error": {"message": …, "field": …}}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sayso.errors import ConflictError, NotAllowedError, NotFoundError, SaysoError, StoreError
from sayso.i18n import gettext as _
from sayso.i18n import say

_STATUS: dict[type[SaysoError], int] = {NotFoundError: 404, ConflictError: 409, NotAllowedError: 403, StoreError: 503}


class Refusal(HTTPException):
    """The request goes no further: the status and the sentence to answer with, and what the page needs to go on."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(status, message)
        self.more = more


def error(status: int, message: str, *, field: str = "", **more: Any) -> JSONResponse:
    """Return an answer that says what is wrong; `field` names the part of the form."""
    found: dict[str, Any] = {"message": message}
    if field:
        found["field"] = field
    return JSONResponse({"error": found | more}, status_code=status)


def install(app: FastAPI, page: Callable[[Request, int, str], Response]) -> None:
    """Let the application answer every error in this form; `page` draws it for somebody who looks for a page."""

    def http(request: Request, wrong: Exception) -> Response:
        assert isinstance(wrong, HTTPException)
        if request.method == "GET" and not request.url.path.startswith(("/api", "/static")):
            return page(request, wrong.status_code, _of_status(wrong.status_code))
        return _http(wrong)

    app.add_exception_handler(SaysoError, _ours)
    app.add_exception_handler(RequestValidationError, _form)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, _bug)


def _ours(_request: Request, wrong: Exception) -> Response:
    assert isinstance(wrong, SaysoError)
    status = next((status for kind, status in _STATUS.items() if isinstance(wrong, kind)), 422)
    newer = {"newer": wrong.fields["newer"]} if "newer" in wrong.fields else {}
    return error(status, _whole(say(wrong)), field=_whole(str(wrong.fields.get("field", ""))), **newer)


def _form(_request: Request, wrong: Exception) -> Response:
    assert isinstance(wrong, RequestValidationError)
    first = wrong.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:] if not isinstance(part, int) or len(first["loc"]) > 2)
    if first["type"] == "json_invalid":
        return error(422, _("this is not JSON"))
    expected = _expected(first)
    if not field:
        return error(422, _("the form is not as expected: {expected}").format(expected=expected))
    return error(422, _("{field}: expected {expected}").format(field=_whole(field), expected=expected), field=_whole(field))


def _http(wrong: HTTPException) -> Response:
    if isinstance(wrong, Refusal):
        return error(wrong.status_code, wrong.detail, **wrong.more)
    answer = error(wrong.status_code, _of_status(wrong.status_code))
    for name, value in (wrong.headers or {}).items():
        answer.headers[name] = value
    return answer


def _bug(_request: Request, _wrong: Exception) -> Response:
    return error(500, _("something went wrong here, and it is our fault; what was saved before is safe"))


def _of_status(status: int) -> str:
    if status == 404:
        return _("there is nothing under this address")
    return _("this address is not asked in this way") if status == 405 else _("this cannot be answered")


def _expected(detail: Any) -> str:
    sentence = _EXPECTED.get(detail["type"], _EXPECTED["other"])
    return sentence(detail.get("ctx", {}))


_EXPECTED: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _context: _("a value"),
    "missing_argument": lambda _context: _("a value"),
    "missing_keyword_only_argument": lambda _context: _("a value"),
    "unexpected_keyword_argument": lambda _context: _("no such field"),
    "string_type": lambda _context: _("text"),
    "string_unicode": lambda _context: _("text"),
    "string_too_long": lambda context: _("at most {most} characters").format(most=context["max_length"]),
    "string_too_short": lambda context: _("at least {least} characters").format(least=context["min_length"]),
    "too_long": lambda context: _("at most {most} entries").format(most=context["max_length"]),
    "too_short": lambda context: _("at least {least} entries").format(least=context["min_length"]),
    "literal_error": lambda context: str(context["expected"]),
    "value_error": lambda context: str(context["error"]),
    "dataclass_type": lambda _context: _("an object"),
    "int_type": lambda _context: _("a whole number"),
    "int_parsing": lambda _context: _("a whole number"),
    "int_from_float": lambda _context: _("a whole number"),
    "greater_than_equal": lambda context: _("a number of at least {least}").format(least=context["ge"]),
    "less_than_equal": lambda context: _("a number of at most {most}").format(most=context["le"]),
    "bool_type": lambda _context: _("true or false"),
    "bool_parsing": lambda _context: _("true or false"),
    "string_pattern_mismatch": lambda _context: _("what a page before this one gave"),
    "list_type": lambda _context: _("a list"),
    "other": lambda _context: _("another form; /api/openapi.json tells which"),
}
"""What a form should have held, by pydantic's name of the fault."""


def _whole(text: str) -> str:
    """Half a surrogate pair cannot be sent."""
    return text.encode("utf-8", "replace").decode()
