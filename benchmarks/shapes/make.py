"""Run what six published figures show, on the small model that comes with sayso, and draw them.

    python benchmarks/shapes/make.py --out shapes                 # six comments: 37 minutes of one core
    python benchmarks/shapes/make.py --out shapes --size large    # sixteen comments, twice the steps
    python benchmarks/shapes/make.py --out shapes --only 4,8      # some figures
    python benchmarks/shapes/make.py --out shapes --dry-run       # what is left, and about how long it takes
    python benchmarks/shapes/make.py --out shapes --draw          # draw again what is there

Stopped, the same command goes on: every finished unit has its file. Shapes are compared, not sizes; see README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.shapes import reading  # noqa: E402
from benchmarks.shapes.units import SIZES, Shop, Unit, do, done, units  # noqa: E402

from sayso.loop import demo  # noqa: E402
from sayso.loop.bench import suite  # noqa: E402
from sayso.loop.processes import in_processes  # noqa: E402
from sayso.loop.workspace import write_whole  # noqa: E402

SECONDS = {
    "base": 2, "drafts": 8, "plane": 9, "curve": 6, "cut": 8, "tokens": 2, "advantage": 2, "control": 15, "sequence": 150,
}  # fmt: skip
"""About how long a unit of the size `small` takes on one core; a run that is under way knows better."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and draw."""
    given = _parser().parse_args(arguments)
    shop = Shop(model=str(given.model or demo.model()), folder=given.out, size=SIZES[given.size])
    _same(shop)
    planned = units(suite.load(), shop.size)
    wanted = {"untaught", *(given.only.split(",") if given.only else planned)}
    unknown = wanted - set(planned)
    if unknown:
        print(f"--only: no figure {', '.join(sorted(unknown))}; expected some of {', '.join(planned)}", file=sys.stderr)
        return 2
    left = {
        name: [unit for unit in some if not shop.place(unit).is_file()] for name, some in planned.items() if name in wanted
    }
    seconds = sum(SECONDS[unit.kind] for some in left.values() for unit in some) / given.workers
    print(f"{sum(map(len, left.values()))} units are left, about {seconds / 60:.0f} minutes with {given.workers} workers")
    if given.dry_run:
        return 0
    if not given.draw:
        write_whole(shop.folder / "run.json", json.dumps(_mark(shop)) + "\n")
        for name, some in left.items():
            _work(shop, name, some, given.workers)
    there = {name: len(list(done(shop, some))) == len(some) for name, some in planned.items()}
    for line in reading.write(shop, [name for name, whole in there.items() if whole and name != "untaught"]):
        print(line)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="where units, figures and sentences are kept")
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--model", help="a folder; otherwise the model that comes with sayso")
    parser.add_argument("--only", default="", help="figures with commas between them")
    parser.add_argument("--workers", type=int, default=max(1, min(4, len(os.sched_getaffinity(0)))))
    parser.add_argument("--draw", action="store_true", help="run nothing, draw what is there")
    parser.add_argument("--dry-run", action="store_true")
    return parser


def _mark(shop: Shop) -> dict[str, object]:
    return json.loads(json.dumps({"model": shop.model, **asdict(shop.size)}))  # type: ignore[no-any-return]


def _same(shop: Shop) -> None:
    """Stop where the folder holds a run of another size or model."""
    shop.folder.mkdir(parents=True, exist_ok=True)
    path = shop.folder / "run.json"
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != _mark(shop):
        sys.exit(f"{shop.folder} holds a run of another size or model; name another folder with --out")


def _work(shop: Shop, name: str, some: Sequence[Unit], workers: int) -> None:
    started, total = time.perf_counter(), len(some)
    pieces = in_processes(partial(do, shop), some, workers, begin=_one_thread, given=())
    for number, unit in enumerate(pieces, start=1):
        spent = time.perf_counter() - started
        print(f"{name}: {number}/{total} {unit.file}, {spent / number * (total - number):.0f} s left", flush=True)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


if __name__ == "__main__":
    sys.exit(main())
