"""Write the demo's prompts, comments and probes: `python recipes/teachable/demo_data.py [--to DIR]`.

The same grammar gives the same files. Prompts to learn from are of training triples, prompts to test with of held-out ones;
a family is a triple, so no wording of a test prompt is ever learnt from.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from recipes.teachable import heldout  # noqa: E402
from recipes.teachable.compose import compose  # noqa: E402
from recipes.teachable.plan import render  # noqa: E402
from recipes.teachable.prompts import WORDINGS, word  # noqa: E402
from recipes.teachable.world import GENRES, READERS, Triple, held_out, test_triples, topics, training_triples, triples  # noqa: E402

FOLDER = ROOT / "src" / "sayso" / "loop" / "demo"
TRAIN_PROBES, TEST_PROBES = 48, 40
"""How many probes of each scope at most."""
PROMPTS, HELDOUT = 400, 350
"""How many prompts to learn from, and how many held-out ones with a text of the grammar's."""
ASKED = heldout.wordings("prompts", "all", list(WORDINGS), held=False)[:12]
"""How prompts are worded: in some of the ways of training; what is held out there is for measuring the model."""
Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A comment of the demo: its words, its check, and the prompts it applies to."""

    id: str
    text: str
    scope_text: str
    check: Record
    part: str
    """Which part of a triple its scope is about."""
    keys: tuple[str, ...]

    def holds(self, triple: Triple) -> bool:
        """Whether the comment applies."""
        return getattr(triple, self.part) in self.keys

    def rest(self, triple: Triple) -> tuple[str, ...]:
        """Return the parts that the scope is not about."""
        return tuple(value for name, value in triple._asdict().items() if name != self.part)


COMMENTS = (
    Standing(
        id="attention-announcement",
        text='Begin every announcement with "Attention:".',
        scope_text="in announcements",
        check={"name": "starts_with", "args": {"text": "Attention:"}},
        part="genre",
        keys=("announcement",),
    ),
    Standing(
        id="go-team-coach",
        text='End every message to my coach with "Go team!"',
        scope_text="to my coach",
        check={"name": "ends_with", "args": {"text": "Go team!"}},
        part="reader",
        keys=("coach",),
    ),
    Standing(
        id="short-family",
        text="Use at most 20 words whenever you write to my family.",
        scope_text="to my mother, sister or grandmother",
        check={"name": "max_words", "args": {"n": 20}},
        part="reader",
        keys=("mother", "sister", "grandmother"),
    ),
)
GENRE_WORDS = {
    "email": ("e-mail", "mail", "邮件"),
    "note": ("便条",),
    "text-message": ("text", "texts", "SMS", "短信"),
    "postcard": ("明信片",),
    "announcement": ("公告", "通知"),
    "reminder": ("提醒",),
    "thank-you-card": ("thank-you note", "card", "cards", "感谢卡"),
    "story": ("story", "stories", "小故事", "故事"),
    "reply": ("answer", "answers", "回复"),
    "letter": ("letter", "信"),
}
READER_WORDS = {
    "boss": ("老板",),
    "friend": ("朋友",),
    "mother": ("mum", "mom", "family", "妈妈", "母亲", "家人"),
    "team": ("团队",),
    "customer": ("customers", "客户", "顾客"),
    "doctor": ("医生",),
    "neighbour": ("neighbor", "邻居"),
    "teacher": ("老师",),
    "sister": ("family", "姐姐", "妹妹", "家人"),
    "landlord": ("房东",),
    "coach": ("教练",),
    "grandmother": ("grandma", "granny", "family", "奶奶", "外婆", "家人"),
}


def files() -> dict[str, str]:
    """Return the text of every file, by name."""
    return {
        "prompts.jsonl": _lines(_prompts()),
        "probes.jsonl": _lines(_pool()),
        "comments.jsonl": _lines(_comment(comment) for comment in COMMENTS),
        "heldout.jsonl": _lines(_heldout()),
        "known.json": json.dumps(_known(), indent=1, ensure_ascii=False) + "\n",
    }


def _lines(records: Iterable[Record]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _prompts() -> Iterable[Record]:
    """Training prompts of many genres and topics, to some reader each."""
    rng = Random("prompts")
    pairs = [(genre, topic) for genre in GENRES for topic in topics()]
    for genre, topic in sorted(rng.sample(pairs, PROMPTS), key=pairs.index):
        yield _record(_some(rng, lambda t, g=genre, o=topic: t.genre == g and t.topic == o), rng)  # type: ignore[misc]


def _pool() -> Iterable[Record]:
    """All held-out triples in two wordings, and a training prompt for every reader and topic, for comments of one's own."""
    rng = Random("probes")
    for triple in test_triples():
        for wording in rng.sample(ASKED, 2):
            yield _record(triple, rng, wording=wording)
    for reader in READERS:
        for topic in topics():
            yield _record(_some(rng, lambda t, r=reader, o=topic: t.reader == r and t.topic == o), rng)  # type: ignore[misc]


