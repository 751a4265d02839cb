"""Write docs/performance.md from the newest file of benchmarks/results/, or check that it says what that holds.

python tools/performance.py [--check]

A line of such a file, named by its day, is {"command", "result"}: what a benchmark printed last. The first is {"machine"}.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS, PAGE = ROOT / "benchmarks" / "results", ROOT / "docs" / "performance.md"
Figure = tuple[str, tuple[str, ...], str]
"""What a figure says, where it stands in the result, and how it is written."""
TIMES, SHARE, PLAIN = "{:.2f} ×", "{:.2f}", "{:,.0f}"

FIGURES: dict[str, tuple[str, Sequence[Figure]]] = {
    "train.py": ("A step of fine-tuning, all weights, beside TRL", (
        ("tokens a second", ("ways", "ours", "tokens_per_second"), PLAIN),
        ("speed against TRL as it comes", ("speedup_vs_trl",), TIMES),
        ("memory against that", ("memory_vs_trl",), SHARE),
        ("speed against TRL tuned for a processor", ("speedup_vs_trl_tuned",), TIMES),
        ("memory against that", ("memory_vs_trl_tuned",), SHARE),
        ("speed against that in bfloat16", ("speedup_vs_trl_tuned_bf16",), TIMES),
        ("share of the machine's matrix product", ("of_ceiling",), SHARE),
    )),
    "two_contexts.py": ("Pairs, hindsight and self-distillation beside TRL", (
        ("DPO: speed against TRL as it comes", ("dpo", "speedup_vs_trl"), TIMES),
        ("from the second epoch on, the reference being remembered", ("dpo", "speedup_again_vs_trl"), TIMES),
        ("memory against TRL as it comes", ("dpo", "memory_vs_trl"), SHARE),
        ("DPO: speed against TRL like for like", ("dpo", "speedup_vs_trl_alike"), TIMES),
        ("`hindsight`: time against `sft` on the same rows", ("hindsight", "times_of_sft"), SHARE),
        ("from the second epoch on", ("hindsight", "times_of_sft_again"), SHARE),
        ("time against `sft` in float32, as `hindsight` is", ("hindsight", "times_of_sft_alike"), SHARE),
        ("from the second epoch on", ("hindsight", "times_of_sft_alike_again"), SHARE),
        ("self-distillation: speed against TRL's trainer as it comes", ("sdpo", "speedup_vs_trl"), TIMES),
        ("self-distillation: speed like for like", ("sdpo", "speedup_vs_trl_alike"), TIMES),
    )),
    "generation.py": ("Writing beside transformers' `generate` at its best batch size", (
        ("tokens a second", ("tokens_per_second", "ours", "median"), PLAIN),
        ("speed, equal greedy tokens", ("speedup_vs_peer",), TIMES),
        ("speed in 8 bits", ("speedup_vs_peer_int8",), TIMES),
        ("share of tokens that 8 bits change, random weights", ("changed_by_int8", "tokens"), SHARE),
    )),
    "scoring.py": ("Scoring a corpus beside lm-eval", (
        ("tokens a second", ("tokens_per_second", "ours", "median"), PLAIN),
        ("speed against its best batch size", ("speedup_vs_peer",), TIMES),
        ("speed against batches of 16", ("speedup_vs_peer_16",), TIMES),
    )),
    "planning.py": ("What `sayso plan` foresees against what was taken", (
        ("settings", ("settings",), PLAIN),
        ("seconds within 20 %", ("seconds_within_20_percent",), PLAIN),
        ("the worst, foreseen over taken", ("seconds_worst",), SHARE),
        ("memory within 20 %", ("memory_within_20_percent",), PLAIN),
        ("the worst, foreseen over taken", ("memory_worst",), SHARE),
    )),
    "scaling.py": ("What grows with the rows", (
        ("start of training on a million rows, seconds", ("start_seconds",), "{:.1f}"),
        ("speed, most over least of all sizes", ("tokens_per_second_range",), SHARE),
        ("memory, most over least of all sizes", ("memory_range",), SHARE),
    )),
}  # fmt: skip


def main(arguments: Sequence[str] = ()) -> int:
    """Write the page, or with --check say whether it is fresh."""
    text = page(newest())
    if "--check" in arguments:
        fresh = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        print("performance: fresh" if fresh else "performance: run python tools/performance.py")
        return 0 if fresh else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


def newest() -> Path:
    """Return the file of the last day."""
    return max(RESULTS.glob("*.jsonl"))


def page(path: Path) -> str:
    """Return the page of one day's results."""
    machine, *measured = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    about = (
        f"Measured on {path.stem}, {machine['machine']}. Each ratio is taken in one run, in turns, on the same work; what "
        "both sides compute is compared there. [What the engine does](how-to/engine.md)."
    )
    parts = ["# How fast", about]
    for item in measured:
        heading, figures = FIGURES[item["command"].split()[1].rpartition("/")[2]]
        rows = [f"| {words} | {value} |" for words, value in written(item["result"], figures)]
        table = "\n".join(["| | |", "|---|---:|", *rows])
        again = f"## {heading}" in parts
        parts += [*([] if again else [f"## {heading}"]), f"`{item['command']}`", table]
    return "\n\n".join(parts) + "\n"


def written(result: Mapping[str, Any], figures: Sequence[Figure]) -> Iterator[tuple[str, str]]:
    """Yield each figure that a result has, in words."""
    for words, keys, form in figures:
        value: Any = result
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            yield words, form.format(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
