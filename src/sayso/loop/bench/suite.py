"""The suite: comments in several wordings, each with a check, and prompts to learn from and to test on in three scopes."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from sayso.critics.checking import BoundCheck, load_check
from sayso.errors import NotFoundError, RecordError
from sayso.evaluation.takes import SCOPES
from sayso.records import Check, Comment, Prompt, Scope, Split, ask

VERSION = "1"
"""Rises when the suite's comments, prompts or checks change: results of different versions are not compared."""
FILE = "takes.jsonl.gz"
Prompts = Mapping[Scope, tuple[Prompt, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One comment of the suite."""

    id: str
    words: tuple[str, ...]
    """Wordings of the comment; a seed takes one."""
    effect: str
    scope_text: str
    check: Check
    unseen: bool
    """Whether the embedded model never read such a comment in its own training."""
    shuffled: str
    """The comment whose words and refinements stand in for this one's in the control."""
    learn: Prompts
    test: Prompts

    def comment(self, seed: int, *, text: str | None = None) -> Comment:
        """Return the comment in the wording of a seed, or in other words."""
        said = self.words[seed % len(self.words)] if text is None else text
        return Comment(id=self.id, text=said, scope_text=self.scope_text, reach="kind", check=self.check)

    def held(self) -> BoundCheck:
        """Return the check as a function of a text."""
        return load_check(self.check)


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """The comments in their order, of which a smaller tier takes the first."""

    items: tuple[Item, ...]
    sha256: str
    version: str = VERSION

    def item(self, name: str) -> Item:
        """Return a comment by its id."""
        return next(item for item in self.items if item.id == name)


def load(path: Path | None = None) -> Suite:
    """Return the suite of the package, or one of a file of the same form (JSON lines, gzipped or not).

    Raises:
        NotFoundError: there is no such file.
        RecordError: it is not of the form.
    """
    place = files("sayso.loop.bench") / FILE if path is None else path
    try:
        data = place.read_bytes()
    except OSError as error:
        raise NotFoundError("there is no suite at {path!r} ({reason})", path=str(place), reason=error.strerror) from error
    try:
        text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        items = tuple(_item(json.loads(line)) for line in text.decode("utf-8").splitlines() if line.strip())
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, gzip.BadGzipFile) as error:
        raise RecordError(
            "{path}: not a suite of takes ({reason}); expected lines as benchmarks/takes/make.py writes them",
            path=str(place), reason=f"{type(error).__name__}: {error}",
        ) from error  # fmt: skip
    if not items:
        raise RecordError("{path}: holds no comment; expected a line for each", path=str(place))
    return Suite(items=items, sha256=hashlib.sha256(text).hexdigest())


def _item(line: Mapping[str, Any]) -> Item:
    return Item(
        id=str(line["id"]), words=tuple(line["words"]), effect=line["effect"], scope_text=line["scope_text"],
        check=Check(name=line["check"]["name"], args=line["check"]["args"]), unseen=bool(line["unseen"]),
        shuffled=str(line["shuffled"]), learn=_prompts(line["probes"], "train"), test=_prompts(line["tests"], "test"),
    )  # fmt: skip


def _prompts(by_scope: Mapping[str, Any], split: Split) -> Prompts:
    return {
        scope: tuple(ask(item["prompt"], family=item["family"], split=split) for item in by_scope[scope]) for scope in SCOPES
    }
