"""What gives a newsgroup away without being its subject: the header, the footer and the quotes of a message.

They are taken off by scikit-learn's own functions, those behind `fetch_20newsgroups(remove=...)`, so that figures compare.
"""

from __future__ import annotations

from collections.abc import Callable

_FEW_LINES = 3


def unfolded(text: str) -> str:
    """Return a message with its line breaks; in some copies of the data set each is a tab."""
    return text.replace("\t", "\n") if text.count("\n") < _FEW_LINES else text


def without(*parts: str) -> Callable[[str], str]:
    """Return what takes parts (`headers`, `footers`, `quotes`) off a message, in this order."""

    def clean(text: str) -> str:
        from sklearn.datasets import _twenty_newsgroups as library

        known = {
            "headers": library.strip_newsgroup_header, "footers": library.strip_newsgroup_footer,
            "quotes": library.strip_newsgroup_quoting,
        }  # fmt: skip
        text = unfolded(text)
        for part in parts:
            text = known[part](text)
        return text

    return clean
