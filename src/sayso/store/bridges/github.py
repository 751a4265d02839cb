"""GitHub's review comments on pull requests, and the changes they suggest.

Reads the JSON of the REST API, `gh api repos/OWNER/NAME/pulls/N/comments`
(https://docs.github.com/en/rest/pulls/comments). The response is the code that the comment's hunk shows, on the side that
was commented; the commented lines are the span; a block marked `suggestion` is the refinement, put in their place
(https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests). What the
code was written for is not in the file: the prompt names the file and the pull request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sayso.i18n import gettext as _
from sayso.records import Comment, Refinement, Response, Span, ask
from sayso.store.bridges.fields import Fields
from sayso.store.bridges.files import read_objects
from sayso.store.bridges.reading import Row, bridged
from sayso.store.bridges.results import Bridged
from sayso.store.bridges.times import moment
from sayso.store.rules import wrong

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_SUGGESTION = re.compile(r"^(?P<fence>`{3,})suggestion[^\n]*\n(?P<code>.*?)^(?P=fence)[ \t]*$\n?", re.MULTILINE | re.DOTALL)
WORDS = "Suggested change."
"""The words of a comment that is nothing but a suggestion."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Code:
    """The lines of a hunk on one side, and the number the first has in its file."""

    first: int
    lines: tuple[str, ...]


def read(path: Path) -> Bridged:
    """Read a list of review comments."""
    return bridged(path.name, read_objects(path), _row)


def _row(fields: Fields) -> Row:
    if fields.value.get("in_reply_to_id") is not None:
        return Row(lost=[("in_reply_to_id", _("a reply is talk about a comment"))])
    file, body = fields.text("path"), fields.text("body").replace("\r\n", "\n")
    side = fields.words("side") or "RIGHT"
    code = _code(fields.text("diff_hunk"), side)
    where = fields.words("pull_request_url") or fields.words("html_url").partition("#")[0]
    name = where.replace("https://api.github.com/repos/", "").replace("/pulls/", "#")
    prompt = ask(f"Write {file} ({name})." if name else f"Write {file}.")
    response = Response(prompt=prompt, text="\n".join(code.lines), version=fields.words("original_commit_id"))
    place = _place(fields, code)
    words = _SUGGESTION.sub("", body).strip() or WORDS
    user = fields.inner("user")
    number = fields.label("id")
    comment = Comment(
        text=words, response=response, spans=tuple(_spans(response.text, place)), author=user.words("login"),
        created=moment(fields.raw("created_at"), "created_at"), id=f"github-{number}" if number else "",
    )  # fmt: skip
    row = Row(comments=[comment])
    for found in _SUGGESTION.finditer(body):
        if place is None:
            row.lost.append(("body", _("a suggestion on lines that the hunk does not show")))
        else:
            row.refinements.append(_suggested(comment, response, place, found["code"]))
    return row


def _code(hunk: str, side: str) -> _Code:
    """Return the code a hunk shows: with the lines added on the right, with those taken away on the left."""
    head, *body = hunk.replace("\r\n", "\n").split("\n")
    found = _HUNK.match(head)
    if found is None:
        raise wrong("diff_hunk", hunk, _("a hunk that begins with @@"))
    other = "-" if side == "RIGHT" else "+"
    kept = tuple(line[1:] for line in body if line[:1] not in (other, "\\"))
    return _Code(first=int(found[2] if side == "RIGHT" else found[1]), lines=kept)


def _place(fields: Fields, code: _Code) -> tuple[int, int] | None:
    """Return where the commented lines begin and end; None where the comment is on a whole file, or on lines not shown."""
    last = fields.whole("original_line") or fields.whole("line")
    first = fields.whole("original_start_line") or fields.whole("start_line") or last
    for name in ("line", "start_line"):
        fields.raw(name)
    if first is None or last is None or not code.first <= first <= last < code.first + len(code.lines):
        return None
    start = sum(len(line) + 1 for line in code.lines[: first - code.first])
    return start, start + len("\n".join(code.lines[first - code.first : last - code.first + 1]))


def _spans(text: str, place: tuple[int, int] | None) -> Iterator[Span]:
    if place is not None and place[0] < place[1]:
        yield Span(start=place[0], end=place[1], quote=text[place[0] : place[1]])


def _suggested(comment: Comment, response: Response, place: tuple[int, int], code: str) -> Refinement:
    after = response.text[place[1] :]
    text = response.text[: place[0]] + (code.removesuffix("\n") + after if code else after.removeprefix("\n"))
    return Refinement(response=response, text=text, addresses=(comment.id,))
