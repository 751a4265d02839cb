"""The demo: a whole round on the small model that comes with sayso, with its three comments or with a user's own words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from sayso.errors import RecordError, SettingsError, StoreError
from sayso.i18n import gettext as _
from sayso.loop import Watcher, rounds
from sayso.loop.progress import ignore
from sayso.loop.workspace import DATABASE, SETTINGS, Workspace, now, write_whole
from sayso.records import Scope, identity

ROUND = "round.yaml"
MOST_LEARNT, MOST_TESTED = 60, 40
"""Prompts a scope, for a comment of the user's own."""
FEWEST = 10
"""With fewer prompts in scope than this to learn from, or to test on, nothing could be shown."""
_DATA = files("sayso.loop") / "demo"


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the small model writes: its genres, readers and topics, each with the words by which a person may name it."""

    parts: tuple[str, ...]
    names: Mapping[str, Mapping[str, Sequence[str]]]


def run(
    folder: Path,
    *,
    comments: Sequence[str] = (),
    watch: Watcher = ignore,
    command: str = "",
    clock: Callable[[], str] = now,
) -> rounds.Round:
    """Do the demo's round in `folder`; its files stay there, to be looked at, changed and run again.

    Raises:
        RecordError: a comment is of a kind that the small model does not know, or that cannot be counted.
        SettingsError: the folder holds something else.
    """
    lines = [own_comment(text, known()) for text in comments]
    prepare(folder, lines)
    store = folder / DATABASE  # whatever SAYSO_STORE says: a demo is not written among a team's records
    if (folder / SETTINGS).is_file():
        workspace = Workspace.open(folder, store=store, clock=clock)
    else:
        workspace = Workspace.init(folder, model=str(model()), store=store, clock=clock)
    try:
        settings = workspace.settings(rounds.read(folder / ROUND))
        return rounds.run(workspace, settings, watch=watch, command=command)
    finally:
        workspace.close()


def model() -> Path:
    """Return the folder of the small model."""
    return Path(str(files("sayso.models") / "teachable"))


def prepare(folder: Path, comments: Sequence[Mapping[str, Any]]) -> None:
    """Write the round's files where they are not there yet; the user's own comments take the place of the third.

    A comment of the user's that applies to everything is learnt alone: nothing would be out of its scope.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / ROUND).is_file():
        raise SettingsError(
            "{folder!r} is not empty and holds no demo; name another folder with --output", folder=str(folder)
        )
    if (folder / ROUND).is_file() and not comments:
        return
    said, prompts = without_clashes(beside_built_in(comments), _lines("prompts.jsonl"), known())
    heldout = uncommented(said, _lines("heldout.jsonl"), known())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "comments.jsonl", _jsonl(said))
        write_whole(folder / "prompts.jsonl", _jsonl(prompts))
        write_whole(folder / "heldout.jsonl", _jsonl(heldout))
        write_whole(folder / ROUND, (_DATA / ROUND).read_text(encoding="utf-8"))
    except OSError as error:
        raise StoreError("{folder!r} cannot be written: {reason}", folder=str(folder), reason=error.strerror) from error


