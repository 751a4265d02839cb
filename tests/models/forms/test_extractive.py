"""Models that point at answers: windows of a passage, spans against a slow search, Hugging Face's own heads, and rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoModelForQuestionAnswering, BertConfig, BertForQuestionAnswering, PreTrainedTokenizerFast

from sayso.batches import Row, collate
from sayso.errors import ModelError
from sayso.models import adapters, local, pointed
from sayso.models.forms.extractive import USUAL_LONGEST, Extractive, Passages, best
from sayso.models.local import LocalModel
from sayso.models.writing.sampling import Sampling
from sayso.records import Message, Prompt

QUESTION, PASSAGE = "Who won?", "In 2016 the Broncos won the game, and 野马队 was glad. Nobody had seen it coming."
GREEDY = Sampling(max_new_tokens=12, temperature=0.0)


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory) -> Path:
    """A tiny BERT that points, with words, characters of Chinese, [CLS] and [SEP], as its authors have them."""
    folder = tmp_path_factory.mktemp("bert") / "points"
    letters = sorted(set(f"{QUESTION}{PASSAGE}".lower()) - {" "})
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *letters,
        *(f"##{letter}" for letter in letters),
        "broncos",
        "the",
    ]
    tokenizer = Tokenizer(models.WordPiece(vocab={word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **names).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, initializer_range=0.5,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertForQuestionAnswering(config).save_pretrained(folder)
    return folder


@pytest.fixture
def points(bert_folder) -> LocalModel:
    return local.load(bert_folder, device="cpu")


def asked(question: str = QUESTION, passage: str = PASSAGE) -> Prompt:
    return Prompt(messages=(Message(role="user", content=question), Message(role="user", content=passage)))


def chat(model: LocalModel) -> Passages:
    assert isinstance(model.form, Extractive)
    return model.form.chat


def slow_best(scores, longest):
    """Try every answer, one after another."""
    found, value = None, -np.inf
    for number, (begins, ends) in enumerate(scores):
        for first in range(len(begins)):
            for last in range(first, min(first + longest, len(ends))):
                if begins[first] + ends[last] > value:
                    found, value = (number, first, last), begins[first] + ends[last]
    return found


@pytest.mark.parametrize("longest", [1, 2, 7, 40])
def test_the_likeliest_span_is_that_of_a_slow_search(longest):
    random = np.random.default_rng(longest)
    for size in ([1], [5], [9, 3], [30, 30, 4]):
        scores = [(random.normal(size=n), random.normal(size=n)) for n in size]
        assert best(scores, longest) == slow_best(scores, longest)
        equal = [(np.zeros(n), np.zeros(n)) for n in size]
        assert best(equal, longest) == slow_best(equal, longest) == (0, 0, 0)


def test_an_answer_that_is_drawn_is_as_frequent_as_it_is_likely():
    random, scores = np.random.default_rng(0), [(np.log([0.7, 0.3]), np.log([0.5, 0.5]))]
    drawn = [best(scores, 2, temperature=1.0, random=random)[1:] for _ in range(2000)]
    share = {pair: drawn.count(pair) / 2000 for pair in set(drawn)}
    assert share == {(0, 0): pytest.approx(0.35 / 0.85, abs=0.04), (0, 1): pytest.approx(0.35 / 0.85, abs=0.04),
        (1, 1): pytest.approx(0.15 / 0.85, abs=0.04)}  # fmt: skip


def test_windows_overlap_and_hold_every_token_once_more_at_most(points):
    (whole,) = chat(points).windows("Who?", PASSAGE[:40])
    assert whole.ids[0] == points.tokenizer.cls_token_id
    assert whole.ids[-1] == points.tokenizer.sep_token_id
    assert whole.ids == tuple(points.tokenizer("Who?", PASSAGE[:40]).input_ids)
    long = PASSAGE * 5
    windows = list(chat(points).windows(QUESTION, long))
    assert len(windows) > 3
    assert all(len(window.ids) <= 64 for window in windows)
    places = [place for window in windows for place in window.places]
    expected = points.tokenizer(long, add_special_tokens=False, return_offsets_mapping=True).offset_mapping
    assert sorted(set(places)) == expected
    starts = [window.places[0][0] for window in windows]
    assert all(before.places[-1][1] > start for before, start in zip(windows, starts[1:], strict=False)), "they overlap"


def test_an_answer_is_marked_in_the_windows_that_hold_it_whole(points):
    start = (PASSAGE * 3).index("野马队")
    windows = list(chat(points).windows(QUESTION, PASSAGE * 3))
    marked = [window for window in windows if window.marks(start, start + 3)]
    assert 0 < len(marked) < len(windows)
    for window in marked:
        ids = [window.ids[place] for place in window.marks(start, start + 3)]
        assert points.tokenizer.convert_ids_to_tokens(ids) == ["野", "马", "队"]


def test_places_are_hugging_faces_among_those_of_the_passage(bert_folder, points):
    theirs = AutoModelForQuestionAnswering.from_pretrained(bert_folder).eval()
    given = points.tokenizer(QUESTION, PASSAGE[:60], return_tensors="pt", return_token_type_ids=True)
    (window,) = chat(points).windows(QUESTION, PASSAGE[:60])
    given["token_type_ids"][0, window.first :] = 1
    with torch.no_grad():
        out = theirs(**given)
    held = [0, *range(window.first, window.first + len(window.places))]
    rest = (0.0,) * (len(window.ids) - 2)
    row = Row(ids=window.ids, weights=(1.0, 1.0, *rest), labels=(held[4], held[6], *map(int, rest)))
    short = Row(ids=window.ids[:-9], weights=(1.0, 1.0, *rest[:-9]), labels=(0, 0, *map(int, rest[:-9])))
    expected = [out.start_logits[0, held].log_softmax(0)[4], out.end_logits[0, held].log_softmax(0)[6]]
    for rows in ([row], [row, short]):
        found = points.token_logprobs(collate(rows, packed=False))
        assert torch.allclose(found[:2], torch.stack(expected), atol=1e-5)
    chances = points.distributions(collate([row, short], packed=False)).exp()
    assert chances.shape == (4, len(window.ids))
    assert torch.allclose(chances.sum(dim=1), torch.ones(4), atol=1e-5)
    assert torch.allclose(chances[0, held[4]].log(), expected[0], atol=1e-5)


def test_it_answers_in_words_of_the_passage_as_they_stand_there(points):
    prompts = [asked(), asked(passage=PASSAGE * 6), asked("谁？", "野马队赢了。" * 30)]
    said = points.generate(prompts, GREEDY)
    for prompt, text in zip(prompts, said, strict=True):
        assert text
        assert text in prompt.messages[1].content
    assert points.generate(prompts[::-1], GREEDY) == said[::-1], "whatever stands in a batch together"
    assert points.generate([asked(), asked()], Sampling(temperature=3.0, seed=1)) != points.generate([asked()] * 2, GREEDY)


def test_the_answer_over_windows_is_that_of_a_slow_search_over_all_of_them(points):
    windows = list(chat(points).windows(QUESTION, PASSAGE * 3))
    scores = []
    for window in windows:
        rest = (0.0,) * (len(window.ids) - 2)
        row = Row(ids=window.ids, weights=(1.0, 1.0, *rest), labels=(0,) * len(window.ids))
        with torch.no_grad():
            lines = points.form.places(points.inner, collate([row], packed=False))[0].double().numpy()
        held = slice(window.first, window.first + len(window.places))
        scores.append((lines[0, held], lines[1, held]))
    number, first, last = slow_best(scores, 12)
    places = windows[number].places
    expected = (PASSAGE * 3)[places[first][0] : places[last][1]].strip()
    (written,) = points.write([asked(passage=PASSAGE * 3)], GREEDY)
    assert written.text == expected
    assert written.ended
    assert written.ids == windows[number].ids[windows[number].first + first : windows[number].first + last + 1]


def test_answers_are_no_longer_than_the_model_was_taught(points):
    points.inner.config.max_answer_tokens = 1
    assert len(points.write([asked()], GREEDY)[0].ids) == 1
    pointed.expect_room(points, 5)
    assert points.inner.config.max_answer_tokens == 5
    del points.inner.config.max_answer_tokens
    pointed.expect_room(points, 5)
    assert points.inner.config.max_answer_tokens == USUAL_LONGEST


def test_an_answer_given_in_words_is_sought_in_the_passage(points):
    context = points.encode_prompt(asked())
    words = points.encode_response("the Broncos")
    weights = (0.0,) * len(context) + (1.0,) * len(words)
    spoken = Row(ids=(*context, *words), weights=weights, label="row 1")
    first = next(place for place in range(len(context)) if list(context[place : place + len(words)]) == words)
    rest = (0,) * (len(context) - 2)
    told = Row(ids=tuple(context), weights=(1.0, 1.0, *map(float, rest)), labels=(first, first + len(words) - 1, *rest))
    found = points.token_logprobs(collate([spoken, told], packed=False)).detach()
    assert found[: len(words)].sum() == pytest.approx(float(found[len(words) :].sum()), abs=1e-5)
    one = points.encode_response("won")
    alone = Row(ids=(*context, *one), weights=(0.0,) * len(context) + (1.0,) * len(one), label="row 2")
    assert torch.isfinite(points.token_logprobs(collate([alone], packed=False))).all()
    absent = Row(ids=(*context, *words[::-1]), weights=weights, label="row 3")
    with pytest.raises(ModelError, match=r"row 3: the answer .* does not stand in its passage"):
        points.token_logprobs(collate([absent], packed=False))


def test_a_prompt_of_one_turn_is_refused(points):
    with pytest.raises(ModelError, match="has 1 turns; a model that points reads two"):
        points.generate([Prompt(messages=(Message(role="user", content="Who won?"),))], GREEDY)


def test_a_model_that_fills_gaps_gets_a_head_and_an_adapter(tmp_path, tiny_folder):
    from sayso.models.fresh import fresh

    keys = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    body = fresh("bert", keys, tiny_folder, seed=0, device="cpu")
    body.save(tmp_path / "body")
    assert pointed.is_encoder(str(tmp_path / "body"))
    assert not pointed.is_encoder(str(tiny_folder))
    one, other = (pointed.opened(str(tmp_path / "body"), seed=1, device="cpu") for _ in range(2))
    assert torch.equal(one.inner.qa_outputs.weight, other.inner.qa_outputs.weight)
    assert torch.equal(one.inner.bert.embeddings.word_embeddings.weight, body.inner.bert.embeddings.word_embeddings.weight)
    said = one.generate([asked()], GREEDY)
    one.save(tmp_path / "points")
    assert json.loads((tmp_path / "points" / "config.json").read_text())["architectures"] == ["BertForQuestionAnswering"]
    again = pointed.opened(str(tmp_path / "points"), device="cpu")
    assert again.generate([asked()], GREEDY) == said
    adapted = adapters.attach(again, adapters.Lora(lora_r=2), seed=0)
    assert any("qa_outputs" in name for name, part in adapted.module.named_parameters() if part.requires_grad)
    assert adapted.generate([asked()], GREEDY) == said
    adapted.save(tmp_path / "adapter")
    assert pointed.is_encoder(str(tmp_path / "adapter"))
    assert pointed.opened(str(tmp_path / "adapter"), device="cpu").generate([asked()], GREEDY) == said


def test_an_architecture_without_such_a_head_is_named(tiny_folder, monkeypatch):
    class Lacking:
        __name__ = "AutoModelForQuestionAnswering"

        def from_config(self, *_config, **_more):
            raise ValueError("no such head")

    from sayso.models import opening

    monkeypatch.setitem(opening.AUTO, "extractive", Lacking())
    keys = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    with pytest.raises(ModelError, match="fresh:bert: transformers has no AutoModelForQuestionAnswering of this kind"):
        pointed.drawn("bert", keys, tiny_folder, seed=0, device="cpu")
