"""The demo's comments and prompts, and words of a user's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sayso.errors import RecordError, SettingsError
from sayso.loop import demo

KNOWN = demo.known()


@pytest.mark.parametrize(
    ("words", "scope"),
    [
        ("to my mother, sister or grandmother", {1: {"mother", "sister", "grandmother"}}),
        ("in announcements", {0: {"announcement"}}),
        ("when you write text messages to my friend", {0: {"text-message"}, 1: {"friend"}}),
        ("you write to my family", {1: {"mother", "sister", "grandmother"}}),
        ("给老板写邮件", {0: {"email"}, 1: {"boss"}}),
        ("to the king", {}),
        ("", {}),
    ],
)
def test_a_scope_in_words_names_genres_readers_and_topics(words: str, scope: dict[int, set[str]]):
    assert demo.scope_of(words, KNOWN) == scope


def test_words_of_ones_own_become_a_comment_with_probes_by_its_scope():
    line = demo.own_comment("Never use emoji in text messages.", KNOWN)
    assert line["check"] == {"name": "no_emoji", "args": {}}
    inside, near = ({probe["family"].split("/")[0] for probe in line["probes"][name]} for name in ("in", "near"))
    assert inside == {"text-message"}
    assert "text-message" not in near
    assert {probe["split"] for probe in line["probes"]["in"]} == {"train", "test"}


def test_words_without_a_scope_apply_everywhere():
    probes = demo.own_comment("Use at most 20 words.", KNOWN)["probes"]
    assert len(probes["in"]) == demo.MOST_LEARNT + demo.MOST_TESTED
    assert (probes["near"], probes["out"]) == ([], [])


def test_words_that_cannot_be_counted_are_refused_with_examples():
    with pytest.raises(RecordError, match=r"cannot be counted.*Use at most 40 words"):
        demo.own_comment("Be kinder.", KNOWN)


def test_a_scope_the_model_does_not_know_is_refused_with_what_it_knows():
    with pytest.raises(RecordError, match=r"does not know .*king.*postcards.*boss"):
        demo.own_comment('Start with "Sire," when you write to the king.', KNOWN)


def test_a_scope_with_too_few_prompts_is_refused():
    with pytest.raises(RecordError, match="name a wider scope"):
        demo.own_comment("Never use emoji in postcards to my boss about the cake.", KNOWN)


def test_no_prompt_is_kept_as_it_is_where_another_comment_applies():
    said, prompts = demo.without_clashes(demo._lines("comments.jsonl"), demo._lines("prompts.jsonl"), KNOWN)
    scopes = [demo.scope_of(comment["scope_text"], KNOWN) for comment in said]
    assert prompts
    for prompt in prompts:
        family, inside = prompt["family"].split("/"), [probe["prompt"] for item in said for probe in item["probes"]["in"]]
        assert prompt["prompt"] in inside or all(demo._scope(family, scope) != "in" for scope in scopes)
    assert all(len(comment["probes"]["in"]) >= 40 for comment in said)


def test_words_of_ones_own_take_the_place_of_the_third_comment():
    own = demo.own_comment("No exclamation marks in text messages.", KNOWN)
    ids = [line["id"] for line in demo.beside_built_in([own])]
    assert ids == [*(line["id"] for line in demo._lines("comments.jsonl")[:2]), own["id"]]


def test_words_that_apply_everywhere_are_learnt_alone():
    own = demo.own_comment("Use at most 20 words.", KNOWN)
    assert demo.beside_built_in([own]) == [own]


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SettingsError, match="holds no demo"):
        demo.prepare(tmp_path, ())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_demos_files_stay_as_a_user_changed_them(tmp_path: Path):
    demo.prepare(tmp_path, ())
    (tmp_path / "round.yaml").write_text("method: refine_dpo\n", encoding="utf-8")
    demo.prepare(tmp_path, ())
    assert (tmp_path / "round.yaml").read_text("utf-8") == "method: refine_dpo\n"


def test_the_demos_own_files_are_a_round(tmp_path: Path):
    from sayso import config
    from sayso.loop import rounds, settings

    demo.prepare(tmp_path, ())
    given = rounds.read(tmp_path / "round.yaml")
    assert config.build(settings.Settings, given, where="round.yaml").method == "refine_sft"
    comments = [json.loads(line) for line in (tmp_path / "comments.jsonl").read_text("utf-8").splitlines()]
    assert len(comments) == 3


@pytest.mark.slow
def test_the_demo_teaches_its_three_comments(tmp_path: Path):
    found = demo.run(tmp_path / "demo")
    verdict = found.evaluation.verdict
    assert verdict is not None
    assert verdict.verdict == "promote", verdict.reason
    assert [take.take for take in found.evaluation.takes].count("took") >= 2
    assert found.report.is_file()
