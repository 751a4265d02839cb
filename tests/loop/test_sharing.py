"""Several processes share what a round writes, learns and scores: one answer, one record, the figures of one process."""

from __future__ import annotations

import shutil

import pytest
from tests.loop import sharing
from tests.loop.conftest import write_round
from tests.training.many import together

CLOSE = 1e-5


@pytest.mark.slow
def test_two_processes_do_the_round_of_one(tiny_folder, tmp_path):
    shutil.copytree(tiny_folder, tmp_path / "model")
    write_round(tmp_path / "round", tmp_path / "model")
    alone = sharing.a_round(tmp_path)
    first, second = together("tests.loop.sharing:a_round", tmp_path)
    assert first["kept"]["refinements"], "the model wrote something that was kept"
    for found in (first, second):
        assert found["kept"] == alone["kept"]
        assert found["outcomes"] == alone["outcomes"]
        heldout, expected = found["round"].pop("heldout"), dict(alone["round"]["heldout"])
        assert heldout == pytest.approx(expected, abs=1e-4)
        assert found["round"] == {key: value for key, value in alone["round"].items() if key != "heldout"}


@pytest.mark.slow
def test_two_processes_score_what_one_scores(tiny_folder, tmp_path):
    shutil.copytree(tiny_folder, tmp_path / "model")
    alone = sharing.scores(tmp_path)
    for found in together("tests.loop.sharing:scores", tmp_path):
        assert (found["answers"], found["labels"], found["told"]) == (alone["answers"], alone["labels"], alone["told"])
        assert dict(found["metrics"]) == pytest.approx(dict(alone["metrics"]), abs=CLOSE)
        assert found["sureness"] == pytest.approx(alone["sureness"], abs=CLOSE)
        assert found["heldout"].tokens == alone["heldout"].tokens
        assert found["heldout"].loss == pytest.approx(alone["heldout"].loss, abs=CLOSE)
        for one, other in zip(found["probabilities"], alone["probabilities"], strict=True):
            assert one == pytest.approx(other, abs=CLOSE)
