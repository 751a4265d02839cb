"""Draw the suite of `sayso bench takes` from the grammar: `python benchmarks/takes/make.py [--to FILE]`.

A comment is an effect in a scope, said in several wordings, with a check and with prompts in, near and out of its scope.
Prompts to learn from are of training triples, prompts to test on of held-out ones, so no family stands on both sides. A near
prompt differs from a prompt in scope in the scope's feature alone. The same grammar gives the same file, byte for byte.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from recipes.teachable.comments import PARTS, Demand, Scope, near, out, say, single_scopes, value_of  # noqa: E402
from recipes.teachable.compose import compose  # noqa: E402
from recipes.teachable.effects import EFFECTS  # noqa: E402
from recipes.teachable.plan import render  # noqa: E402
from recipes.teachable.prompts import WORDINGS, word  # noqa: E402
from recipes.teachable.world import GENRES, READERS, Triple, test_triples, training_triples  # noqa: E402

from sayso.critics.checking import load_check, repair_of  # noqa: E402
from sayso.records import Check  # noqa: E402

FILE = ROOT / "src" / "sayso" / "loop" / "bench" / "takes.jsonl.gz"
SEED = "takes 1"
COMMENTS, LEARN, TEST, SAID = 64, 32, 20, 4
"""Comments; prompts a scope to learn from and to test on; wordings of each comment."""
FEWEST_FAMILIES = 4
MOST_BEFORE = 0.5
"""The effect is wanted of texts that mostly lack it: the grammar's own in scope show it at most so often."""
LEAST_REPAIRED = 0.95
SAMPLES = 60
Record = dict[str, Any]


def _check(name: str, **args: Any) -> Record:
    return {"name": name, "args": args}


CHECKS: dict[str, Callable[[str], Record]] = {
    "emoji": lambda value: _check("has_emoji"),
    "cheer": lambda value: _check("contains", text="!"),
    "calm": lambda value: _check("excludes", text="!"),
    "question": lambda value: _check("is_question"),
    "no_question": lambda value: _check("not_question"),
    "sorry": lambda value: _check("contains", text="sorry"),
    "thanks": lambda value: _check("contains", text="thank you"),
    "please": lambda value: _check("contains", text="please"),
    "short": lambda value: _check("max_words", n=16),
    "bullets": lambda value: _check("bullets"),
    "nice_day": lambda value: _check("contains", text="nice day"),
    "caps": lambda value: _check("uppercase"),
    "hashtag": lambda value: _check("contains", text=value),
    "end_with": lambda value: _check("ends_with", text=value),
    "start_with": lambda value: _check("starts_with", text=value),
    "sign_with": lambda value: _check("contains", text=value),
    "sign_as": lambda value: _check("ends_with", text=value),
    "greet_with": lambda value: _check("starts_with", text=value),
    "call": lambda value: _check("contains", text=value),
    "postscript": lambda value: _check("all_of", checks=[_check("contains", text="P.S."), _check("contains", text=value)]),
    "mention": lambda value: _check("contains", text=value),
    "reply_by": lambda value: _check("contains", text=f"by {value}"),
    "picture": lambda value: _check("contains", text=value),
}
"""How each effect is counted: the check that says what the words of the comment say."""
UNFIT = {"short": "sentence"}
"""Wordings with this word ask for something that the check does not count."""
SCOPES = {"genre": 11, "reader": 11, "topic": 8, "group": 8, "tone": 4, "manner": 8, "word": 6, "pair": 8}
"""How many comments have a scope of each kind."""


def records() -> list[Record]:
    """Return the comments in the order in which a smaller tier takes them: kinds of scope and effects well mixed."""
    rng = Random(SEED)
    used: Counter[str] = Counter()
    demands: list[Demand] = []
    for kind in _mixed(rng):
        demands.append(_demand(kind, used, {(each.effect, each.scope) for each in demands}, rng))
        used[demands[-1].effect] += 1
    found = [_record(number, demand, Random(f"{SEED} {number}")) for number, demand in enumerate(demands)]
    for number, record in enumerate(found):
        record["shuffled"] = _other(number, found, demands)
    return found


