"""From files to rows: what is learnt, what is held back, what is left out, and what is not written twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sayso.errors import PreflightError, RecordError, SettingsError
from sayso.records import Message
from sayso.text import corpus
from sayso.text.corpus import Document
from sayso.training.material.data import Chats, Data, Source, Texts, gather, key_of

END = 1


def document(text: str, *, starts: bool = True, ends: bool = True) -> Document:
    return Document(where="here", text=text, starts=starts, ends=ends)


def texts(tiny, *, longest: int, packing: bool = False) -> Texts:
    return Texts(tiny.tokenizer, end=END, longest=longest, packing=packing)


def rows_of(encoder, *documents):
    rows = [row for item in documents for row in encoder(item)]
    return [*rows, *encoder.rest()]


def test_a_text_begins_and_ends_with_the_end_token_and_all_but_the_first_is_learnt(tiny):
    (row,) = rows_of(texts(tiny, longest=100), document("Hello."))
    assert [row.ids[0], row.ids[-1]] == [END, END]
    assert tiny.tokenizer.decode(row.ids[1:-1]) == "Hello."
    assert list(row.learnt) == [0] + [1] * 7
    assert row.num_bytes == 6


@pytest.mark.parametrize("packing", [False, True])
def test_every_token_of_a_long_text_is_learnt_once(tiny, packing):
    rows = rows_of(texts(tiny, longest=7, packing=packing), document("abcdefghijklmnopqrstuvwxyz"), document("0123"))
    assert max(len(row.ids) for row in rows) == 7
    learnt = [token for row in rows for token, weight in zip(row.ids, row.learnt, strict=True) if weight]
    assert tiny.tokenizer.decode(learnt) == "abcdefghijklmnopqrstuvwxyz<|end|>0123<|end|>"
    assert sum(row.num_bytes for row in rows) == 30


def test_rows_do_not_cross_documents_unless_packed(tiny):
    few = [document("ab"), document("cd"), document("ef")]
    assert len(rows_of(texts(tiny, longest=100), *few)) == 3
    (row,) = rows_of(texts(tiny, longest=100, packing=True), *few)
    assert tiny.tokenizer.decode(row.ids) == "<|end|>ab<|end|>cd<|end|>ef<|end|>"


def test_a_text_in_pieces_makes_the_rows_of_the_whole(tiny):
    pieces = [document("abcdef\n", ends=False), document("ghijkl\n", starts=False, ends=False), document("m", starts=False)]
    one, other = texts(tiny, longest=5), texts(tiny, longest=5)
    assert [row.ids for row in rows_of(one, *pieces)] == [row.ids for row in rows_of(other, document("abcdef\nghijkl\nm"))]


def test_words_that_look_like_special_tokens_stay_words(tiny):
    (row,) = rows_of(texts(tiny, longest=100), document("<|end|>"))
    assert list(row.ids).count(END) == 2


def chat(*turns: str) -> Document:
    roles = ("user", "assistant")
    said = tuple(Message(role=roles[number % 2], content=text) for number, text in enumerate(turns))
    return Document(where="chats.jsonl:3", messages=said)


def test_of_a_conversation_all_answers_are_learnt_or_the_last_one(tiny):
    given = chat("Hi.", "Yes?", "Bye.", "So long!", "left out")
    for last, expected in ((False, "Yes?<|end|>So long!<|end|>"), (True, "So long!<|end|>")):
        (row,) = Chats(tiny, longest=256, last_turn_only=last)(given)
        learnt = [token for token, weight in zip(row.ids, row.learnt, strict=True) if weight]
        assert tiny.tokenizer.decode(learnt) == expected
        assert row.num_bytes == len(expected.replace("<|end|>", ""))
        assert "left out" not in tiny.tokenizer.decode(row.ids)


def test_a_conversation_without_an_answer_is_an_error_and_a_long_one_is_counted(tiny):
    encoder = Chats(tiny, longest=20, last_turn_only=False)
    with pytest.raises(RecordError, match=r"chats\.jsonl:3: found no answer"):
        list(encoder(chat("Hi.")))
    assert list(encoder(chat("Hi.", "x" * 30))) == []
    assert encoder.left_out == 1
    assert len(list(encoder(chat("Hi.", "x")))) == 1


@pytest.fixture
def source(tiny, tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": f"text {number}"}) + "\n" for number in range(200)), encoding="utf-8")

    def make(*, longest: int = 100, validation: tuple[Path, ...] = ()) -> Source:
        return Source(
            files=[path], validation=validation, kind="text", encoder=lambda: texts(tiny, longest=longest), vocab_size=260,
            longest=longest, key=key_of(files=corpus.digest([path]), longest=longest),
        )  # fmt: skip

    return make


def ignore(_done: int) -> None:
    """Watch nothing."""


def said(tiny, rows) -> set[str]:
    return {tiny.tokenizer.decode(row.ids[1:-1]) for row in rows or ()}


def test_a_share_is_held_back_and_never_learnt_from(tiny, source, tmp_path):
    found = gather(source(), Data(validation_share=0.2), tmp_path / "t", seed=0, told=ignore)
    learnt, held = said(tiny, found.train), said(tiny, found.validation)
    assert 20 < len(held) < 60
    assert not learnt & held
    assert len(learnt | held) == 200
    other = gather(source(), Data(validation_share=0.2), tmp_path / "u", seed=1, told=ignore)
    assert said(tiny, other.validation) != held


def test_no_more_is_held_back_than_is_wanted(source, tmp_path):
    found = gather(source(), Data(validation_share=0.5, validation_tokens=50), tmp_path / "t", seed=0, told=ignore)
    assert found.validation is not None
    assert 50 <= found.validation.tokens < 80
    assert gather(source(), Data(validation_share=0), tmp_path / "u", seed=0, told=ignore).validation is None


def test_named_files_are_measured_on_in_place_of_a_share(tiny, source, tmp_path):
    held = tmp_path / "held.jsonl"
    held.write_text('{"text": "never seen"}\n', encoding="utf-8")
    found = gather(source(validation=(held,)), Data(), tmp_path / "t", seed=0, told=ignore)
    assert said(tiny, found.validation) == {"never seen"}
    assert len(found.train) == 200


def test_rows_are_written_once_and_anew_when_something_else_is_wanted(source, tmp_path):
    def written(**settings: object) -> int:
        gather(source(), Data(**settings), tmp_path / "t", seed=0, told=ignore)
        return (tmp_path / "t" / "train" / "ids.bin").stat().st_mtime_ns

    first = written()
    assert written(tokens=99, eval_steps=7) == first
    assert written(validation_share=0.3) != first


def test_rows_are_a_sequence_that_knows_its_digest(source, tmp_path):
    rows = gather(source(), Data(validation_share=0), tmp_path / "t", seed=0, told=ignore).train
    assert rows[-1] == rows[len(rows) - 1] == list(rows)[-1] == rows[5:][-1]
    assert rows.tokens == sum(len(row.ids) for row in rows)
    assert len(rows.digest()) == 64
    with pytest.raises(IndexError):
        rows[200]


def test_when_all_is_too_long_or_empty_that_is_said(tiny, source, tmp_path):
    path = tmp_path / "chats.jsonl"
    given = {"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "x" * 30}]}
    path.write_text(json.dumps(given) + "\n", encoding="utf-8")
    long = Source(
        files=[path], validation=(), kind="messages", encoder=lambda: Chats(tiny, longest=9, last_turn_only=False),
        vocab_size=260, longest=9, key="k",
    )  # fmt: skip
    with pytest.raises(PreflightError, match="all 1 rows are longer than 9 tokens"):
        gather(long, Data(), tmp_path / "t", seed=0, told=ignore)
    path = source().files[0]
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(PreflightError, match="no text to learn from"):
        gather(source(), Data(), tmp_path / "u", seed=0, told=ignore)


@pytest.mark.parametrize("wrong", [{"tokens": -1}, {"validation_share": 1.0}, {"eval_steps": -3}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        Data(**wrong)
