"""Which tokens a span of characters holds, for tokenizers that say so and for those that do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast

from sayso.errors import ModelError
from sayso.models import local
from sayso.models.forms.chat import chat_of
from sayso.models.forms.places import character_places


@pytest.fixture(scope="module")
def tiny_model(tiny_folder: Path) -> Any:
    return local.load(tiny_folder)


@pytest.fixture(scope="module")
def words() -> Any:
    """A byte-level tokenizer with merges, which counts the space before a word to none of its tokens."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.ByteLevel(trim_offsets=True)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet, special_tokens=["<end>"])
    made.train_from_iterator(["the cat sat on the mat, the cat", "你好，世界 你好"] * 9, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>")


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=20), data=st.data())
def test_with_a_token_for_each_byte_a_span_holds_its_bytes(tiny_model: Any, text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    (found,) = tiny_model.token_spans(text, [(start, end)])
    first = len(text[:start].encode())
    assert list(found) == list(range(first, first + len(text[start:end].encode())))


def test_a_cut_token_belongs_to_the_span_whole(words: Any) -> None:
    chat = chat_of(words)
    text = "the cat sat"
    ids = chat.encode_response(text)
    (found,) = chat.token_spans(text, [(5, 6)])
    assert words.decode([ids[number] for number in found]) == " cat"
    (space,) = chat.token_spans(text, [(3, 4)])
    assert list(space) == list(found)


@settings(max_examples=50, deadline=None)
@given(text=st.text(alphabet="the cat你好世é😀 \n,", min_size=1, max_size=16))
def test_every_character_is_in_some_token_and_the_whole_text_in_all_but_the_end(words: Any, text: str) -> None:
    chat = chat_of(words)
    ids = chat.encode_response(text)
    whole, *single = chat.token_spans(text, [(0, len(text)), *((place, place + 1) for place in range(len(text)))])
    assert ids[whole.stop :] == [words.eos_token_id]
    assert all(single)
    assert sorted({number for part in single for number in part}) == list(whole)


def test_a_tokenizer_that_does_not_say_where_its_tokens_stand_is_asked_for_the_text() -> None:
    slow = ByT5Tokenizer()
    assert not slow.is_fast
    assert character_places(slow, "a你b") == [(0, 1), (1, 2), (1, 2), (1, 2), (2, 3)]


def test_one_that_does_not_give_the_text_back_either_is_refused() -> None:
    class Lossy(ByT5Tokenizer):
        def decode(self, *args: Any, **kwargs: Any) -> str:
            return str(super().decode(*args, **kwargs)).lower()

    with pytest.raises(ModelError, match="cannot tell where its tokens stand"):
        character_places(Lossy(), "Ab")


def test_an_empty_span_and_an_empty_text_hold_nothing(tiny_model: Any) -> None:
    assert [list(part) for part in tiny_model.token_spans("", [(0, 0)])] == [[]]
    assert [list(part) for part in tiny_model.token_spans("abc", [(2, 2)])] == [[]]
