"""What is kept from all training, as data: effects, scopes, values, combinations, wordings; `--write` draws the list anew.

A triple of genre, reader and topic is held out by the hash of its name instead (`world.held_out`).
"""

from __future__ import annotations

import argparse
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parent / "heldout.yaml"
EFFECTS = ("caps", "hashtag", "no_numbers", "no_ps", "no_subject")
"""Two are a trained effect turned round, two are new altogether, one takes a value."""
SCOPES = {"genre": ("postcard",), "reader": ("teacher",), "topic": ("snow",), "group": ("animals",)}
SHARE = 0.2
"""The share of values and of (effect, scope) combinations."""
WORDINGS_EACH = 2


@cache
def _known() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=loader)
    return found


@cache
def _set(*path: str) -> frozenset[str]:
    found = _known()
    for part in path:
        found = found.get(part, {})
    return frozenset(found)


def effect(name: str) -> bool:
    """Whether an effect is never asked for in training."""
    return name in _set("effects")


def scope(kind: str, key: str) -> bool:
    """Whether no training comment applies here; a pair is held out with either half of it."""
    if kind == "pair":
        return any(scope(*half) for half in _halves(key))
    return key in _set("scopes", kind)


def combination(name: str, kind: str, key: str) -> bool:
    """Whether no training comment asks for this effect in this scope; a pair is held out with either half of it."""
    if kind == "pair":
        return any(combination(name, *half) for half in _halves(key))
    return f"{kind}:{key}" in _set("combinations", name)


def value(kind: str, item: str) -> bool:
    """Whether a value is never asked for in training; a phrase is held out as a whole, its words are not."""
    first, _, second = item.partition(" ")
    return item in _set("values", kind) or second in _set("pairs", kind, first)


@cache
def phrases() -> frozenset[str]:
    """Return all phrases of two words that are held out, in small letters."""
    kinds = _known()["pairs"].values()
    return frozenset(f"{first} {second}".lower() for kind in kinds for first, found in kind.items() for second in found)


def wordings(part: str, key: str, said: list[str], *, held: bool | None) -> list[str]:
    """Return the wordings that are held out, those that are not, or (None) all."""
    if held is None:
        return said
    kept = _set("wordings", part, key)
    return [words for words in said if (words in kept) == held]


def _halves(pair: str) -> tuple[tuple[str, str], tuple[str, str]]:
    genre, reader = pair.split("+")
    return ("genre", genre), ("reader", reader)


def draw() -> dict[str, Any]:
    """Return the whole list as its rule gives it: by hashes of names, so that it never changes unless names do."""
    from recipes.teachable import comments, compose, effects, prompts, values, words, world

    usual = "".join(path.read_text(encoding="utf-8").lower() for path in (Path(__file__).parent / "topics").glob("*.yaml"))
    usual += " ".join(text.lower() for texts in compose.OPENINGS.values() for text in texts)
    usual += " ".join(
        text.lower() for each in (words.GREETINGS, words.SIGN_OFFS) for texts in each.values() for text in texts
    )

    def kept(*names: str) -> bool:
        return world.share(*names) < SHARE and " ".join(names[1:]) not in usual  # what is written unasked cannot be held out

    scopes = [f"{scope.kind}:{scope.key}" for scope in comments.single_scopes()]
    said = {
        part: {key: list(found)[-WORDINGS_EACH:] for key, found in lists.items()} for part, lists in effects.SAID_OF.items()
    }
    return {
        "effects": list(EFFECTS),
        "scopes": {kind: list(keys) for kind, keys in SCOPES.items()},
        "wordings": said | {"prompts": {"all": list(prompts.WORDINGS[-WORDINGS_EACH:])}},
        "values": {kind: [item for item in items if kept("value", kind, item)] for kind, items in values.SINGLE.items()},
        "pairs": {
            kind: {first: [second for second in seconds if kept("pair", first, second)] for first in firsts}
            for kind, (firsts, seconds) in values.PAIRS.items()
        },
        "combinations": {name: [at for at in scopes if kept("combination", name, at)] for name in effects.EFFECTS},
    }  # fmt: skip


def text() -> str:
    """Return the file's text."""
    head = (
        "# What no training episode holds; written by `python recipes/teachable/heldout.py --write`, read by heldout.py.\n"
    )
    return head + yaml.safe_dump(draw(), allow_unicode=True, sort_keys=False, default_flow_style=None, width=120)


def main() -> None:
    """Write the list, or print how much it holds out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        FILE.write_text(text(), encoding="utf-8")
    print(f"{FILE}: {len(FILE.read_text(encoding='utf-8').splitlines())} lines")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