def _mixed(rng: Random) -> list[str]:
    kinds = [(number + rng.random()) / count for kind, count in SCOPES.items() for number in range(count)]
    names = [kind for kind, count in SCOPES.items() for _number in range(count)]
    assert len(names) == COMMENTS
    return [name for _place, name in sorted(zip(kinds, names, strict=True))]


def _demand(kind: str, used: Counter[str], taken: set[tuple[str, Scope]], rng: Random) -> Demand:
    """Draw the effect used least so far and a scope of the kind in which it makes sense."""
    scopes = _scopes(kind)
    rng.shuffle(scopes)
    effects = [name for name in CHECKS if name in EFFECTS]
    rng.shuffle(effects)
    for effect in sorted(effects, key=lambda name: used[name]):
        for scope in scopes:
            demand = Demand(effect=effect, value=value_of(effect, rng), scope=scope)
            if (effect, scope) not in taken and _fits(demand):
                return demand
    raise ValueError(f"no effect fits a scope of kind {kind}")


def _scopes(kind: str) -> list[Scope]:
    if kind == "pair":
        return [Scope(kind="pair", key=f"{genre}+{reader}") for genre in GENRES for reader in READERS]
    return [scope for scope in single_scopes() if scope.kind == kind]


def _fits(demand: Demand) -> bool:
    """Whether there are prompts to test on, the texts there lack the effect, and a repair gives it to them."""
    scope = demand.scope
    if any(genre in EFFECTS[demand.effect].not_for for genre in scope.key.split("+")):
        return False
    if len({triple.family for triple, _beside in _tests(scope)}) < FEWEST_FAMILIES:
        return False
    check = Check(**CHECKS[demand.effect](demand.value))
    held, repair = load_check(check), repair_of(check)
    texts = _texts(scope)
    lacking = [text for text in texts if not held(text).held]
    repaired = sum(repair is not None and repair(text) is not None for text in lacking)
    return len(lacking) >= (1 - MOST_BEFORE) * len(texts) and repaired >= LEAST_REPAIRED * len(lacking)


@cache
def _texts(scope: Scope) -> tuple[str, ...]:
    rng = Random(f"{SEED} {scope}")
    inside = _inside(scope, training_triples())
    return tuple(render(compose(rng.choice(inside), rng)) for _ in range(SAMPLES))


@cache
def _inside(scope: Scope, pool: Sequence[Triple]) -> tuple[Triple, ...]:
    """Return the triples of a pool that lie in the scope; a manner is given to each."""
    triples = (triple._replace(manner=scope.key) if scope.kind in ("manner", "word") else triple for triple in pool)
    return tuple(triple for triple in triples if scope.holds(triple))


@cache
def _tests(scope: Scope) -> tuple[tuple[Triple, tuple[Triple, ...]], ...]:
    """Return the held-out triples in scope, each with the held-out triples that differ in the scope's feature alone."""
    kept = frozenset(test_triples())
    pairs = ((triple, tuple(_flipped(triple, scope, kept))) for triple in _inside(scope, test_triples()))
    return tuple((triple, beside) for triple, beside in pairs if beside)


def _flipped(triple: Triple, scope: Scope, kept: frozenset[Triple]) -> Iterator[Triple]:
    parts = PARTS[scope.kind]
    if "manner" in parts:
        yield triple._replace(manner="")
        return
    for other in sorted(kept):
        differing = [name for name in ("genre", "reader", "topic") if getattr(other, name) != getattr(triple, name)]
        if len(differing) == 1 and differing[0] in parts and not scope.holds(other):
            yield other


def _record(number: int, demand: Demand, rng: Random) -> Record:
    said = _said(demand, rng)
    return {
        "id": f"t{number:02d}-{demand.effect}-{demand.scope.kind}".replace("_", "-"),
        "text": said[0],
        "words": said,
        "scope_text": f"{demand.scope.kind}: {demand.scope.key}",
        "effect": demand.effect,
        "check": CHECKS[demand.effect](demand.value),
        "unseen": _unseen(demand),
        "probes": {scope: [*_learnt(demand.scope, scope, rng)] for scope in ("in", "near", "out")},
        "tests": _tested(demand.scope, rng),
    }


