"""A vocabulary learnt from text: what it writes, what it keeps, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from sayso.errors import NotFoundError, RecordError, SettingsError, StoreError
from sayso.models.forms.chat import chat_of
from sayso.records import Message, Prompt
from sayso.text import learning, tokenizer

TEXTS = ["The train is late again.", "The train leaves at nine.", "We won the match! 🎉", "The match is on Monday."] * 5
FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("tokenizer")
    tokenizer.train(TEXTS, where, vocab_size=290, model_max_length=64)
    return where


@pytest.fixture(scope="module")
def opened(folder: Path):
    return AutoTokenizer.from_pretrained(str(folder))


def test_it_returns_how_many_entries_it_learnt(tmp_path, folder, opened):
    found = tokenizer.train(TEXTS, tmp_path, vocab_size=290, model_max_length=64)
    assert found == len(opened) == 290


def test_little_text_gives_fewer_entries(tmp_path):
    assert 261 <= tokenizer.train(["aaaa"], tmp_path, vocab_size=1000, model_max_length=64) < 270


def test_the_same_texts_give_the_same_files(tmp_path, folder):
    tokenizer.train(iter(TEXTS), tmp_path, vocab_size=290, model_max_length=64)
    assert all((tmp_path / name).read_bytes() == (folder / name).read_bytes() for name in FILES)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_a_frequent_word_is_one_token(opened):
    assert len(opened(" train", add_special_tokens=False).input_ids) == 1


@given(text=st.text())
def test_every_text_is_read_back_as_it_was(opened, text):
    ids = opened(text, add_special_tokens=False, split_special_tokens=True).input_ids
    assert opened.decode(ids, clean_up_tokenization_spaces=False) == text


def test_the_end_of_an_answer_and_padding_are_tokens_of_their_own(opened):
    assert (opened.eos_token, opened.pad_token) == ("<|end|>", "<|pad|>")
    assert opened("<|end|><|pad|><|user|>", add_special_tokens=False).input_ids == opened.convert_tokens_to_ids(
        ["<|end|>", "<|pad|>", "<|user|>"]
    )


def test_a_conversation_is_a_prompt_and_an_answer_joined(opened):
    chat = chat_of(opened)
    turns = (Message(role="system", content="Be brief."), Message(role="user", content="Write a note."))
    ids = chat.encode_prompt(Prompt(messages=turns)) + chat.encode_response("The train is late.")
    assert (
        opened.decode(ids) == "<|system|>Be brief.<|end|><|user|>Write a note.<|end|><|assistant|>The train is late.<|end|>"
    )


def test_too_small_a_vocabulary_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"found 260; expected at least 261"):
        tokenizer.train(TEXTS, tmp_path, vocab_size=260, model_max_length=64)


@pytest.mark.parametrize("texts", [[], ["", ""]])
def test_no_text_is_refused_and_nothing_is_written(tmp_path, texts):
    with pytest.raises(RecordError, match="no text to learn"):
        tokenizer.train(texts, tmp_path / "new", vocab_size=300, model_max_length=64)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="file"):
        tokenizer.train(TEXTS, tmp_path / "file", vocab_size=300, model_max_length=64)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """A tokenizer of each kind, learnt from the same few texts, and how many entries it has."""
    found = {}
    for kind in learning.KINDS:
        where = tmp_path_factory.mktemp(kind)
        entries = tokenizer.train([*TEXTS, CHINESE] * 4, where, vocab_size=700, model_max_length=64, kind=kind)
        found[kind] = (where, AutoTokenizer.from_pretrained(str(where)), entries)
    return found


CHINESE = "火车又晚点了，请稍候。"


def ids_of(opened, text):
    return opened(text, add_special_tokens=False, split_special_tokens=True).input_ids


@pytest.mark.parametrize("kind", learning.KINDS)
def test_every_kind_is_a_hugging_face_tokenizer_with_our_special_tokens(kinds, kind):
    _, opened, entries = kinds[kind]
    assert entries == len(opened) <= 700
    assert (opened.pad_token_id, opened.eos_token_id) == (0, 1)
    assert opened.convert_tokens_to_ids(["<|user|>", "<|assistant|>"]) == [3, 4]
    turns = (Message(role="user", content="The match?"),)
    chat = chat_of(opened)
    assert chat.encode_response("late") == [*ids_of(opened, "late"), 1]
    assert chat.encode_prompt(Prompt(messages=turns))[0] == 3


@pytest.mark.parametrize("kind", learning.KINDS)
def test_what_was_learnt_from_is_read_back(kinds, kind):
    _, opened, _ = kinds[kind]
    for text in (*TEXTS[:4], CHINESE):
        ids = ids_of(opened, text)
        spaces = {" ": ""} if kind == "wordpiece" else {}  # words alone
        assert opened.decode(ids).translate(str.maketrans(spaces)) == text.translate(str.maketrans(spaces))
        assert opened.unk_token_id is None or opened.unk_token_id not in ids


@pytest.mark.parametrize("kind", ["bytes", "bpe", "unigram"])
@given(text=st.text(st.characters(exclude_characters="▁", exclude_categories=["Cs"])))
def test_kinds_with_bytes_write_every_text(kinds, kind, text):
    _, opened, _ = kinds[kind]
    ids = ids_of(opened, text)
    assert opened.decode(ids) == text
    assert opened.unk_token_id is None or opened.unk_token_id not in ids


@pytest.mark.parametrize("kind", ["characters", "wordpiece"])
def test_what_was_never_read_is_the_unknown_token(kinds, kind):
    _, opened, _ = kinds[kind]
    assert opened.unk_token == "<|unknown|>"
    assert opened.unk_token_id in ids_of(opened, "Ω")


def test_bytes_and_characters_are_one_token_each(kinds):
    text = "The late 火"
    assert len(ids_of(kinds["characters"][1], text)) == len(text)
    assert len(ids_of(kinds["bytes"][1], text)) == len(text.encode())
    assert kinds["bytes"][2] == 261
    assert kinds["characters"][2] == len(set("".join([*TEXTS, CHINESE]))) + 6


def test_too_many_characters_leave_the_rare_ones_out(tmp_path):
    tokenizer.train(["aaabbc"], tmp_path, vocab_size=8, model_max_length=64, kind="characters")
    opened = AutoTokenizer.from_pretrained(str(tmp_path))
    assert opened.decode(ids_of(opened, "abc")) == "ab<|unknown|>"


def test_a_frequent_word_is_one_token_of_every_kind_that_learns_words(kinds):
    found = {kind: len(ids_of(kinds[kind][1], " train")) for kind in ("byte-bpe", "bpe", "wordpiece")}
    assert found == {"byte-bpe": 1, "bpe": 1, "wordpiece": 1}
    assert len(ids_of(kinds["unigram"][1], " train")) < 6  # from so little text it learns pieces


@pytest.mark.parametrize("kind", sorted(set(learning.KINDS) - {"unigram"}))
def test_the_same_texts_give_the_same_files_of_every_other_kind(kinds, kind, tmp_path):
    tokenizer.train([*TEXTS, CHINESE] * 4, tmp_path, vocab_size=700, model_max_length=64, kind=kind)
    assert all((tmp_path / name).read_bytes() == (kinds[kind][0] / name).read_bytes() for name in FILES)


def test_unigram_learns_the_same_pieces_again_with_nearly_the_same_scores(kinds, tmp_path):
    tokenizer.train([*TEXTS, CHINESE] * 4, tmp_path, vocab_size=700, model_max_length=64, kind="unigram")
    before, after = (
        dict(json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"])
        for folder in (kinds["unigram"][0], tmp_path)
    )
    assert after == pytest.approx(before, abs=1e-2)


def test_a_mask_token_is_added_where_it_is_wanted(kinds, tmp_path):
    tokenizer.train(TEXTS, tmp_path, vocab_size=300, model_max_length=64, kind="wordpiece", mask=True)
    opened = AutoTokenizer.from_pretrained(str(tmp_path))
    assert opened.mask_token == "<|mask|>"
    assert opened("the <|mask|> is", add_special_tokens=False).input_ids.count(opened.mask_token_id) == 1
    assert kinds["wordpiece"][1].mask_token is None


@pytest.mark.parametrize("kind", learning.KINDS)
def test_every_kind_refuses_no_text_and_too_few_entries(kind, tmp_path):
    with pytest.raises(RecordError, match="no text to learn"):
        tokenizer.train([], tmp_path / "new", vocab_size=700, model_max_length=64, kind=kind)
    with pytest.raises(SettingsError, match="expected at least"):
        tokenizer.train(TEXTS, tmp_path / "new", vocab_size=5, model_max_length=64, kind=kind)
    assert not (tmp_path / "new").exists()


def test_a_kind_that_is_none_is_refused(tmp_path):
    with pytest.raises(NotFoundError, match="unknown kind 'words'; expected one of byte-bpe, "):
        tokenizer.train(TEXTS, tmp_path, vocab_size=700, model_max_length=64, kind="words")
