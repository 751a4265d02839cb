"""A critic that says what checks found: every failed check becomes a comment in words, with the places it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sayso.critics.checking import BoundCheck, load_check
from sayso.critics.parts import Held
from sayso.errors import SettingsError
from sayso.records import Check, Comment, Response


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """Comments on a response for every check that does not hold on it.

    Each item of `checks` is a check alone, a pair of a check and the comment's words (None: the check says what is
    wrong), or a mapping `{"name": ..., "args": {...}, "words": ...}` as read from a file.

    Raises:
        NotFoundError: no check has this name.
        SettingsError: an argument of a check is wrong, or an item is none of the three.
    """

    checks: Sequence[Check | tuple[Check, str | None] | Mapping[str, Any]]
    """What is looked at, each alone, with the words to say, or as a mapping with `name`, `args` and `words`."""
    _loaded: tuple[tuple[Check, str | None, BoundCheck], ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        if not isinstance(self.checks, list | tuple):
            raise SettingsError(
                "rules: checks: found {found!r}; expected a list such as [{{name: max_words, args: {{n: 20}}}}]",
                found=self.checks,
            )  # fmt: skip
        pairs = tuple(_pair(item) for item in self.checks)
        object.__setattr__(self, "checks", pairs)
        object.__setattr__(self, "_loaded", tuple((check, words, load_check(check)) for check, words in pairs))

    def comments(self, response: Response) -> tuple[Comment, ...]:
        """Say in words which checks do not hold on a response; all of them holding is an empty tuple."""
        found = ((check, words, bound(response.text)) for check, words, bound in self._loaded)
        return tuple(_comment(response, check, words, held) for check, words, held in found if not held.held)


def _comment(response: Response, check: Check, words: str | None, held: Held) -> Comment:
    return Comment(
        text=words or held.said, response=response, spans=held.spans, check=check, polarity=-1.0,
        author=f"rules:{check.name}", source="tool",
    )  # fmt: skip


def _pair(item: Any) -> tuple[Check, str | None]:
    if isinstance(item, Check):
        return item, None
    if _is_form(item):
        return Check(name=item["name"], args=item.get("args", {})), item.get("words")
    if isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], Check):
        return item[0], item[1]
    raise SettingsError(
        "rules: found {found!r} among the checks; expected {{'name': ..., 'args': {{...}}, 'words': ...}}", found=item
    )


def _is_form(item: Any) -> bool:
    if not isinstance(item, Mapping) or set(item) - {"name", "args", "words"}:
        return False
    kinds = {"name": str, "args": Mapping, "words": str | None}
    return "name" in item and all(isinstance(item[key], kinds[key]) for key in item)
