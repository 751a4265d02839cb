"""A vocabulary learnt from text: what it writes, what it keeps, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from sayso.errors import RecordError, SettingsError, StoreError
from sayso.models.chat import chat_of
from sayso.records import Message, Prompt
from sayso.text import tokenizer

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
