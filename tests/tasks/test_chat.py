"""Conversations and dialogues become turns and the answer that follows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sayso.critics.checking import load_check
from sayso.errors import RecordError
from sayso.tasks.chat import Chat, f1
from sayso.tasks.items import Item
from sayso.tasks.metrics import measure

TURNS = [("user", "Hi."), ("assistant", "Hello!"), ("user", "How are you?"), ("assistant", "Fine, thanks.")]


def kept(path: Path, *values: Any) -> str:
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), encoding="utf-8")
    return str(path)


def said(task: Chat, found: Item) -> list[tuple[str, str]]:
    return [(turn.role, turn.content) for turn in task.prompt(found).messages]


def test_the_last_answer_of_a_conversation_is_asked_for(tmp_path: Path) -> None:
    messages = [{"role": role, "content": content} for role, content in TURNS]
    task = Chat()
    (found,) = task.items(kept(tmp_path / "a.jsonl", {"messages": messages}))
    assert said(task, found) == TURNS[:3]
    assert task.answer(found) == "Fine, thanks."


def test_all_answers_of_a_conversation_are_one_family(tmp_path: Path) -> None:
    messages = [{"role": role, "content": content} for role, content in TURNS]
    task = Chat(replies="all", system="Be kind.")
    found = list(task.items(kept(tmp_path / "a.jsonl", {"messages": messages})))
    assert [one.answers[0] for one in found] == ["Hello!", "Fine, thanks."]
    assert said(task, found[0]) == [("system", "Be kind."), ("user", "Hi.")]
    assert {one.family for one in found} == {"a.jsonl:1"}


def test_a_dialogue_in_one_text_is_cut_at_its_speakers(tmp_path: Path) -> None:
    text = "#Person1#: Hi.\n#Person1#: Anybody here?\n#Person2#: Yes.\nIt is me.\n#Person3#: And me.\n#Person1#: Good."
    text += "\n小明：好的。"
    task = Chat()
    (found,) = task.items(kept(tmp_path / "a.jsonl", {"dialogue": text}))
    assert said(task, found) == [("user", "Hi. Anybody here?"), ("assistant", "Yes. It is me. And me."), ("user", "Good.")]
    assert found.answers == ("好的。",)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [({"messages": [{"role": "user", "content": "Hi."}]}, "a.jsonl:1: found no answer"),
     ({"messages": [{"role": "bot", "content": "Hi."}]}, r"messages\[0\]"),
     ({"messages": "Hi."}, "expected a list of turns"),
     ({"dialogue": "nobody speaks"}, "found no two speakers"), ({"words": 1}, "expected a conversation")],
)  # fmt: skip
def test_a_wrong_line_is_named(tmp_path: Path, value: Any, wrong: str) -> None:
    with pytest.raises(RecordError, match=wrong):
        list(Chat().items(kept(tmp_path / "a.jsonl", value)))


def test_words_in_common_are_counted_by_hand() -> None:
    assert f1("I am fine, thanks", "Fine thanks!") == pytest.approx(2 * 2 / 6)
    assert f1("好的", "好") == pytest.approx(2 / 3)
    assert (f1("", ""), f1("a", "")) == (1.0, 0.0)


def test_the_same_answer_everywhere_is_little_variety() -> None:
    items = [Item(inputs={"turns": "[]"}, answers=("one two",))] * 4
    found = {one.name: measure(one).value for one in Chat().count(items, ["I do not know"] * 4)}
    assert found["distinct-1"] == pytest.approx(4 / 16)
    assert found["distinct-2"] == pytest.approx(3 / 12)
    assert found["tokens"] == 4


def test_an_answer_that_speaks_for_the_other_fails_its_check() -> None:
    check = load_check(Chat().checks(Item(inputs={}))[1])
    assert check("Fine.").held
    assert not check("Fine.\nUser: And you?").held
