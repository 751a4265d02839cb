"""The real-model example as a user runs it, with fewer steps than its round asks for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import mean

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "tinytalk"


@pytest.mark.slow
def test_a_short_round_moves_a_real_model_towards_its_comments(shared: Path, tmp_path: Path):
    folder = tmp_path / "tinytalk"
    folder.mkdir()
    for name in ("round.yaml", "comments.jsonl"):
        shutil.copy(EXAMPLE / name, folder / name)
    model = shared / "models" / "tinytalk3m"
    subprocess.run([sys.executable, str(EXAMPLE / "prompts.py"), str(model), str(folder / "data")], check=True)
    sayso = [sys.executable, "-c", "from sayso.cli.main import main; main()"]
    less = ["train.max_steps=60", "evaluate.max_probes=20", f"model_name_or_path={model}"]
    given = [word for setting in less for word in ("--set", setting)]
    done = subprocess.run(
        [*sayso, "loop", str(folder / "round.yaml"), "--json", *given], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode in (0, 3, 4), done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["verdict"] in ("promote", "refuse", "unsure")
    assert [take["id"] for take in found["comments"]] == ["help", "plans", "compliments", "thanks", "bad_news", "bedtime"]
    assert mean(take["gain"] for take in found["comments"]) > 0.3
    assert max(abs(take["drift"]) for take in found["comments"]) < 0.3
    assert Path(found["report"]).is_file()
    assert found["heldout"]["tokens"] > 1000