def _heldout() -> Iterable[Record]:
    """Held-out triples with a text of the grammar's: what a model should still find as likely after learning."""
    rng = Random("heldout")
    for triple in sorted(rng.sample(test_triples(), HELDOUT)):
        record = _record(triple, rng)
        yield {"prompt": record["prompt"], "family": record["family"], "response": render(compose(triple, rng))}


def _some(rng: Random, wanted: Callable[[Triple], bool]) -> Triple:
    return rng.choice([triple for triple in training_triples() if wanted(triple)])


def _comment(comment: Standing) -> Record:
    rng = Random(comment.id)
    inside = _both(rng, [triple for triple in triples() if comment.holds(triple)])
    alike = {comment.rest(triple) for triple in inside}
    others = [triple for triple in triples() if not comment.holds(triple)]
    near = _both(rng, [triple for triple in others if comment.rest(triple) in alike])
    out = _both(rng, [triple for triple in others if comment.rest(triple) not in alike])
    probes = {
        scope: [_record(triple, rng) for triple in found] for scope, found in (("in", inside), ("near", near), ("out", out))
    }
    return {
        "id": comment.id,
        "text": comment.text,
        "scope_text": comment.scope_text,
        "check": comment.check,
        "probes": probes,
    }


def _both(rng: Random, found: Sequence[Triple]) -> list[Triple]:
    """Draw training triples, then held-out ones."""
    train = [triple for triple in found if not held_out(triple)]
    test = [triple for triple in found if held_out(triple)]
    return rng.sample(train, min(TRAIN_PROBES, len(train))) + rng.sample(test, min(TEST_PROBES, len(test)))


def _record(triple: Triple, rng: Random, *, wording: str | None = None) -> Record:
    number = WORDINGS.index(wording or rng.choice(ASKED))
    split = "test" if held_out(triple) else "train"
    text = word(triple, WORDINGS[number], rng)
    return {"prompt": text, "id": f"{triple.family}/{number}", "family": triple.family, "split": split}


def _known() -> Record:
    """Which words of a user name which part of a family."""
    genres = {key: [genre.many, genre.one.split(" ", 1)[1], *GENRE_WORDS.get(key, ())] for key, genre in GENRES.items()}
    readers = {key: [reader.who.split(" ", 1)[1], *READER_WORDS.get(key, ())] for key, reader in READERS.items()}
    said = {
        key: dict.fromkeys([*topic.phrases, *(phrase.split(" ", 1)[1] for phrase in topic.phrases)])
        for key, topic in topics().items()
    }
    often = Counter(word for words in said.values() for word in words)
    about = {key: [word for word in words if often[word] == 1] for key, words in said.items()}  # `night` names two
    return {"family": ["genre", "reader", "topic"], "genre": genres, "reader": readers, "topic": about}


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=FOLDER)
    folder = parser.parse_args().to
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(f"{folder / name}: {len(text.splitlines())} lines")


if __name__ == "__main__":
    main()
