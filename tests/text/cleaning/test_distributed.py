"""The same steps over batches of columns, by hand and by Ray Data."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sayso.errors import RecordError
from sayso.text.cleaning import cleaner
from sayso.text.cleaning.cleaner import Cleaning
from sayso.text.cleaning.distributed import stage


def test_a_batch_is_cleaned_and_dropped_rows_are_gone_from_every_column() -> None:
    batch = {"text": np.array(["a  b", " ", "schÃ¶n"]), "id": np.array([1, 2, 3]), "tags": [["x"], ["y"], ["z"]]}
    done = stage()(batch)
    assert done["text"].tolist() == ["a b", "schön"]
    assert done["id"].tolist() == [1, 3]
    assert done["tags"].tolist() == [["x"], ["z"]]


def test_turns_are_texts_too_and_settings_hold() -> None:
    turns = [{"role": "user", "content": "a  b mei@example.com"}]
    done = stage(Cleaning(private="keep"))({"messages": [turns]})
    assert done["messages"].tolist() == [[{"role": "user", "content": "a b mei@example.com"}]]


def test_an_empty_batch_stays_empty_and_a_batch_without_text_is_refused() -> None:
    assert stage()({}) == {}
    assert stage()({"text": np.array([], dtype=str)})["text"].tolist() == []
    with pytest.raises(RecordError, match="row 1 of a batch: found the fields none"):
        stage()({"body": np.array(["a"])})


RAY = """
import json, sys
import ray
from sayso.text.cleaning.distributed import stage
ray.init(num_cpus=1, include_dashboard=False, _node_ip_address="127.0.0.1", logging_level="error")
ray.data.DataContext.get_current().enable_progress_bars = False
found = ray.data.read_json(sys.argv[1]).map_batches(stage()).take_all()
print(json.dumps(sorted(row["text"] for row in found)))
"""


@pytest.mark.slow
def test_ray_data_gives_what_one_machine_gives(tmp_path: Path) -> None:
    texts = [f"Text  {number} of mei{number}@example.com" for number in range(50)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", RAY, str(tmp_path / "a.jsonl")], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.strip().splitlines()[-1]) == sorted(str(cleaner.clean(text)) for text in texts)