def beside_built_in(own: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the demo's comments with the user's own in place of the last, or the user's own alone where one is for all."""
    built_in = _lines("comments.jsonl")
    if not own:
        return list(built_in)
    everywhere = any(not line["scope_text"] for line in own)
    return [*([] if everywhere else built_in[:-1]), *own]


def without_clashes(
    comments: Sequence[Mapping[str, Any]], prompts: Sequence[Mapping[str, Any]], writes: Known
) -> tuple[list[dict[str, Any]], list[Mapping[str, Any]]]:
    """Leave out what one comment would call out of scope, and so keep as it is, though another comment applies to it.

    That holds for the prompts, and for each comment's probes to learn from that are in the scope of another comment and no
    probe of its.
    """
    scopes = [scope_of(comment["scope_text"], writes) for comment in comments]
    named = [{probe["prompt"] for probe in comment["probes"]["in"]} for comment in comments]

    def clashes(prompt: Mapping[str, Any]) -> bool:
        family = prompt["family"].split("/")
        pairs = zip(scopes, named, strict=True)
        return any(_scope(family, scope) == "in" and prompt["prompt"] not in inside for scope, inside in pairs)

    def kept(probes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [probe for probe in probes if probe["split"] == "test" or not clashes(probe)]

    said = [{**comment, "probes": {name: kept(part) for name, part in comment["probes"].items()}} for comment in comments]
    return said, [prompt for prompt in prompts if not clashes(prompt)]


def uncommented(
    comments: Sequence[Mapping[str, Any]], texts: Sequence[Mapping[str, Any]], writes: Known
) -> list[dict[str, Any]]:
    """Return the held-out texts that no comment applies to; all of them where a comment applies to everything."""
    scopes = [scope_of(comment["scope_text"], writes) for comment in comments]
    lines = [{key: value for key, value in text.items() if key != "family"} for text in texts]
    families = [text["family"].split("/") for text in texts]
    pairs = zip(lines, families, strict=True)
    kept = [line for line, family in pairs if all(_scope(family, scope) != "in" for scope in scopes)]
    return kept or lines


def known() -> Known:
    """Return what the small model writes."""
    found = json.loads((_DATA / "known.json").read_text(encoding="utf-8"))
    return Known(parts=tuple(found["family"]), names={part: found[part] for part in found["family"]})


def own_comment(text: str, writes: Known) -> dict[str, Any]:
    """Return a user's words as a line of comments.jsonl, with probes from the prompts that the small model knows.

    Raises:
        RecordError: the words cannot be counted, or name nothing the model writes; the message says what it knows.
    """
    from sayso.critics.words import NotUnderstood, check_from_words

    understood = check_from_words(text)
    if isinstance(understood, NotUnderstood):
        raise RecordError(
            "comment {text!r}: {reason} Comments that can be counted: {examples}",
            text=text, reason=understood.reason, examples=" · ".join(understood.examples),
        )  # fmt: skip
    scope = scope_of(understood.scope_text, writes)
    if understood.scope_text and not scope:
        raise RecordError(
            "comment {text!r}: the small model does not know {scope!r}; it writes {genres} to {readers}. "
            "With a model of your own any scope will do: sayso init DIR --model MODEL",
            text=text, scope=understood.scope_text,
            genres=_listed(writes.names[writes.parts[0]]), readers=_listed(writes.names[writes.parts[1]]),
        )  # fmt: skip
    line = {"id": f"own-{identity(text)[:8]}", "text": text, "scope_text": understood.scope_text}
    check = {"name": understood.check.name, "args": dict(understood.check.args)}
    return {**line, "check": check, "probes": _probes(text, scope)}


def scope_of(words: str, writes: Known) -> dict[int, frozenset[str]]:
    """Return, by part of the family, the genres, readers or topics that the words name."""
    found: dict[int, set[str]] = {}
    rest = words.lower()
    # Longer names first, and what was read is taken out: `text message` is not also `text`.
    for name, values in sorted(_names(writes).items(), key=lambda item: -len(item[0])):
        edge = r"(?<!\w){}(?:e?s)?(?!\w)" if name.isascii() else "{}"
        pattern = re.compile(edge.format(re.escape(name)))
        if pattern.search(rest):
            rest = pattern.sub(" ", rest)
            for part, value in values:
                found.setdefault(part, set()).add(value)
    return {part: frozenset(values) for part, values in found.items()}


def _names(writes: Known) -> dict[str, list[tuple[int, str]]]:
    """Return what each name stands for; one such as `family` stands for several readers."""
    found: dict[str, list[tuple[int, str]]] = {}
    for number, part in enumerate(writes.parts):
        for value, words in writes.names[part].items():
            for name in words:
                found.setdefault(name.lower(), []).append((number, value))
    return found


def _probes(text: str, scope: Mapping[int, frozenset[str]]) -> dict[str, list[dict[str, Any]]]:
    pool = _lines("probes.jsonl") + _lines("prompts.jsonl")
    placed: dict[Scope, list[dict[str, Any]]] = {"in": [], "near": [], "out": []}
    for prompt in sorted(pool, key=lambda item: identity([text, item["prompt"]])):
        placed[_scope(prompt["family"].split("/"), scope)].append(prompt)
    chosen = {}
    for name, prompts in placed.items():
        learnt = [prompt for prompt in prompts if prompt["split"] == "train"][:MOST_LEARNT]
        tested = [prompt for prompt in prompts if prompt["split"] == "test"][:MOST_TESTED]
        if name == "in" and min(len(learnt), len(tested)) < FEWEST:
            raise RecordError(
                "comment {text!r}: only {learnt} prompts to learn from and {tested} to test on are in its scope; "
                "expected at least {fewest} of each, name a wider scope",
                text=text, learnt=len(learnt), tested=len(tested), fewest=FEWEST,
            )  # fmt: skip
        chosen[str(name)] = learnt + tested
    return chosen


def _scope(family: Sequence[str], scope: Mapping[int, frozenset[str]]) -> Scope:
    """Return `in` where every named part fits, `near` where exactly one does not and another part of the family is close."""
    misses = sum(family[part] not in values for part, values in scope.items())
    if not misses:
        return "in"
    # A third of what misses by one part is near: the same kinds of prompt with one thing flipped; the rest is out.
    return "near" if misses == 1 and int(identity(list(family))[:4], 16) % 3 == 0 else "out"


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (_DATA / name).read_text(encoding="utf-8").splitlines()]


def _jsonl(lines: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _listed(names: Mapping[str, Sequence[str]]) -> str:
    return _(", ").join(words[0] for words in names.values())
