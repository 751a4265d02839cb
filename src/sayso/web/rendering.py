"""Markdown for reading: made into HTML and then cleaned, so that nothing a model or a person wrote can act on the page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

MOST_CHARACTERS = 100_000
"""A longer text is shown as it is."""
_TAGS = {
    "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong", "s",
    "a", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}, "th": {"align"}, "td": {"align"}}
_SCHEMES = {"http", "https", "mailto"}


def html(text: str) -> str:
    """Return a text's Markdown as safe HTML: no script, no style, no picture; a link leaves without telling from where."""
    if len(text) > MOST_CHARACTERS:
        return f"<pre>{escape(text)}</pre>"
    return nh3.clean(
        _markdown().render(text), tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )  # fmt: skip


@cache
def _markdown() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable(["table", "strikethrough"])
    made.add_render_rule("image", _picture_as_link)
    for name in ("th_open", "td_open"):
        made.add_render_rule(name, _aligned)
    return made


def _picture_as_link(
    self: RendererHTML, tokens: Sequence[Token], place: int, options: Any, env: Any
) -> str:  # a picture would be fetched from another host
    token = tokens[place]
    words = self.renderInlineAsText(token.children, options, env) if token.children else ""
    address = str(token.attrs.get("src", ""))
    return f'<a href="{escape(address)}">{escape(words or address)}</a>'


def _aligned(self: RendererHTML, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
    """Say a column's alignment without a style, which the page's policy does not allow."""
    token = tokens[place]
    style = str(token.attrs.pop("style", ""))
    if style.startswith("text-align:"):
        token.attrs["align"] = style.removeprefix("text-align:")
    return self.renderToken(tokens, place, options, env)
