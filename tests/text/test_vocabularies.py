"""Tokenizers are looked at and compared."""

from __future__ import annotations

import pytest

from sayso.errors import NotFoundError, RecordError
from sayso.text import tokenizer, vocabularies

TEXTS = ["The train is late again.", "The match is on Monday. 🎉"] * 5


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    found = []
    for size in (262, 300):
        folder = tmp_path_factory.mktemp("vocabulary")
        tokenizer.train(TEXTS, folder, vocab_size=size, model_max_length=64)
        found.append((str(size), vocabularies.opened(folder)))
    return found


def test_the_tokens_shown_make_the_text_again(opened):
    found = vocabularies.show(opened[1][1], "The train<|end|>")
    assert "".join(token.text for token in found) == "The train<|end|>"
    assert found[-1].id == 1
    assert len(found) < len("The train")


def test_a_larger_vocabulary_writes_the_same_text_shorter(opened):
    small, large = vocabularies.compare(opened, iter(TEXTS))
    assert small.bytes == large.bytes == sum(len(text.encode()) for text in TEXTS)
    assert 1 >= small.tokens_per_byte > large.tokens_per_byte
    assert (small.entries, large.entries) == (262, 292)


def test_without_text_there_is_nothing_to_compare(opened):
    with pytest.raises(RecordError, match="no text to compare"):
        vocabularies.compare(opened, iter([""]))


def test_a_folder_without_a_tokenizer_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"no tokenizer\.json"):
        vocabularies.opened(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RecordError, match="is no tokenizer"):
        vocabularies.opened(tmp_path)
