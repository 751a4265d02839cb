"""Stories go on, poems keep their form, and repetition is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sayso.critics.checking import load_check
from sayso.errors import RecordError, SettingsError
from sayso.tasks import repetition, verse
from sayso.tasks.metrics import measure
from sayso.tasks.write import Write

POEM = "床前明月光，疑是地上霜。举头望明月，低头思故乡。"
TASK = Write()


def test_a_story_gives_its_first_sentence_and_asks_for_the_rest(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(
        "One day, it rained. Tom ran.\nHe fell.\n<|endoftext|>\nAlone.\n<|endoftext|>\nA. B.\n", encoding="utf-8"
    )
    found = list(TASK.items(str(tmp_path / "a.txt")))
    assert [one.inputs["opening"] for one in found] == ["One day, it rained.", "A."]
    assert found[0].answers == ("Tom ran.\nHe fell.",)
    assert found[1].where.endswith("a.txt:6")
    assert TASK.prompt(found[0]).text == "Continue this story:\n\nOne day, it rained."


def test_poems_are_known_by_their_form(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"title": "静夜思", "author": "李白", "content": POEM}]), encoding="utf-8")
    (found,) = TASK.items(str(tmp_path / "a.json"))
    assert TASK.prompt(found).text == "请以“静夜思”为题写一首五言绝句。"
    assert found.answers == ("床前明月光，疑是地上霜。\n举头望明月，低头思故乡。",)
    assert [load_check(check)(found.answers[0]).held for check in TASK.checks(found)] == [True, True]
    counted = {one.name: measure(one).value for one in TASK.count([found, found], [POEM, "床前明月光"])}
    assert (counted["form"], counted["rhyme"]) == (0.5, 0.5)


def test_a_story_with_a_title_is_asked_for_by_it(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"title": "The Cat", "text": "It slept. It woke."}\n', encoding="utf-8")
    (found,) = TASK.items(str(tmp_path / "a.jsonl"))
    assert TASK.prompt(found).text == 'Write a story with the title "The Cat".'
    assert TASK.parse(found, "It slept.<|endoftext|>Another") == "It slept."
    assert "form" not in {one.name for one in TASK.count([found], ["It slept."])}


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"title": "x"}', encoding="utf-8")
    (tmp_path / "b.json").write_text("[7]", encoding="utf-8")
    (tmp_path / "c.jsonl").write_text('{"title": "x"}', encoding="utf-8")
    for name, wrong in (
        ("a.json", "expected a list"),
        ("b.json", "number 1: found 7"),
        ("c.jsonl", "expected a story or a poem"),
    ):
        with pytest.raises(RecordError, match=wrong):
            list(TASK.items(str(tmp_path / name)))
    with pytest.raises(SettingsError, match="opening: found 0"):
        Write(opening=0)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (POEM, (4, 5)),
        ("床前明月光\n疑是地上霜", (2, 5)),
        ("床前明月，疑是地上霜。", None),
        ("bright moon, frost", None),
        ("", None),
    ],
)
def test_the_form_of_a_poem_is_its_lines_and_characters(text: str, form: tuple[int, int] | None) -> None:
    assert verse.form_of(text) == form


@pytest.mark.parametrize(
    ("ends", "rhymes"),
    [("霜乡", True), ("空中", True), ("山船", True), ("诗四", True), ("诗女", False), ("霜雪", False), ("乡乡", False)],
)
def test_ends_rhyme_in_the_groups_of_the_new_rhymes(ends: str, rhymes: bool) -> None:
    assert verse.rhymes(f"床前明月光，疑是地上{ends[0]}。举头望明月，低头思故{ends[1]}。") == rhymes


def test_a_broken_poem_is_told_where() -> None:
    from sayso.critics.verse_checks import rhymes
    from sayso.critics.verse_checks import verse as check

    assert check("床前明月光，疑是霜。", lines=2, characters=5).said == "The line “疑是霜” is not of 5 Chinese characters."
    assert check(POEM, lines=8, characters=5).said == "It has 4 lines; 8 are wanted."
    assert rhymes(POEM.replace("霜", "雪")).said == "The ends of the even lines do not rhyme: 雪、乡."
    with pytest.raises(SettingsError, match="lines=0"):
        check(POEM, lines=0, characters=5)


def test_repetition_within_a_text_is_that_of_the_paper() -> None:
    # 8 words give 5 runs of four, of which "a b c d" stands twice
    assert measure(repetition.repeated(["a b c d a b c d", "a b c d e f g h"])).value == pytest.approx((1 / 5 + 0) / 2)
    assert measure(repetition.repeated(["a b"])).value == 0.0


def test_distinct_runs_over_all_texts_are_counted_by_hand() -> None:
    texts = ["a b a b", "a b c", "d"]
    runs = [("a", "b"), ("b", "a"), ("a", "b"), ("a", "b"), ("b", "c")]
    assert measure(repetition.distinct(texts, 2)).value == pytest.approx(len(set(runs)) / len(runs))


def test_most_old_quatrains_rhyme_and_shuffled_lines_do_not(shared: Path) -> None:
    found = [one.answers[0] for one in TASK.items(str(shared / "data/zh_poetry_small/poetry_corpus.json.gz"))
             if one.inputs["form"] == "七言绝句"]  # fmt: skip
    assert len(found) == 1055
    lines = [line for text in found for line in verse.lines(text)]
    mixed = ["，".join(lines[number::1000][:4]) for number in range(500)]
    assert sum(map(verse.rhymes, found[:300])) / 300 > 0.75
    assert sum(map(verse.rhymes, mixed)) / 500 < 0.25