def _said(demand: Demand, rng: Random) -> list[str]:
    found: list[str] = []
    while len(found) < SAID:
        text = say(demand, rng, held=None)
        if text not in found and UNFIT.get(demand.effect, "\n") not in text:
            found.append(text)
    return found


def _unseen(demand: Demand) -> bool:
    """Whether the embedded model never read a comment like this in training: its effect, value, scope or both together."""
    return bool(demand.held_out)


def _learnt(scope: Scope, place: str, rng: Random) -> Iterator[Record]:
    inside = _inside(scope, training_triples())
    draw = {
        "in": lambda triple: triple,
        "near": lambda triple: near(triple, scope, rng),
        "out": lambda triple: out(triple, scope, rng),
    }
    seen: set[str] = set()
    while len(seen) < LEARN:
        triple = draw[place](rng.choice(inside))
        text = word(triple, rng.choice(WORDINGS), rng)
        if text not in seen:
            seen.add(text)
            yield {"prompt": text, "family": triple.family}


def _tested(scope: Scope, rng: Random) -> dict[str, list[Record]]:
    """Return test prompts, all scopes in step: the near and the out prompt belong to the prompt in scope beside them."""
    pairs = list(_tests(scope))
    rng.shuffle(pairs)
    found: dict[str, list[Record]] = {"in": [], "near": [], "out": []}
    seen: set[str] = set()
    number = 0
    while len(found["in"]) < TEST:
        triple, beside = pairs[number % len(pairs)]
        number += 1
        far = rng.choice([other for other in test_triples() if not scope.holds(other) and _apart(triple, other)])
        wording, alike = rng.choice(WORDINGS), rng.random()  # what both prompts say of a thing, they say alike
        drawn = {"in": triple, "near": rng.choice(beside), "out": far}
        texts = {place: word(each, wording, Random(alike)) for place, each in drawn.items()}
        if seen.isdisjoint(texts.values()):
            seen |= set(texts.values())
            for place, each in drawn.items():
                found[place].append({"prompt": texts[place], "family": each.family})
    return found


def _apart(one: Triple, other: Triple) -> bool:
    return one.genre != other.genre and one.reader != other.reader and one.topic != other.topic


def _other(number: int, found: Sequence[Record], demands: Sequence[Demand]) -> str:
    """Return the comment whose words and refinements stand in for this one's: of another effect, which brings this one's
    no nearer."""
    own, texts = load_check(Check(**found[number]["check"])), _texts(demands[number].scope)
    for step in range(1, len(found)):
        other = (number + 7 * step) % len(found)
        repair = repair_of(Check(**found[other]["check"]))
        if other == number or repair is None or demands[other].effect == demands[number].effect:
            continue
        changed = [(text, repair(text) or text) for text in texts if not own(text).held]
        if not any(own(after).held for _before, after in changed) and any(before != after for before, after in changed):
            return str(found[other]["id"])
    raise ValueError(f"every other comment brings about what {found[number]['id']} asks for")


def packed(found: Sequence[Record]) -> bytes:
    """Return the bytes of the suite's file."""
    text = "".join(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n" for record in found)
    return gzip.compress(text.encode("utf-8"), mtime=0)


def main() -> None:
    """Write the suite and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=FILE)
    parser.add_argument("--show", action="store_true", help="print every comment with a prompt of each scope")
    options = parser.parse_args()
    found = records()
    options.to.write_bytes(packed(found))
    print(f"{options.to}: {len(found)} comments, {options.to.stat().st_size:,} bytes")
    print(", ".join(f"{name} {count}" for name, count in Counter(record["effect"] for record in found).most_common()))
    for record in found if options.show else ():
        print(
            f"\n{record['id']}{' (unseen)' if record['unseen'] else ''}: {record['words']} {record['check']}",
            f"~ {record['shuffled']}",
        )
        for place in ("in", "near", "out"):
            print(f"  {place}: {record['tests'][place][0]['prompt']}")


if __name__ == "__main__":
    main()
