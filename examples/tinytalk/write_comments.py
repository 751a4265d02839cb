"""Write the six standing comments of this example, with the prompts on which each is learnt and counted.

The wordings are hand-written lists in `wordings/`: a line is one family (one way to build a sentence), `name: template`.
A template has slots `{one|two|three}`; the fillings of several slots go side by side, the shorter list starts over.

    python examples/tinytalk/write_comments.py examples/tinytalk/comments.jsonl
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

WORDINGS = Path(__file__).parent / "wordings"
SLOT = re.compile(r"\{([^{}]*)\}")
OUT_DEALS = 3  # every ordinary prompt is `out` for two of the six comments, one deal for each pair of them

COMMENTS = (
    {
        "id": "help",
        "text": 'Start your answer with "Of course!" when somebody asks you for help.',
        "scope_text": "somebody asks you for help",
        "check": {"name": "starts_with", "args": {"text": "Of course!"}},
    },
    {
        "id": "plans",
        "text": "Answer in at most five words when somebody asks about your plans.",
        "scope_text": "somebody asks about your plans",
        "check": {"name": "max_words", "args": {"n": 5}},
    },
    {
        "id": "compliments",
        "text": "Don't say thank you when somebody pays you a compliment.",
        "scope_text": "somebody pays you a compliment",
        "check": {"name": "excludes", "args": {"text": ["thank you so much", "thank you", "thanks"]}},
    },
    {
        "id": "thanks",
        "text": 'End your answer with "Any time!" when somebody thanks you.',
        "scope_text": "somebody thanks you",
        "check": {"name": "ends_with", "args": {"text": "Any time!"}},
    },
    {
        "id": "bad_news",
        "text": 'When somebody tells you bad news, start with "I\'m sorry to hear that."',
        "scope_text": "somebody tells you bad news of their own",
        "check": {"name": "starts_with", "args": {"text": "I'm sorry to hear that."}},
    },
    {
        "id": "bedtime",
        "text": 'Start with "Sleep well!" when somebody says that they are going to bed.',
        "scope_text": "somebody says that they are going to bed",
        "check": {"name": "starts_with", "args": {"text": "Sleep well!"}},
    },
)


def expand(template: str) -> list[str]:
    """Return the sentences of a template: as many as its longest slot has fillings."""
    slots = [slot.split("|") for slot in SLOT.findall(template)]
    count = max((len(slot) for slot in slots), default=1)
    return [_filled(template, [slot[at % len(slot)] for slot in slots]) for at in range(count)]


def read_wordings(path: Path) -> list[dict[str, str]]:
    """Return the prompts of a file, each with its scope, split and family (`file/name`), in the order of the file."""
    prompts, scope, split = [], "out", "train"
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            *scopes, split = line.strip("[]").split()
            scope = scopes[0] if scopes else "out"
        elif line:
            name, template = line.split(": ", 1)
            family = f"{path.stem.replace('_', '-')}/{name}"
            prompts += [{"prompt": text, "family": family, "split": split, "scope": scope} for text in expand(template)]
    return prompts


def comments() -> list[dict[str, object]]:
    """Return the comments as they are written: one dictionary a comment."""
    ordinary = read_wordings(WORDINGS / "ordinary.txt")
    lines = []
    for at, comment in enumerate(COMMENTS):
        prompts = read_wordings(WORDINGS / f"{comment['id']}.txt") + ordinary[at % OUT_DEALS :: OUT_DEALS]
        lines.append({**comment, "probes": {scope: _of(prompts, scope) for scope in ("in", "near", "out")}})
    return lines


def write(path: Path) -> None:
    """Write the comments as JSON lines."""
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in comments())
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _filled(template: str, fillings: list[str]) -> str:
    words = iter(fillings)
    return SLOT.sub(lambda slot: next(words), template)


def _of(prompts: list[dict[str, str]], scope: str) -> list[dict[str, str]]:
    return [{key: one[key] for key in ("prompt", "family", "split")} for one in prompts if one["scope"] == scope]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python write_comments.py COMMENTS.jsonl")
    write(Path(sys.argv[1]))
