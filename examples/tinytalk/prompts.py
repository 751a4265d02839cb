"""Write prompts and held-out text from the model's own held-out dialogues, which stay where they are.

    python examples/tinytalk/prompts.py MODEL_FOLDER OUT_FOLDER

reads `chat_val.txt` (and the tokenizer) in MODEL_FOLDER and writes `prompts.jsonl` (what the model is asked, one or more
turns) and `heldout.jsonl` (real replies, of the test dialogues) to OUT_FOLDER. A dialogue is one family: all of its turns
are for learning or all are for testing.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

MAX_TOKENS = 150
TRAIN_SHARE = 0.7
END = "<|endoftext|>"
TURN = re.compile(r"^User: (.*?)\nBot: (.*?)(?:" + re.escape(END) + r"|\Z)\n?", re.DOTALL | re.MULTILINE)
IN_SCOPE = {  # words that put the user's last turn in, or too near, the scope of a comment: no anchor is wanted there
    "help": r"\bhelp\b|\b(a|your) (hand|favor)\b|^(can|could|would|will) you\b"
    r"|\b(can|could|would) you (please|show|teach|lend|explain)\b",
    "plans": r"\bplans?\b|\bweekend\b|\bare you (busy|free|going|doing)\b|\bwhat are you (up to|planning)\b"
    r"|\bwhat (will|do) you .*(tonight|tomorrow)",
    "compliments": r"\b(love|like|admire) (your|that)\b|\byou look\b|\bproud of you\b|\b(great|good|nice) (job|work)\b"
    r"|\byour? .*\b(beautiful|amazing|wonderful|lovely|delicious|talented)\b"
    r"|\byou('re| are) (so|such|really|the best|a great|amazing|very)\b",
    "thanks": r"\bthank(s| you)\b|\bappreciate\b|\bgrateful\b",
    "bad_news": r"\b(lost|died|stole|stolen|broken?|failed|fired|sick|hurts?|hospital|accident|cancer|divorce|cancelled)\b"
    r"|\b(missed|terrible|awful|passed away)\b|\bi can't find\b|\bi feel (so )?(bad|sad|sick)\b"
    r"|\bi('m| am) (so )?(sad|upset|scared|depressed)\b",
    "bedtime": r"\b(bed|bedtime|sleep|sleepy|good ?night|nap|tired)\b",
}


def dialogues(text: str) -> list[list[tuple[str, str]]]:
    """Return the dialogues of the file as (user, bot) turns; the stories are left out."""
    blocks = (block for block in text.split("\n\n") if block.startswith("User:"))
    return [[(user.strip(), bot.strip()) for user, bot in TURN.findall(block)] for block in blocks]


def split_of(turns: list[tuple[str, str]]) -> str:
    """Return `train` or `test`: decided by what the dialogue says, the same on every machine."""
    digest = hashlib.sha256(json.dumps(turns).encode()).digest()
    return "train" if int.from_bytes(digest[:4], "big") / 2**32 < TRAIN_SHARE else "test"


def exchanges(turns: list[tuple[str, str]]) -> Iterator[tuple[list[dict[str, str]], str]]:
    """Yield each prompt of a dialogue, all turns up to one of the user's, with the real reply."""
    messages: list[dict[str, str]] = []
    for user, bot in turns:
        messages = [*messages, {"role": "user", "content": user}]
        yield messages, bot
        messages = [*messages, {"role": "assistant", "content": bot}]


def scope_of(text: str) -> str | None:
    """Return the comment whose scope a user's turn seems to fall in, by its words."""
    plain = text.replace("’", "'")
    return next((name for name, words in IN_SCOPE.items() if re.search(words, plain, re.IGNORECASE)), None)


def collect(text: str, tokenizer: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Counter[str]]:
    """Return the prompts, the held-out lines, and how many prompts were kept and dropped, and why."""
    prompts, heldout, counts, seen = [], [], Counter(), set()
    for number, turns in enumerate(dialogues(text)):
        split = split_of(turns)
        for messages, reply in exchanges(turns):
            asked = {"messages": messages, "family": f"dialogue-{number}", "split": split}
            reason = _reason(messages, split, tokenizer, seen)
            counts[reason or split] += 1
            if reason is None:
                prompts.append(asked)
                if split == "test":
                    heldout.append({"messages": messages, "response": reply})
    return prompts, heldout, counts


def write(path: Path, lines: list[dict[str, Any]]) -> None:
    """Write JSON lines under a temporary name, then rename."""
    part = path.with_name(path.name + ".part")
    part.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    part.replace(path)


def _reason(messages: list[dict[str, str]], split: str, tokenizer: Any, seen: set[str]) -> str | None:
    """Return why a prompt is dropped, if it is."""
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    if text in seen:
        return "said before"
    seen.add(text)
    if len(tokenizer(text)["input_ids"]) > MAX_TOKENS:
        return "too long"
    scope = scope_of(messages[-1]["content"])
    return f"in scope of {scope}" if scope and split == "train" else None


def main(arguments: list[str]) -> None:
    """Write both files and print the counts."""
    if len(arguments) != 2:
        sys.exit("usage: python prompts.py MODEL_FOLDER OUT_FOLDER")
    source, target = map(Path, arguments)
    tokenizer = AutoTokenizer.from_pretrained(source)
    prompts, heldout, counts = collect((source / "chat_val.txt").read_text(encoding="utf-8"), tokenizer)
    target.mkdir(parents=True, exist_ok=True)
    write(target / "prompts.jsonl", prompts)
    write(target / "heldout.jsonl", heldout)
    for name, count in sorted(counts.items()):
        print(f"{count:5} {name}")


if __name__ == "__main__":
    main(sys.argv[1:])
