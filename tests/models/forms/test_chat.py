"""Conversations become ids: by the model's template, by a plain one, with system turns kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import ModelError
from sayso.models import local
from sayso.models.forms.chat import chat_of
from sayso.models.writing.sampling import Sampling
from sayso.records import Message, Prompt, Role

CHATML = (
    "{% for m in messages %}<|user|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|user|>assistant\n{% endif %}"
)
THINKING = (
    "{% for m in messages %}<|user|>{{ m['role'] }}\n"
    "{% if m['role'] == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m['content'] }}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|user|>assistant\n{% endif %}"
)
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate') }}{% endif %}[{{ m['role'] }}]{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)


def talk(*turns: tuple[Role, str]) -> Prompt:
    return Prompt(messages=tuple(Message(role=role, content=content) for role, content in turns), id="p-1")


def whole(tokenizer: Any, prompt: Prompt, answer: str) -> list[int]:
    """The ids of the whole conversation as the template writes it."""
    turns = [{"role": message.role, "content": message.content} for message in prompt.messages]
    text = tokenizer.apply_chat_template([*turns, {"role": "assistant", "content": answer}], tokenize=False)
    return list(tokenizer(text, add_special_tokens=False).input_ids)


def with_template(model: Any, template: str | None) -> Any:
    model.tokenizer.chat_template = template
    return chat_of(model.tokenizer)


@settings(max_examples=25, deadline=None)
@given(asked=st.text(min_size=1, max_size=30), answer=st.text(max_size=30), before=st.text(max_size=9))
def test_prompt_and_answer_join_to_the_whole_conversation(tiny_model: Any, asked: str, answer: str, before: str) -> None:
    prompt = talk(("user", before), ("assistant", "ok"), ("user", asked))
    joined = tiny_model.encode_prompt(prompt) + tiny_model.encode_response(answer)
    assert joined == whole(tiny_model.tokenizer, prompt, answer)
    assert tiny_model.decode(tiny_model.encode_response(answer)) == answer


@pytest.fixture(scope="module")
def tiny_model(tiny_folder: Path) -> Any:
    return local.load(tiny_folder)


@pytest.mark.parametrize("template", [CHATML, THINKING, NO_SYSTEM])
def test_other_templates_join_too_up_to_what_follows_the_end_of_the_answer(tiny: Any, template: str) -> None:
    chat = with_template(tiny, template)
    prompt = talk(("user", "hi"), ("assistant", "hm"), ("user", "well?"))
    joined = chat.encode_prompt(prompt) + chat.encode_response("Fine.")
    expected = whole(tiny.tokenizer, prompt, "Fine.")
    assert joined == expected[: len(joined)]
    assert tiny.tokenizer.decode(expected[len(joined) :]).strip() == ""
    assert joined[-1] in chat.stop_ids
    assert chat.decode(chat.encode_response("Fine.")) == "Fine."


def test_system_turns_stay_where_the_template_knows_them(tiny: Any) -> None:
    chat = with_template(tiny, CHATML)
    assert not chat.folds_system
    text = tiny.tokenizer.decode(chat.encode_prompt(talk(("system", "Be kind."), ("user", "hi"))))
    assert text == "<|user|>system\nBe kind.<|end|>\n<|user|>user\nhi<|end|>\n<|user|>assistant\n"


@pytest.mark.parametrize("template", ["own", NO_SYSTEM])
def test_system_turns_are_folded_into_the_first_user_turn_where_the_template_drops_or_rejects_them(
    tiny: Any, template: str
) -> None:
    chat = with_template(tiny, tiny.tokenizer.chat_template if template == "own" else template)
    folded = chat.encode_prompt(talk(("system", "Be kind."), ("user", "hi"), ("assistant", "a"), ("user", "b")))
    assert folded == chat.encode_prompt(talk(("user", "Be kind.\n\nhi"), ("assistant", "a"), ("user", "b")))


def test_a_conversation_of_a_system_turn_alone_is_not_lost(tiny: Any) -> None:
    assert "Be kind." in tiny.tokenizer.decode(tiny.encode_prompt(talk(("system", "Be kind."))))


def test_turns_that_the_template_refuses_are_an_error_that_names_the_prompt(tiny: Any) -> None:
    chat = with_template(tiny, NO_SYSTEM)
    with pytest.raises(ModelError, match=r"'p-1'.*user, user.*Roles must alternate"):
        chat.encode_prompt(talk(("user", "a"), ("user", "b")))


def test_a_model_without_a_template_gets_a_plain_one_that_keeps_every_turn(tiny: Any) -> None:
    chat = with_template(tiny, None)
    prompt = talk(("system", "Be kind."), ("user", "hi"))
    joined = chat.encode_prompt(prompt) + chat.encode_response("Hello")
    assert tiny.tokenizer.decode(joined) == "System: Be kind.\nUser: hi\nAssistant: Hello<|end|>"
    assert chat.decode(chat.encode_response("Hello")) == "Hello"


def test_a_tokenizer_without_an_end_token_is_refused(tiny: Any) -> None:
    tiny.tokenizer.eos_token = None
    with pytest.raises(ModelError, match="names no end-of-sequence token"):
        chat_of(tiny.tokenizer)


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["I am fine, thanks.", "Fine.\n\nAnd you?", "好", "  spaced  ", ""])
def test_tinytalk_reads_an_answer_as_its_template_writes_it(shared: Path, answer: str) -> None:
    model = local.load(shared / "models" / "tinytalk3m")
    prompt = talk(("user", "hello"), ("assistant", "Hi there"), ("user", "How are you?"))
    joined = model.encode_prompt(prompt) + model.encode_response(answer)
    assert joined == whole(model.tokenizer, prompt, answer)
    assert model.decode(model.encode_response(answer)) == answer
    assert model.chat.folds_system


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tinytalk3m", "stories260k", "tinystories656k"])
def test_real_models_load_answer_and_say_whether_they_are_packed(shared: Path, name: str) -> None:
    model = local.load(shared / "models" / name)
    assert model.packed == (name != "tinytalk3m")
    assert model.packed_reason
    assert model.form.head_alone
    assert model.decode(model.encode_response("Once there was a cat.")) == "Once there was a cat."
    (text,) = model.generate([talk(("user", "How are you?"))], Sampling(max_new_tokens=8, temperature=0))
    assert text
    assert not any(token in text for token in model.tokenizer.all_special_tokens)
