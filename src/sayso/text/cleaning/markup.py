"""HTML to text, by selectolax: what a reader sees, a line for each block, an empty line between paragraphs."""

from __future__ import annotations

import re
from typing import Any, Literal

from sayso.text.files import opening

Html = Literal["auto", "always", "never"]
_BEGINS = re.compile(
    r"\s*(?:<\?xml[^<>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|div|p|h[1-6]|article|section|main|header|nav|table"
    r"|ul|ol|dl|span|br|hr|a|b|i|em|strong|img|meta|title|script|style|link|form|blockquote|pre|center|font)\b[^<>]*>",
    re.IGNORECASE | re.DOTALL,
)
_UNSEEN = (
    "script",
    "style",
    "noscript",
    "template",
    "head",
    "svg",
    "iframe",
    "object",
    "form",
    "button",
    "select",
    "textarea",
)
_AROUND = ("nav", "footer", "aside", "header")
_PARAGRAPHS = frozenset({
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre", "article", "section", "main",
    "figure", "hr",
})  # fmt: skip
_LINES = frozenset({"li", "tr", "div", "dt", "dd", "address", "figcaption", "caption", "header", "footer", "nav"})
_SPACE = re.compile(r"[ \t\r\n\f]+")
_LINE, _PARAGRAPH = "\0l", "\0p"
_GAP = re.compile(r"[ ]*(?:\0[lp][ ]*)+")


def looks_like_html(text: str) -> bool:
    """Say whether a text begins with a tag of HTML."""
    return "<" in text[:1000] and _BEGINS.match(text) is not None


def text_of(html: str, *, around: bool = False) -> str:
    """Return what a reader of a page sees; `around` keeps navigation, head and foot of the page too.

    Raises:
        MissingExtraError: selectolax is not installed.
    """
    library = opening.extra("selectolax.lexbor", "HTML to text needs the package selectolax: pip install 'sayso[data]'")
    tree = library.LexborHTMLParser(html)
    tree.strip_tags([*_UNSEEN, *(() if around else _AROUND)], recursive=True)
    parts: list[str] = []
    if tree.body is not None:
        _walk(tree.body, parts)
    return _GAP.sub(lambda found: "\n\n" if _PARAGRAPH in found.group() else "\n", "".join(parts)).strip("\n ")


def _walk(top: Any, parts: list[str]) -> None:
    """Append the words below a node; iterative, since pages can be nested deeper than Python's stack."""
    waiting: list[tuple[Any, str, bool]] = [(top, "", False)]
    while waiting:
        node, after, kept = waiting.pop()
        if node is None:
            parts.append(after)
            continue
        if node.tag == "-text":
            words = node.text_content or ""
            parts.append(words if kept else _SPACE.sub(" ", words))
            continue
        gap = _gap(node.tag)
        parts.append(gap)
        waiting.append((None, "" if node.tag == "br" else gap, kept))
        children = list(node.iter(include_text=True))
        waiting += [(child, "", kept or node.tag == "pre") for child in reversed(children)]


def _gap(tag: str) -> str:
    """Return what stands before and after an element: NUL cannot occur in parsed HTML, so it marks what is a gap."""
    if tag == "br":
        return "\n"
    if tag in ("td", "th"):
        return " "
    return _PARAGRAPH if tag in _PARAGRAPHS else _LINE if tag in _LINES else ""
