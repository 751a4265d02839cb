"""Write episodes as chat messages, a JSON object a line: `python recipes/teachable/stream.py --out FILE --episodes N`.

The lines are in the order in which they are to be read: the first part teaches to copy (episodes.STAGES). Beside `messages`
stand `applies` (for each turn of the user) and `otherwise` (for each answer), which learn.py reads.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from recipes.teachable.episodes import Episode, episodes


def messages(episode: Episode) -> list[dict[str, str]]:
    """Return an episode as Hugging Face chat messages."""
    return [{"role": turn.role, "content": turn.content} for turn in episode.messages]


def line(episode: Episode) -> dict[str, Any]:
    """Return an episode as a line of the file."""
    return {"messages": messages(episode), "applies": episode.applies, "otherwise": episode.otherwise}


def write(path: Path, count: int, seed: int, *, curriculum: bool = True) -> Counter[str]:
    """Write the first `count` episodes of a seed, and return how many there are of each kind."""
    kinds: Counter[str] = Counter()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        for episode in islice(episodes(seed, count=count if curriculum else 0), count):
            file.write(json.dumps(line(episode), ensure_ascii=False) + "\n")
            kinds[episode.kind] += 1
    partial.replace(path)
    return kinds


def write_texts(path: Path, count: int, seed: int) -> None:
    """Write plain texts, `{"text": …}` a line: the answers of plain episodes, to learn the language from first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    answers = (episode.messages[-1].content for episode in episodes(seed) if episode.kind == "plain")
    with partial.open("w", encoding="utf-8") as file:
        for text in islice(answers, count):
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    partial.replace(path)


def main() -> None:
    """Write the file that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--late", action="store_true", help="the last stage throughout")
    parser.add_argument("--texts", action="store_true", help="plain texts in place of conversations")
    given = parser.parse_args()
    if given.texts:
        write_texts(given.out, given.episodes, given.seed)
        return
    kinds = write(given.out, given.episodes, given.seed, curriculum=not given.late)
    print(f"{given.out}: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))


if __name__ == "__main__":
    main()
