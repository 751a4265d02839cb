"""Put a trained run into the package, in half precision: `python recipes/teachable/install.py --run DIR [--to DIR]`.

DIR is the folder of `sayso finetune` or `sayso pretrain`; of a run that is not done the newest checkpoint is taken.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from sayso.models import local  # noqa: E402
from sayso.training.engine import checkpoints  # noqa: E402

FOLDER = ROOT / "src" / "sayso" / "models" / "teachable"
KEPT = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
LIMIT_BYTES = 12_000_000


def trained(run: Path) -> tuple[local.LocalModel, Path, str]:
    """Return what a run has come to, the folder that its tokenizer lies in, and how far it came."""
    if (run / "model" / "config.json").exists():
        return local.load(run / "model", device="cpu"), run / "model", "the end"
    found = checkpoints.newest(run / "checkpoints")
    if found is None:
        raise SystemExit(f"{run}: no checkpoint; train first: recipes/teachable/make.sh")
    start = Path(json.loads((run / "settings.json").read_text(encoding="utf-8")).get("model") or "")
    model = local.load(start, device="cpu")
    model.module.load_state_dict(load_file(found.folder / "weights.safetensors"), strict=False)
    return model, start, f"step {found.step}"


def install(run: Path, folder: Path) -> str:
    """Write a run as an ordinary model folder, and return how far it came."""
    model, start, step = trained(run)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().to(torch.float16) for name, value in model.module.named_parameters()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # it is made for its owner alone
    model.module.config.dtype = "float16"
    model.module.config.save_pretrained(str(folder))
    for name in KEPT:
        (folder / name).write_bytes((start / name).read_bytes())
    size = sum(path.stat().st_size for path in folder.iterdir())
    if size > LIMIT_BYTES:
        raise SystemExit(f"{folder}: {size:,} bytes; expected at most {LIMIT_BYTES:,}, make the model smaller")
    return step


def main() -> None:
    """Install the run that was named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--to", type=Path, default=FOLDER)
    given = parser.parse_args()
    step = install(given.run, given.to)
    print(f"{given.to}: {step}, {sum(path.stat().st_size for path in given.to.iterdir()):,} bytes")


if __name__ == "__main__":
    main()
