"""The data of the real-model example: what its comments and prompts must be for a take to mean anything."""

from __future__ import annotations

import json
import runpy
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from sayso.critics.checking import load_check, repair_of
from sayso.records import Check

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "tinytalk"
SCOPES = ("in", "near", "out")


@pytest.fixture(scope="module")
def comments() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / "comments.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def writer() -> dict[str, Any]:
    return runpy.run_path(str(FOLDER / "write_comments.py"))


@pytest.fixture(scope="module")
def prompts() -> dict[str, Any]:
    return runpy.run_path(str(FOLDER / "prompts.py"))


def texts(comment: dict[str, Any], scope: str, split: str | None = None) -> list[str]:
    return [probe["prompt"] for probe in comment["probes"][scope] if split in (None, probe["split"])]


def families(comment: dict[str, Any], scope: str, split: str) -> set[str]:
    return {probe["family"] for probe in comment["probes"][scope] if probe["split"] == split}


def test_there_are_six_standing_comments_with_a_scope_in_words(comments):
    assert len(comments) == 6
    assert len({comment["id"] for comment in comments}) == 6
    assert all(set(comment) == {"id", "text", "scope_text", "check", "probes"} for comment in comments)
    assert all(comment["scope_text"] in comment["text"] or comment["id"] == "bad_news" for comment in comments)


def test_the_file_is_what_the_script_writes(writer, tmp_path):
    writer["write"](tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == (FOLDER / "comments.jsonl").read_bytes()


def test_slots_are_filled_side_by_side_and_the_shorter_list_starts_over(writer):
    assert writer["expand"]("a {b|c|d} {e|f}") == ["a b e", "a c f", "a d e"]
    assert writer["expand"]("no slot") == ["no slot"]


@pytest.mark.parametrize(
    ("scope", "split", "min_prompts", "min_families"),
    [
        ("in", "train", 80, 24),
        ("in", "test", 40, 10),
        ("near", "train", 60, 20),
        ("near", "test", 40, 10),
        ("out", "train", 40, 20),
        ("out", "test", 30, 20),
    ],
)
def test_every_comment_has_enough_prompts_of_every_sort(comments, scope, split, min_prompts, min_families):
    for comment in comments:
        assert len(texts(comment, scope, split)) >= min_prompts, comment["id"]
        assert len(families(comment, scope, split)) >= min_families, comment["id"]


def test_a_family_is_wholly_for_training_or_wholly_for_testing(comments):
    splits = Counter()
    for family, split in {(p["family"], p["split"]) for c in comments for scope in SCOPES for p in c["probes"][scope]}:
        splits[family] += 1
        assert split in {"train", "test"}
    assert set(splits.values()) == {1}


def test_a_family_stands_in_one_scope_of_a_comment_only(comments):
    for comment in comments:
        for one, other in combinations(SCOPES, 2):
            mine, theirs = ({probe["family"] for probe in comment["probes"][scope]} for scope in (one, other))
            assert not mine & theirs, comment["id"]


def test_no_prompt_stands_twice_in_a_comment(comments):
    for comment in comments:
        said = Counter(text.lower() for scope in SCOPES for text in texts(comment, scope))
        assert [text for text, times in said.items() if times > 1] == []


def test_only_ordinary_prompts_are_shared_by_comments(comments):
    for one, other in combinations(comments, 2):
        own = {text.lower() for scope in ("in", "near") for text in texts(one, scope)}
        everything = {text.lower() for scope in SCOPES for text in texts(other, scope)}
        assert not own & everything, (one["id"], other["id"])


def test_prompts_are_whole_single_lines_without_template_signs(comments):
    for text in (text for comment in comments for scope in SCOPES for text in texts(comment, scope)):
        assert text == text.strip(), text
        assert not set(text) & set("{}|\n"), text
        assert text[-1] in ".!?", text
        assert text[0].isupper(), text


def test_every_check_is_one_of_ours_and_repairs_an_answer_that_fails_it(comments):
    answer = "Thank you so much, I was thinking of you the other day. What are you going to do?"
    for comment in comments:
        check = Check(name=comment["check"]["name"], args=comment["check"]["args"])
        repair = repair_of(check)
        assert not load_check(check)(answer).held, comment["id"]
        assert repair is not None
        repaired = repair(answer)
        assert repaired is not None
        assert load_check(check)(repaired).held, comment["id"]


def test_the_words_that_mark_a_scope_find_most_of_its_prompts_and_leave_ordinary_ones(comments, prompts):
    for comment in comments:
        inside = texts(comment, "in")
        assert sum(prompts["scope_of"](text) is not None for text in inside) / len(inside) > 0.4, comment["id"]
    ordinary = {text for comment in comments for text in texts(comment, "out")}
    assert sum(prompts["scope_of"](text) is None for text in ordinary) / len(ordinary) > 0.9


def test_dialogues_are_read_turn_by_turn_and_stories_left_out(prompts):
    talk = "User: Hi.\nBot: Hello.<|endoftext|>\nUser: Bye.\nBot: See you.<|endoftext|>\n"
    story = "Words: a, b\nStory: User: no.<|endoftext|>\n"
    assert prompts["dialogues"](f"{talk}\n{story}") == [[("Hi.", "Hello."), ("Bye.", "See you.")]]
    asked = list(prompts["exchanges"]([("Hi.", "Hello."), ("Bye.", "See you.")]))
    assert [len(messages) for messages, reply in asked] == [1, 3]
    assert [reply for messages, reply in asked] == ["Hello.", "See you."]


@pytest.mark.slow
def test_the_real_dialogues_become_prompts_split_by_dialogue(shared, prompts, tmp_path, capsys):
    for folder in ("once", "again"):
        prompts["main"]([str(shared / "models" / "tinytalk3m"), str(tmp_path / folder)])
    printed = capsys.readouterr().out
    lines = [json.loads(line) for line in (tmp_path / "once" / "prompts.jsonl").read_text(encoding="utf-8").splitlines()]
    heldout = [json.loads(line) for line in (tmp_path / "once" / "heldout.jsonl").read_text(encoding="utf-8").splitlines()]

    for name in ("prompts.jsonl", "heldout.jsonl"):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    splits = {(line["family"], line["split"]) for line in lines}
    assert len({family for family, split in splits}) == len(splits)
    train = [line for line in lines if line["split"] == "train"]
    assert len(train) >= 400
    assert 0.6 < sum(split == "train" for family, split in splits) / len(splits) < 0.8
    assert {len(line["messages"]) for line in lines} > {1, 3}
    assert all(line["messages"][-1]["role"] == "user" for line in [*lines, *heldout])
    assert all(line["response"] for line in heldout)
    tested = {json.dumps(line["messages"]) for line in lines if line["split"] == "test"}
    assert {json.dumps(line["messages"]) for line in heldout} == tested
    assert not tested & {json.dumps(line["messages"]) for line in train}
    assert not any(prompts["scope_of"](line["messages"][-1]["content"]) for line in train)
    assert "too long" in printed
    assert "in scope of bad_news" in printed
