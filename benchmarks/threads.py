"""How fast does training go beside another busy process, by how OpenMP's threads wait for each other?

    python benchmarks/threads.py [--shape tiny|15m|135m] [--threads 2] [--steps 3] [--rounds 2] [--busy 0 1] [--ways …]

The same training as `benchmarks/train.py` makes of ours, in a process of its own for each way to wait, in turns, alone and
beside `--busy` processes that do nothing but compute. `library` is what OpenMP does by itself; `command` is what the command
line sets (`sayso.cli.environment`), `short` that without the large pages; `sleep` does not spin at all; `single` is one
thread.

Prints one JSON object a run, and last one with medians, minima and maxima of tokens a second.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from sayso.cli.environment import settled

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.train import SHAPES, write_model

SCRIPT = Path(__file__).with_name("train.py")
WAYS: dict[str, dict[str, str]] = {
    "library": {}, "command": settled({}), "sleep": {"OMP_WAIT_POLICY": "passive"},
    "short": {"GOMP_SPINCOUNT": "1000"}, "single": {},
}  # fmt: skip
SETTINGS = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "THP_MEM_ALLOC_ENABLE")


@contextmanager
def beside(number: int) -> Iterator[None]:
    """Keep so many processors busy for the time of a block."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()


def once(way: str, busy: int, folder: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Train in another process and say how fast it went."""
    threads = 1 if way == "single" else asked.threads
    environment = {key: value for key, value in os.environ.items() if key not in SETTINGS}
    environment |= {"OMP_NUM_THREADS": str(threads), **WAYS[way]}
    command = [
        sys.executable, str(SCRIPT), "--shape", asked.shape, "--steps", str(asked.steps), "--threads", str(threads),
        "--way", "ours", "--folder", folder,
    ]  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with beside(busy):
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = json.loads(said.strip().splitlines()[-1])
    return {
        "way": way, "busy": busy, "tokens_per_second": run["tokens_per_second"], "losses": run["losses"],
        "system_seconds": after.ru_stime - before.ru_stime,
    }  # fmt: skip


def summary(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return medians of every way, alone and beside others."""
    out: dict[str, Any] = {}
    for run in found:
        out.setdefault(f"{run['way']} beside {run['busy']}", []).append(run["tokens_per_second"])
    assert len({round(run["losses"][0], 4) for run in found}) == 1, "the ways do not compute the same"
    return {name: {"median": median(of), "least": min(of), "most": max(of)} for name, of in out.items()}


def main() -> None:
    """Run every way in turns and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="15m")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["library", "command", "sleep", "single"])
    asked = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        write_model(SHAPES[asked.shape], Path(folder))
        for _ in range(asked.rounds):
            for busy in asked.busy:
                for way in asked.ways:
                    found.append(once(way, busy, folder, asked))
                    print(json.dumps(found[-1]), flush=True)
    print(json.dumps(summary(found)))


if __name__ == "__main__":
    main()
