"""How long until the command line answers: the median of some fresh processes, in seconds.

python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from time import perf_counter

RUNS = 9
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import sayso": ["-c", "import sayso"],
    "sayso --help": ["-c", "from sayso.cli.main import main; main()", "--help"],
    "import sayso.web.serving": ["-c", "import gc; gc.disable(); import sayso.loop.workspace, sayso.web.serving"],
    "sayso learn --help": ["-c", "from sayso.cli.main import main; main()", "learn", "--help"],
}


def seconds(arguments: list[str]) -> float:
    """Return the median time of a fresh process."""
    times = []
    for _ in range(RUNS):
        started = perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    for name, arguments in COMMANDS.items():
        print(f"{name:22} {seconds(arguments):.3f} s")
