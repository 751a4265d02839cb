"""Markdown becomes HTML that can be read, and that can do nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.web.rendering import MOST_CHARACTERS, html


def test_chat_text_is_drawn_with_lists_code_and_tables() -> None:
    drawn = html("# Hi\n\n- a\n- **b**\n\n```python\nx < 1\n```\n\n| a | b |\n|:-:|---|\n| 1 | 2 |\n\n~~no~~")
    for part in ("<h1>Hi</h1>", "<strong>b</strong>", '<code class="language-python">x &lt; 1\n</code>', "<s>no</s>",
                 '<th align="center">a</th>', "<td>2</td>"):  # fmt: skip
        assert part in drawn


HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "[a](data:text/html,<script>)",
    "![a](http://other.example/pixel.png)", '<a href="x" onclick="y">z</a>', "<style>*{}</style>", "<svg/onload=alert(1)>",
    "[a]( jAvAsCrIpT:alert(1) )", "<iframe src=//x></iframe>", "[x]: javascript:a 'b'\n\n[x]", "![a\"onx=](x 'y\" z=')",
    "```\" onload=alert(1)\nx\n```", "<div style=x>",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_text_can_act_on_the_page(text: str) -> None:
    assert is_harmless(html(text))


@given(st.lists(st.sampled_from([*HOSTILE, "](", "<", ">", '"', "`", "\n\n", "a", "|", "--"]), max_size=8).map("".join))
def test_nothing_in_any_mixture_can_act_on_the_page(text: str) -> None:
    assert is_harmless(html(text))


def is_harmless(drawn: str) -> bool:
    tags = re.findall(r"<[^>]*>", drawn)
    return not any(
        re.match(r"</?(script|img|svg|style|iframe|div)\b", tag)
        or re.search(r"""\s(on\w+|style)=(?=["'])""", re.sub(r'="[^"]*"', '=""', tag))
        or re.search(r'href="\s*(javascript|data|vbscript):', tag, re.IGNORECASE)
        for tag in tags
    )


def test_a_link_leaves_without_saying_from_where() -> None:
    assert 'rel="noopener noreferrer nofollow"' in html("[a](https://example.org)")


def test_a_picture_becomes_a_link_that_fetches_nothing() -> None:
    assert html("![a cat](https://example.org/cat.png)").startswith('<p><a href="https://example.org/cat.png"')


def test_a_very_long_text_is_shown_as_it_is() -> None:
    assert html("<b>" + "*" * MOST_CHARACTERS).startswith("<pre>&lt;b&gt;***")
