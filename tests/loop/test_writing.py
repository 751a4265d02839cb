"""Generate: what a model was least sure of comes first to those who look for it."""

from __future__ import annotations

from sayso.evaluation.sureness import sureness
from sayso.loop.workspace import Workspace
from sayso.records import ask
from sayso.store import review


def test_the_answers_a_model_was_least_sure_of_come_first_in_the_uncertain_order(workspace: Workspace) -> None:
    settings = workspace.settings()
    prompts = [ask(f"Tell me about {'very ' * number}old things.") for number in range(4)]
    workspace.generate(prompts, settings=settings)
    scores = sureness(workspace.model(), workspace.store.responses())
    assert len(set(scores.values())) == 4
    order = [item.response_id for item in review.queue(workspace.store, "uncertain").items]
    assert order == sorted(scores, key=lambda name: scores[name])
