"""What a test lets several processes do together, and one alone: a whole round, and all that scores a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.loop.conftest import clock

from sayso.evaluation import answering, classifying, heldout
from sayso.evaluation.sureness import sureness
from sayso.loop import rounds
from sayso.loop.workspace import Workspace
from sayso.models import headed, local
from sayso.models.writing.sampling import Sampling
from sayso.records import Response, ask
from sayso.tasks.classify.task import Classify
from sayso.tasks.items import Item
from sayso.tasks.write import Write
from sayso.training.engine.place import each, first_then_others, place, together

PROMPTS = [ask(f"Tell me about {'very ' * number}old things.") for number in (0, 7, 2, 2, 5)]
LABELS = ("good", "bad")


def a_round(folder: Path) -> dict[str, Any]:
    """Do the round of the folder with refinements that the model writes; return what it came to."""
    name = folder / f"workspace-{place().size}"
    workspace = first_then_others(lambda: _workspace(name, folder / "model"))
    layer = rounds.read(folder / "round" / "round.yaml")
    settings = workspace.settings(layer, assignments=["refine.refiners=[given, sample, edit]", "refine.num_samples=2"])
    found = rounds.run(workspace, settings)
    summary = {key: value for key, value in rounds.summary(found).items() if key not in ("seconds", "report")}
    kept = {
        "responses": {(item.prompt.id, item.text) for item in workspace.store.responses()},
        "refinements": {(item.response.id, item.text) for item in workspace.store.refinements()},
        "rejections": sorted((item.response.id, item.text, item.reason) for item in workspace.store.rejections()),
        "evaluations": len(workspace.store.evaluations()),
        "versions": [version.id for version in workspace.store.versions()],
    }
    workspace.close()
    return {"round": summary, "outcomes": found.evaluation.outcomes, "kept": kept}


def _workspace(folder: Path, model: Path) -> Workspace:
    if folder.exists():
        return Workspace.open(folder, clock=clock)
    return Workspace.init(folder, model=str(model), clock=clock)


def scores(folder: Path) -> dict[str, Any]:
    """Return everything that is measured of a model, over processes where there are several."""
    model = local.load(folder / "model", device="cpu")
    rows = list(answers(model))
    task = Write()
    items = [Item(inputs={"kind": "story", "title": "t", "opening": "", "form": ""}, answers=(p.text,)) for p in PROMPTS]
    said: list[int] = []
    sampling = Sampling(max_new_tokens=6, temperature=1.0, batch_size=2)
    answered = answering.by_model(together(model), task, items, sampling, name="m", told=said.append, each=each)
    labeller = headed.NetworkLabeller(headed.headed(str(folder / "model"), LABELS, device="cpu"))
    texts = [Item(inputs={"text": f"text {number}"}, answers=(LABELS[number % 2],)) for number in range(300)]
    judged = classifying.by_labeller(labeller, Classify(labels=LABELS), texts, each=each)
    assert judged.probabilities is not None
    return {
        "heldout": heldout.loss(model, rows, max_tokens=32, each=each),
        "sureness": sureness(model, [Response(prompt=p, text="It is so.", version="v") for p in PROMPTS], each=each),
        "answers": answered.written, "metrics": [(one.name, one.value) for one in answered.metrics()], "told": said,
        "probabilities": judged.probabilities.tolist(), "labels": judged.answers,
    }  # fmt: skip


def answers(model: Any) -> Any:
    """Yield rows to score."""
    from sayso.batches import row

    for prompt in PROMPTS:
        yield row(model.encode_prompt(prompt), model.encode_response(f"{prompt.text} Yes."))
