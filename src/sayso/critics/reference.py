"""A critic that knows the answers: it says which words of the known answer are missing and which are other ones."""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sayso.critics.parts import Place, span, words
from sayso.i18n import gettext as _
from sayso.records import Check, Comment, Response

SHORT = 5
"""An answer of at most so many words (a label, a name, a number) must be given as it is; the comment carries that check."""
_LONG = 2000
"""Words from which on the comparison leaves out the frequent ones: it would take time quadratic in their number."""
_LISTED = 8
"""Words named in a comment; more would not be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """Comments on a response that says something else than the known answer to its prompt.

    `answers` is by prompt id; a prompt without one gets no comment. Capitals, punctuation and spacing do not count.
    """

    answers: Mapping[str, str]
    """The known answers by prompt id."""
    enough: float = 1.0
    """Token F1 with the answer (0 to 1) from which on nothing is said."""

    def comments(self, response: Response) -> tuple[Comment, ...]:
        """Say what is missing and what is other, with the places that differ."""
        answer = self.answers.get(response.prompt.id)
        if answer is None or token_f1(response.text, answer) >= self.enough:
            return ()
        return (_comment(response, answer),)


def token_f1(one: str, other: str) -> float:
    """Return the harmonic mean of precision and recall over words, as SQuAD scores answers (arXiv 1606.05250).

    Words in the same number and another order give 1 only when the order is the same too.
    """
    ours, theirs = normal(one), normal(other)
    if ours == theirs:
        return 1.0
    shared = sum((Counter(ours) & Counter(theirs)).values())
    if not shared:
        return 0.0
    return min(2 * shared / (len(ours) + len(theirs)), 1 - 1e-9)


def normal(text: str) -> list[str]:
    """Return the words of a text without case, width and punctuation; a Chinese character is a word."""
    return [_normal(text[place.start : place.end]) for place in words(text)]


def _comment(response: Response, answer: str) -> Comment:
    missing, other = _difference(response.text, answer)
    said = [_('The answer is "{answer}".').format(answer=answer.strip())]
    if missing:
        said.append(_("Missing: {words}.").format(words=_listed(missing)))
    if other:
        said.append(
            _("Not in the answer: {words}.").format(words=_listed([response.text[at.start : at.end] for at in other]))
        )
    if not missing and not other:
        said.append(_("The words are in another order."))
    is_short = 0 < len(words(answer)) <= SHORT
    return Comment(
        text=" ".join(said), response=response, spans=tuple(span(response.text, place) for place in other),
        check=Check(name="equals", args={"text": answer.strip()}) if is_short else None,
        polarity=-1.0, author="reference", source="tool",
    )  # fmt: skip


def _difference(text: str, answer: str) -> tuple[list[str], list[Place]]:
    """Return the runs of words that only the answer has, and where the runs are that only the text has."""
    ours, theirs = words(text), words(answer)
    is_long = len(ours) + len(theirs) > _LONG
    matcher = difflib.SequenceMatcher(None, normal(text), normal(answer), autojunk=is_long)
    changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
    missing = [answer[theirs[low].start : theirs[high - 1].end] for _tag, _i, _j, low, high in changes if high > low]
    other = [Place(ours[low].start, ours[high - 1].end) for _tag, low, high, _k, _l in changes if high > low]
    return missing, other


def _listed(found: Sequence[str]) -> str:
    shown = ", ".join(f'"{item}"' for item in found[:_LISTED])
    return shown if len(found) <= _LISTED else f"{shown}, …"


def _normal(word: str) -> str:
    folded = unicodedata.normalize("NFKC", word).casefold()
    return "".join(char for char in folded if char.isalnum())
