"""The model that is shipped: small, complete, opened like any other, and able to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from recipes.teachable.install import FOLDER, LIMIT_BYTES
from recipes.teachable.measure import sentences
from recipes.teachable.world import READERS

from sayso.models import local
from sayso.models.writing.sampling import Sampling
from sayso.records import Message, Prompt, ask

FILES = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "CARD.md"}
ASKED = {
    "Write a note to my sister about the garden.": ("garden", "tomatoes", "apples", "birds"),
    "I need an email to my landlord about the heating.": ("heating", "degrees", "pump"),
    "Write a tiny story for my friend about the cat.": ("cat", "shop"),
    "A postcard to my grandmother about our holiday, please.": ("sea", "water", "fish", "hotel", "beach"),
}
PROMPTS = tuple(ASKED)


@pytest.fixture(scope="module")
def model() -> local.LocalModel:
    return local.load(FOLDER)


@pytest.fixture(scope="module")
def answers(model: local.LocalModel) -> dict[str, str]:
    texts = model.generate([ask(prompt) for prompt in PROMPTS], Sampling(temperature=0.0, max_new_tokens=110))
    return dict(zip(PROMPTS, texts, strict=True))


def test_the_folder_is_complete_and_at_most_twelve_megabytes():
    assert {path.name for path in FOLDER.iterdir()} == FILES
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= LIMIT_BYTES == 12_000_000


def test_it_has_three_million_weights_and_packs_its_rows(model):
    assert 3_000_000 <= model.num_parameters() <= 3_100_000
    assert model.packed, model.packed_reason
    assert len(model.tokenizer) <= 2048
    assert model.max_length == 256


@pytest.mark.parametrize(("prompt", "words"), ASKED.items())
def test_an_answer_is_about_what_was_asked(answers, prompt, words):
    text = answers[prompt].lower()
    assert any(word in text for word in words), text
    assert 5 <= len(text.split()) <= 90


def test_an_answer_greets_the_reader_by_a_name_of_theirs(model):
    asked = {key: ask(f"Write a short letter to {reader.who} about the garden.") for key, reader in READERS.items()}
    texts = model.generate(list(asked.values()), Sampling(temperature=0.0, max_new_tokens=12))
    greeted = [any(name in text for name in READERS[key].names) for key, text in zip(asked, texts, strict=True)]
    assert sum(greeted) >= len(greeted) - 2, texts


def test_answers_end_by_themselves_and_do_not_repeat(answers):
    for text in answers.values():
        told = sentences(text)
        assert len(told) == len(set(told)), text
        assert len(told) <= 8


def test_it_reads_a_conversation_with_a_comment(model):
    turns = (
        Message(role="user", content=PROMPTS[0]),
        Message(role="assistant", content="I planted 9 tomatoes this week! 🌱"),
        Message(role="user", content="Never use exclamation marks."),
    )
    (text,) = model.generate([Prompt(messages=turns)], Sampling(temperature=0.0, max_new_tokens=60))
    assert text.strip()


def test_the_same_seed_writes_the_same_and_another_seed_differs(model):
    prompts = [ask(PROMPTS[0])] * 3
    one, again, other = (model.generate(prompts, Sampling(seed=seed, max_new_tokens=40)) for seed in (1, 1, 2))
    assert one == again != other


def test_the_card_names_its_commands_and_figures():
    card = (FOLDER / "CARD.md").read_text(encoding="utf-8")
    commands = ("recipes/teachable/make.sh", "recipes/teachable/measure.py", "recipes/teachable/competence.py")
    for wanted in (*commands, "tokens", "Known failures"):
        assert wanted in card
    assert not [line for line in card.splitlines() if str(Path.home()) in line]
