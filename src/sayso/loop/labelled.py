"""Whether a comment on a classifier's answer took, counted on texts whose classes are known and that were never learnt.

A comment that names a class and quotes words applies (*in*) to texts of that class with these words. *Near* are texts with
these words and another class, *out* all other texts of other classes; to call these the named class is to spill. The effect
that is counted is that the model says the named class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sayso.critics import labels
from sayso.critics.labels import Correction
from sayso.loop.improving import classes_of
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace
from sayso.loop.writing import Field
from sayso.records import Check, Comment, Probe, Prompt, Scope, identity

if TYPE_CHECKING:
    from sayso.tasks.items import Item


def probed(workspace: Workspace, settings: Settings, field: Field) -> list[Comment]:
    """Return the comments on single answers that name a class, each with a check for it and its probes.

    None where no held-out texts are named in the settings, or the model is no classifier.

    Raises:
        NotFoundError: there is no such file.
        RecordError: a line is wrong, or has a class that the model does not know.
    """
    if not settings.labels.heldout or not field.bound:
        return []
    known = classes_of(workspace, workspace.version(settings.model_name_or_path))
    if not known:
        return []
    from sayso.tasks.classify.task import Classify

    task = Classify(labels=known)
    path = Path(settings.labels.heldout)
    items = list(task.items(str(path if path.is_absolute() else workspace.folder / path)))
    said = {comment.response.prompt.text for comment in field.bound if comment.response}
    held = [(task.plain(item), item) for item in items if item.inputs["text"] not in said]
    seed = settings.evaluate.seed
    held.sort(key=lambda pair: identity([seed, pair[0].messages]))
    reader = labels.reader_of(settings.labels.reader, known) if settings.labels.reader else None
    found = []
    for comment in field.bound:
        correction = labels.read([comment], known, reader=reader)
        if correction is not None:
            found.append(_probed(comment, correction, held, settings.evaluate.max_probes))
    return found


def _probed(comment: Comment, correction: Correction, held: Sequence[tuple[Prompt, Item]], most: int) -> Comment:
    wanted = re.compile("|".join(_pattern(words) for words in _words(comment, correction)) or r"(?!)", re.IGNORECASE)
    probes: dict[Scope, list[Probe]] = {"in": [], "near": [], "out": []}
    for prompt, item in held:
        scope = _scope(item, correction, any(wanted.search(message.content) for message in prompt.messages))
        if scope is not None and len(probes[scope]) < most:
            probes[scope].append(Probe(prompt=prompt, scope=scope))
    check = Check(name="equals", args={"text": correction.label})
    return replace(comment, check=check, probes=tuple(probe for some in probes.values() for probe in some))


def _scope(item: Item, correction: Correction, marked: bool) -> Scope | None:  # noqa: FBT001 - private
    if item.answers[0] == correction.label:
        return "in" if marked or not correction.marks else None
    return "near" if marked else "out"


def _words(comment: Comment, correction: Correction) -> Iterator[str]:
    assert comment.response is not None, "comments on an answer"
    for mark in correction.marks:
        yield comment.response.prompt.messages[mark.turn].content[mark.start : mark.end]


def _pattern(words: str) -> str:
    inner = r"\s+".join(re.escape(part) for part in words.split())
    edges = [r"\b" if re.match(r"[A-Za-z0-9]", words) else "", r"\b" if re.search(r"[A-Za-z0-9]$", words) else ""]
    return f"{edges[0]}{inner}{edges[1]}"
