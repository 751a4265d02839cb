"""How sure a model was of what it wrote."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sayso.evaluation.sureness import sureness
from sayso.models.local import LocalModel
from sayso.records import Response, ask


def test_it_is_the_mean_log_probability_of_a_token_and_the_answers_end(tiny: LocalModel) -> None:
    responses = [Response(prompt=ask(f"Number {number}?"), text="ab" * (number + 1)) for number in range(3)]
    found = sureness(tiny, responses)
    for response in responses:
        context, said = tiny.encode_prompt(response.prompt), tiny.encode_response(response.text)
        with torch.no_grad():
            logits = tiny.inner(input_ids=torch.tensor([[*context, *said]])).logits[0].double()
        chances = torch.log_softmax(logits, dim=-1)
        by_hand = [float(chances[len(context) - 1 + at, token]) for at, token in enumerate(said)]
        assert found[response.id] == pytest.approx(sum(by_hand) / len(by_hand), rel=1e-4)


def test_an_answer_without_room_behind_its_prompt_is_left_out(tiny: LocalModel) -> None:
    short = Response(prompt=ask("Short?"), text="yes")
    long = replace(short, id="", text="far too long " * tiny.max_length)
    assert list(sureness(tiny, [long, short])) == [short.id]
    assert sureness(tiny, []) == {}
