"""The demo's files: written by the script that is kept, countable, and never learnt from where they test."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice

import pytest
from recipes.teachable.demo_data import COMMENTS, FOLDER, files
from recipes.teachable.episodes import episodes
from recipes.teachable.world import Triple, held_out

from sayso.critics.checking import load_check
from sayso.records import Check

NAMES = ("prompts.jsonl", "probes.jsonl", "comments.jsonl", "heldout.jsonl", "known.json")


def records(name: str) -> list[dict]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def comments() -> list[dict]:
    return records("comments.jsonl")


def every_prompt() -> list[dict]:
    probes = [probe for comment in records("comments.jsonl") for found in comment["probes"].values() for probe in found]
    return [*records("prompts.jsonl"), *records("probes.jsonl"), *probes]


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return files()


def test_the_shipped_files_are_those_the_script_writes(written):
    assert files() == written
    for name, text in written.items():
        assert text == (FOLDER / name).read_text(encoding="utf-8"), name


def test_what_is_written_anew_keeps_what_the_demo_needs(written):
    prompts = [json.loads(line) for line in written["prompts.jsonl"].splitlines()]
    assert len({prompt["id"] for prompt in prompts}) == len(prompts) == 400
    assert len(written["heldout.jsonl"].splitlines()) == 350
    pool = prompts + [json.loads(line) for line in written["probes.jsonl"].splitlines()]
    for part in (0, 1):
        for split in ("train", "test"):
            counts = Counter(prompt["family"].split("/")[part] for prompt in pool if prompt["split"] == split)
            assert min(counts.values()) >= 30
    for comment in (json.loads(line) for line in written["comments.jsonl"].splitlines()):
        for probes in comment["probes"].values():
            splits = [probe["split"] for probe in probes]
            assert splits.count("test") >= 30
            assert splits.count("train") >= 40


def test_a_split_is_that_of_the_triple():
    for prompt in every_prompt():
        triple = Triple(*prompt["family"].split("/"))
        assert prompt["split"] == ("test" if held_out(triple) else "train")
        assert prompt["id"].startswith(prompt["family"])


def test_nothing_that_tests_is_in_the_training_stream():
    tested = {prompt["family"] for prompt in every_prompt() if prompt["split"] == "test"}
    trained = {triple.family for episode in islice(episodes(0), 2000) for triple in episode.triples}
    assert len(tested) > 300
    assert not tested & trained


def test_the_prompts_to_learn_from_are_about_four_hundred_and_of_training_triples():
    found = records("prompts.jsonl")
    assert len(found) == len({prompt["id"] for prompt in found}) == 400
    assert {prompt["split"] for prompt in found} == {"train"}


def test_there_are_three_comments_each_with_enough_probes_of_each_scope(comments):
    assert len(comments) == 3
    for comment in comments:
        for found in comment["probes"].values():
            splits = [probe["split"] for probe in found]
            assert splits.count("test") >= 30
            assert splits.count("train") >= 40
            assert len({probe["family"] for probe in found}) == len(found)


def test_near_and_out_lie_outside_the_scope_and_near_differs_in_one_feature(comments):
    for comment, standing in zip(comments, COMMENTS, strict=True):
        scopes = {
            name: [Triple(*probe["family"].split("/")) for probe in found] for name, found in comment["probes"].items()
        }
        assert all(standing.holds(triple) for triple in scopes["in"])
        assert not any(standing.holds(triple) for triple in scopes["near"] + scopes["out"])
        alike = {standing.rest(triple) for triple in scopes["in"]}
        assert all(standing.rest(triple) in alike for triple in scopes["near"])
        assert not any(standing.rest(triple) in alike for triple in scopes["out"])


def test_the_checks_are_known_and_can_fail(comments):
    shown = {
        "short-family": "Can you come?",
        "attention-announcement": "Attention: It rains.",
        "go-team-coach": "It rains. Go team!",
    }
    for comment in comments:
        check = load_check(Check(**comment["check"]))
        assert check(shown[comment["id"]]).held
        assert not check("It rains. " * 11).held


def test_words_of_a_user_name_one_thing_each_but_for_the_family():
    known = json.loads((FOLDER / "known.json").read_text(encoding="utf-8"))
    assert known["family"] == ["genre", "reader", "topic"]
    for part in known["family"]:
        words = [word.lower() for names in known[part].values() for word in set(names) - {"family", "家人"}]
        assert len(words) == len(set(words)), part
    assert "text messages" in known["genre"]["text-message"]
    assert "boss" in known["reader"]["boss"]
    assert "move" in known["topic"]["move"]


def test_every_genre_and_reader_has_enough_prompts_to_test_and_to_learn():
    pool = [*records("prompts.jsonl"), *records("probes.jsonl")]
    for part, least in ((0, 30), (1, 30)):
        for split in ("train", "test"):
            counts: dict[str, int] = {}
            for prompt in pool:
                if prompt["split"] == split:
                    key = prompt["family"].split("/")[part]
                    counts[key] = counts.get(key, 0) + 1
            assert min(counts.values()) >= least
