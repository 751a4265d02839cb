"""A local model: loading, words to ids and back, probabilities, references, saving."""

from __future__ import annotations

import torch

from sayso.batches import collate, row
from sayso.models.sampling import Sampling
from sayso.records import Message, Prompt


def ask(text: str, *before: tuple[str, str]) -> Prompt:
    turns = tuple(Message(role=role, content=words) for role, words in before)
    return Prompt(messages=(*turns, Message(role="user", content=text)))


def test_a_prompt_and_its_answer_have_the_ids_of_the_whole_conversation(tiny) -> None:
    turns = [{"role": "user", "content": "Grüße 你好"}, {"role": "assistant", "content": "hm, well"}]
    whole = tiny.tokenizer.apply_chat_template(turns, tokenize=False)
    joined = tiny.encode_prompt(ask("Grüße 你好")) + tiny.encode_response("hm, well")
    assert joined == tiny.tokenizer(whole, add_special_tokens=False).input_ids


def test_packed_and_padded_batches_have_the_same_log_probabilities(tiny) -> None:
    rows = [row(tiny.encode_prompt(ask("a")), tiny.encode_response("bcd")), row([5, 6, 7], [8, 9])]
    assert tiny.packed, tiny.packed_reason
    packed, padded = (tiny.token_logprobs(collate(rows, packed=p, pad_id=tiny.pad_id)) for p in (True, False))
    torch.testing.assert_close(packed, padded, atol=1e-5, rtol=0)


def test_it_answers(tiny) -> None:
    assert len(tiny.generate([ask("a"), ask("b")], Sampling(max_new_tokens=4))) == 2
