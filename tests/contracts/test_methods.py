"""Every method of the table holds the contract, and is documented as it is."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from tests.contracts.method import checks_of, examples, packing_changes_nothing

from sayso.methods import METHODS
from sayso.models import headed
from sayso.registry import load

ROOT = Path(__file__).resolve().parents[2]


def kind(name):
    return load(METHODS, name, kind="method")


SHORT_ANSWERS = {"max_new_tokens": 24, "num_generations": 4, "must_end": False}
"""A freshly drawn model writes on and on; four short answers a prompt are enough to compare."""
TRIED = {
    **{name: kind(name)() for name in METHODS},
    "feedback_rl": kind("feedback_rl")(**SHORT_ANSWERS),
    "critique_grpo": kind("feedback_rl")(shaping="critique_grpo", **SHORT_ANSWERS),
    "hindsight on policy": kind("hindsight")(on_policy=True, max_new_tokens=24),
}


TEACHES_CLASSIFIERS = ("rationale",)
"""Their policy is a classifier, whose classes are all that is written in the examples; its rows are never packed."""
SMALL = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
}  # fmt: skip


def policy_of(name, folder, tiny_copy):
    if name not in TEACHES_CLASSIFIERS:
        return tiny_copy()
    texts = [part.text for item in examples() for part in (item.response, item.refinement, *item.comments)]
    return headed.drawn("llama", SMALL, folder, tuple(dict.fromkeys(texts)), seed=0, device="cpu")


def tried(name):
    left_out = [packing_changes_nothing] if name in TEACHES_CLASSIFIERS else []
    return [check for check in checks_of(TRIED[name]) if check not in left_out]


QUICK = ("sft", "refine_sft", "refine_dpo", "hindsight")
"""One of each kind is tried with every change: rows alone, pairs, a teacher; the others with the slow tests."""


def _case(name, check):
    return pytest.param(name, check, id=f"{check.__name__}-{name}", marks=[] if name in QUICK else [pytest.mark.slow])


@pytest.mark.parametrize(("name", "check"), [_case(name, check) for name in TRIED for check in tried(name)])
def test_method(name, check, tiny_folder, tiny_copy):
    check(TRIED[name], lambda: policy_of(name, tiny_folder, tiny_copy))


@pytest.mark.parametrize("name", METHODS)
def test_the_page_lists_every_setting_with_its_default(name):
    page = (ROOT / "docs" / "methods" / f"{name}.md").read_text(encoding="utf-8")
    method = load(METHODS, name, kind="method")()
    table = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", page, flags=re.MULTILINE))
    assert table == {field.name: str(getattr(method, field.name)) for field in dataclasses.fields(method)}


def test_every_file_of_the_room_is_in_the_table_and_on_the_index_page():
    files = {path.stem for path in (ROOT / "src" / "sayso" / "methods").glob("*.py")} - {"__init__"}
    assert files == set(METHODS)
    index = (ROOT / "docs" / "methods" / "index.md").read_text(encoding="utf-8")
    assert [name for name in METHODS if f"({name}.md)" not in index] == []
