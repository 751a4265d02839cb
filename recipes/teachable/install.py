"""Put a trained run into the package, in half precision: `python recipes/teachable/install.py --run DIR [--to DIR]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from sayso.models import local  # noqa: E402
from sayso.training import checkpoints  # noqa: E402

FOLDER = ROOT / "src" / "sayso" / "models" / "teachable"
KEPT = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
LIMIT_BYTES = 6_000_000


def install(run: Path, folder: Path) -> int:
    """Write the newest checkpoint of a run as an ordinary model folder, and return after how many steps it was taken."""
    found = checkpoints.newest(run / "checkpoints")
    if found is None:
        raise SystemExit(f"{run}: no checkpoint; train first: python recipes/teachable/train.py --out {run}")
    model = local.load(run / "start")
    model.module.load_state_dict(load_file(found.folder / "weights.safetensors"), strict=False)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.to(torch.float16) for name, value in model.module.named_parameters()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # it is made for its owner alone
    model.module.config.dtype = "float16"
    model.module.config.save_pretrained(str(folder))
    for name in KEPT:
        (folder / name).write_bytes((run / "start" / name).read_bytes())
    size = sum(path.stat().st_size for path in folder.iterdir())
    if size > LIMIT_BYTES:
        raise SystemExit(f"{folder}: {size:,} bytes; expected at most {LIMIT_BYTES:,}, make the model smaller")
    return found.step


def main() -> None:
    """Install the run that was named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--to", type=Path, default=FOLDER)
    given = parser.parse_args()
    step = install(given.run, given.to)
    print(f"{given.to}: step {step}, {sum(path.stat().st_size for path in given.to.iterdir()):,} bytes")


if __name__ == "__main__":
    main()
