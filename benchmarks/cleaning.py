"""How fast texts are cleaned: megabytes a second of each step alone, of the rules, and of a whole run from file to shards.

python benchmarks/cleaning.py FILES… [--megabytes 20] [--workers 1] [--json]

FILES are whatever `sayso data clean` reads. Steps are timed by processor time, the whole run by the clock.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sayso.text.cleaning import characters, cleaner, language, markup, masking, quality, web
from sayso.text.cleaning.cleaner import Cleaning
from sayso.text.cleaning.language import Languages
from sayso.text.cleaning.masking import Masking
from sayso.text.cleaning.quality import Gopher
from sayso.text.cleaning.web import C4
from sayso.text.files import runs, streams
from sayso.text.files.streams import Reading

MASKING, LANGUAGES, GOPHER, C4_RULES, CLEANER = Masking(), Languages(), Gopher(), C4(), cleaner.Cleaner(Cleaning())
STEPS: dict[str, Callable[[str], object]] = {
    "html (is it?)": markup.looks_like_html,
    "html (always)": markup.text_of,
    "encoding": characters.repaired,
    "controls": characters.without_controls,
    "normal": characters.normal,
    "full_width": characters.half_width,
    "script": partial(characters.in_script, script="simplified"),
    "spaces": characters.spaced,
    "private": partial(masking.masked, settings=MASKING),
    "language": partial(language.detect, settings=LANGUAGES),
    "gopher": partial(quality.refusal, rules=GOPHER),
    "c4": lambda text: web.refusal(web.sentences_only(text, C4_RULES), C4_RULES),
    "all usual steps": CLEANER.text,
}


def gathered(files: list[str], most: int) -> list[str]:
    """The first megabytes of the files' texts."""
    texts: list[str] = []
    size = 0
    for record in streams.records(streams.sources(files)):
        for _place, text in cleaner.texts_of(record, (streams.TEXT,)):
            texts.append(text)
            size += len(text.encode())
        if size >= most:
            break
    return texts


def speed(step: Callable[[str], object], texts: list[str]) -> float:
    """Megabytes a second of processor time; the first text is not counted, since libraries load with it."""
    step(texts[0])
    begun = time.process_time()
    for text in texts:
        step(text)
    return sum(len(text.encode()) for text in texts) / 1e6 / max(1e-9, time.process_time() - begun)


def whole(files: list[str], workers: int) -> dict[str, float]:
    """A whole run: from the files to shards."""
    plan = runs.Plan(
        make=partial(cleaner.Cleaner, Cleaning()), found=streams.sources(files), reading=Reading(), writing=runs.Writing(),
        workers=workers,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        done = runs.run(plan, Path(folder) / "out", key=runs.key_of("clean", plan, Cleaning()))
        seconds = time.perf_counter() - begun
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    megabytes = done.tally.bytes_in / 1e6
    return {
        "megabytes": megabytes,
        "seconds": seconds,
        "megabytes_a_second": megabytes / seconds,
        "peak_megabytes": peak / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--megabytes", type=float, default=20.0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    texts = gathered(given.files, int(given.megabytes * 1e6))
    steps = {name: speed(step, texts) for name, step in STEPS.items()}
    run = whole(given.files, given.workers)
    for name, found in steps.items():
        print(f"{name:<18}{found:>10.1f} MB/s")
    print(f"whole run, {given.workers} workers: {run['megabytes']:.1f} MB in {run['seconds']:.1f} s,", end=" ")
    print(f"{run['megabytes_a_second']:.1f} MB/s, at most {run['peak_megabytes']:.0f} MB of memory")
    if given.json:
        print(json.dumps({"texts": len(texts), "steps": steps, "whole": run}))


if __name__ == "__main__":
    main()
