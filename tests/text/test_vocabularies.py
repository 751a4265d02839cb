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


def alike(texts):
    return [("all", text) for text in texts]


def test_a_larger_vocabulary_writes_the_same_text_shorter(opened):
    small, large = vocabularies.compare(opened, alike(TEXTS))
    assert small.bytes == large.bytes == sum(len(text.encode()) for text in TEXTS)
    assert small.characters == sum(map(len, TEXTS))
    assert 1 >= small.tokens_per_byte > large.tokens_per_byte
    assert (small.entries, large.entries) == (262, 292)


def test_every_language_has_its_own_lines_and_then_there_are_those_of_all(opened):
    pairs = [("zh", "火车晚点了。"), ("en", "The train is late."), ("zh", "你好"), ("en", "")]
    found = vocabularies.compare(opened, pairs)
    assert [(line.language, line.name) for line in found] == [
        (language, name) for language in ("en", "zh", "all") for name in ("262", "300")
    ]
    english, chinese, together = found[::2]
    assert (english.characters, english.bytes, chinese.characters, chinese.bytes) == (18, 18, 8, 24)
    assert chinese.tokens == len(opened[0][1].encode("火车晚点了。").ids) + len(opened[0][1].encode("你好").ids)
    assert chinese.tokens_per_character == pytest.approx(3 * chinese.tokens_per_byte)
    assert (together.tokens, together.bytes) == (english.tokens + chinese.tokens, 42)
    assert together.unknown == 0


def test_what_a_tokenizer_cannot_write_is_counted(tmp_path):
    for kind in ("characters", "wordpiece", "unigram"):
        size = {"characters": 60, "wordpiece": 90, "unigram": 400}[kind]
        tokenizer.train(["abc abc bca"] * 20, tmp_path / kind, vocab_size=size, model_max_length=64, kind=kind)
    found = vocabularies.compare(
        [(kind, vocabularies.opened(tmp_path / kind)) for kind in ("characters", "wordpiece", "unigram")], alike(["abc 火"])
    )
    assert [line.unknown for line in found] == [1, 1, 0], "bytes stand in for what pieces cannot write"


def test_without_text_there_is_nothing_to_compare(opened):
    with pytest.raises(RecordError, match="no text to compare"):
        vocabularies.compare(opened, alike([""]))


def test_a_folder_without_a_tokenizer_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"no tokenizer\.json"):
        vocabularies.opened(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RecordError, match="is no tokenizer"):
        vocabularies.opened(tmp_path)
