"""A task becomes a round: its prompts, standing comments for what can be checked of its answers, and held-out right answers.

So whatever is said of a task's answers improves the model by the same loop, and the gate sees whether the right answers
stay as probable as they were.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.errors import SettingsError
from sayso.records import Check, Split, identity, plain
from sayso.store import lines

if TYPE_CHECKING:
    from sayso.loop.answering import Asked
    from sayso.tasks.items import Item

PROMPTS, COMMENTS, HELDOUT, ROUND = "prompts.jsonl", "comments.jsonl", "heldout.jsonl", "round.yaml"
TEST_SHARE = 0.5
_SHORT = ("answer", "retrieval", "classify")
"""Tasks whose right answer is a few words: the critic `reference` says what is missing."""
_WORDS = {
    "max_sentences": "Write at most {n} sentences.",
    "min_sentences": "Write at least {n} sentences.",
    "max_words": "Use at most {n} words.",
    "max_chars": "Use at most {n} characters.",
    "no_bullets": "Do not write a list.",
    "not_question": "Do not ask back.",
    "verse": "Write {lines} lines of {characters} characters each.",
    "rhymes": "The even lines must rhyme.",
    "equals": "Answer with one of the classes and nothing else.",
    "regex": "Keep to the form that was asked for.",
}
"""What a standing comment says, where the task has a check of that name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What was written into a folder."""

    folder: str
    prompts: int
    comments: int
    heldout: int


def write(wanted: Asked, folder: Path, *, model: str = "") -> Made:
    """Write the files of a round for a task; half of the families are for testing.

    Raises:
        SettingsError: the folder holds a round already.
        StoreError: the disk refused.
    """
    if (folder / ROUND).exists():
        raise SettingsError("{path!r} is there already; choose another folder, or remove it", path=str(folder / ROUND))
    folder.mkdir(parents=True, exist_ok=True)
    placed = [(item, _prompt(wanted, item)) for item in wanted.items]
    prompts = lines.write_lines(folder / PROMPTS, _once(form for _item, form in placed))
    comments = lines.write_lines(folder / COMMENTS, _comments(wanted, placed))
    held = [(item, form) for item, form in placed if form["split"] == "test" and item.answers]
    heldout = lines.write_lines(
        folder / HELDOUT, ({"prompt": form, "response": wanted.task.answer(item)} for item, form in held)
    )
    (folder / ROUND).write_text(_round(wanted, placed, model, held=bool(held)), encoding="utf-8")
    return Made(folder=str(folder), prompts=prompts, comments=comments, heldout=heldout)


def _prompt(wanted: Asked, item: Item) -> dict[str, Any]:
    prompt = wanted.task.prompt(item)
    family = prompt.family or prompt.id
    form: dict[str, Any] = {"id": prompt.id, "messages": plain(prompt.messages), "family": family}
    return form | {"split": _split(family, wanted.settings.seed)}


def _split(family: str, seed: int) -> Split:
    """A hash decides, so that more items later leave these where they are."""
    return "test" if zlib.crc32(f"{seed} {family}".encode()) < TEST_SHARE * 2**32 else "train"


def _once(forms: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for form in forms:
        if form["id"] not in seen:
            seen.add(form["id"])
            yield form


def _comments(wanted: Asked, placed: Sequence[tuple[Item, Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Yield a standing comment for every check that some items have, on the prompts of these items."""
    found: dict[str, tuple[Check, list[Mapping[str, Any]]]] = {}
    for item, form in placed:
        for check in wanted.task.checks(item):
            if check.name in _WORDS:
                key = identity(check)
                found.setdefault(key, (check, []))[1].append(form)
    for key, (check, forms) in found.items():
        text = _WORDS[check.name].format(**check.args)
        probes = {"in": list(_once(iter([dict(form) for form in forms])))}
        line = {"id": f"{wanted.task.name}-{check.name}-{key[:6]}", "text": text, "source": "tool"}
        yield {**line, "check": {"name": check.name, "args": plain(check.args)}, "probes": probes}


def _round(wanted: Asked, placed: Sequence[tuple[Item, Mapping[str, Any]]], model: str, *, held: bool) -> str:
    import yaml

    shared = [plain(check) for check in _shared([wanted.task.checks(item) for item in wanted.items])]
    critics: dict[str, Any] = {"rules": {"checks": shared}} if shared else {}
    if wanted.task.name in _SHORT:
        learnt = [(item, form) for item, form in placed if form["split"] == "train" and item.answers]
        critics["reference"] = {"answers": {form["id"]: wanted.task.answer(item) for item, form in learnt}}
    sampling = wanted.settings.generate
    form = {
        **({"model_name_or_path": model} if model else {}),
        "prompts": PROMPTS, "comments": COMMENTS, "method": "refine_sft", "output_dir": "workspace",
        "critics": critics, "generate": {"max_new_tokens": sampling.max_new_tokens},
        "evaluate": {"max_new_tokens": sampling.max_new_tokens, **({"heldout": HELDOUT} if held else {})},
    }  # fmt: skip
    head = f"# A round on the task {wanted.task.name}: sayso loop {ROUND}\n"
    return head + str(yaml.safe_dump(form, allow_unicode=True, sort_keys=False))


def _shared(checks: Sequence[tuple[Check, ...]]) -> list[Check]:
    """Return the checks that all items have, with the same arguments."""
    first = {identity(check): check for check in checks[0]}
    everywhere = set.intersection(*({identity(check) for check in one} for one in checks))
    return [check for key, check in first.items() if key in everywhere]
