"""Do the round with several methods, with and without the scope guard, and print one table.

    python examples/tinytalk/run.py ../shared/models/tinytalk3m [--methods refine_sft,refine_dpo] [--no-guard]

Every line of the table is a round of its own in a workspace of its own under `--output`, from the same model and with the
same answers before training. The settings are those of round.yaml, and METHODS below for what a method needs of its own. A
method that cannot learn from these comments is named below the table, with the reason.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from sayso.errors import PreflightError

HERE = Path(__file__).parent
METHODS: dict[str, tuple[str, ...]] = {
    "refine_sft": (),
    "refine_dpo": ("train.learning_rate=0.001",),
    "hindsight": ("train.learning_rate=0.0007",),
    "scoped": ("train.learning_rate=0.0004",),
    "edit_weighted": ("train.learning_rate=0.002",),
    "conditional": ("train.learning_rate=0.0017",),
    "critique": ("train.learning_rate=0.002",),
    "polarity": ("train.learning_rate=0.0011",),
    "cut": ("train.learning_rate=0.0009",),
    "feedback_rl": ("train.learning_rate=0.0006",),
}
"""The rates of the first two were tried here; of the others only that they stand to that of `refine_sft` as those that were
found for `sayso bench takes` do (`sayso.loop.bench.tiers.SMALL_RATES`)."""
SCOPED = ("bad_news", "bedtime")
"""The two comments whose near prompts are easily confused."""


def main(arguments: Sequence[str]) -> int:
    """Run the rounds and print the table."""
    options = _options(arguments)
    _write_data(options.model, HERE / "data")
    lines, left_out = [], []
    for method in options.methods.split(","):
        for guard in (True, False) if options.no_guard else (True,):
            try:
                found = one_round(options, method, guard=guard)
            except PreflightError as error:
                left_out.append(f"{method}, guard {'on' if guard else 'off'}: {error}")
                continue
            lines.append(table_line(method, found, guard=guard))
            print(json.dumps({"method": method, "guard": guard, **found}, ensure_ascii=False), flush=True)
    print(HEAD, *lines, *left_out, sep="\n")
    return 0


def one_round(options: argparse.Namespace, method: str, *, guard: bool) -> dict[str, Any]:
    """Return the summary of a round with `method`, as `sayso loop --json` prints it."""
    import sayso
    from sayso.loop import rounds
    from sayso.loop.workspace import SETTINGS

    folder = options.output / f"{method}{'' if guard else '-no-guard'}"
    made = (folder / SETTINGS).is_file()
    workspace = sayso.open(folder) if made else sayso.init(folder, model=str(options.model))
    assignments = (
        "model_name_or_path=base", f"method={method}", f"guard.enabled={str(guard).lower()}", *METHODS[method], *options.set,
    )  # fmt: skip
    settings = workspace.settings(rounds.read(HERE / "round.yaml"), assignments=assignments)
    found = rounds.summary(rounds.run(workspace, settings))
    workspace.close()
    return found


COLUMNS = ("method", "guard", "gain", "leak", "drift", "leak of two", "drift of two", "held-out loss", "verdict", "s")
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


def table_line(method: str, found: dict[str, Any], *, guard: bool) -> str:
    """Return a round as a line of the table."""
    takes = found["comments"]
    scoped = [take for take in takes if take["id"].partition("@")[0] in SCOPED]
    heldout = found["heldout"]
    change = 100 * (heldout["loss_after"] / heldout["loss_before"] - 1)
    means = [mean(take[key] for take in takes) for key in ("gain", "leak", "drift")]
    worst = [mean(take[key] for take in scoped) for key in ("leak", "drift")]
    numbers = " | ".join(f"{value:+.2f}" for value in (*means, *worst))
    seconds = found["seconds"]["total"]
    return f"| {method} | {'on' if guard else 'off'} | {numbers} | {change:+.1f} % | {found['verdict']} | {seconds:.0f} |"


def _write_data(model: Path, folder: Path) -> None:
    sys.path.insert(0, str(HERE))
    import prompts

    prompts.main([str(model), str(folder)])


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="the folder of tinytalk3m")
    parser.add_argument("--methods", default=",".join(METHODS), help="names with commas between them")
    parser.add_argument("--no-guard", action="store_true", help="every method without the scope guard as well")
    parser.add_argument("--output", type=Path, default=HERE / "workspaces", help="where the workspaces are made")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as of sayso loop")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
