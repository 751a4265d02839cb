"""Does `sayso recommend` name what the bake-off finds? Ten workspaces that hold different things are asked, then compared.

    python benchmarks/recommending.py --out advice                        # ten workspaces: about an hour on one core
    python benchmarks/recommending.py --out advice --only few,spans       # some of them
    python benchmarks/recommending.py --out advice --seeds 3 --steps 48   # a larger budget (another folder)
    python benchmarks/recommending.py --out advice --table                # the table of what is there

The comments and the rates are those of `sayso bench takes`, the model is the one that comes with sayso, and the guard holds
it hard enough for the gate's margin on what it knew. Each workspace is made, its prompts are answered, how well the
model follows comments is measured, `recommend` is asked, and all methods that it ranks are compared at as many tokens as
the first of them reads. It agrees where its first method is the comparison's best or a tie of it; where no method is
shown to take, nothing is said. `advice.md` and `advice.json` hold the table. Stopped, the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sayso.loop import competence, demo, recommending
from sayso.loop.bench import suite, together
from sayso.loop.bench.material import repair_by, said_of
from sayso.loop.bench.suite import Item
from sayso.loop.bench.tiers import SMALL_RATES
from sayso.loop.compare import comparing, trying
from sayso.loop.progress import ignore
from sayso.loop.settings import Settings
from sayso.loop.workspace import Workspace, write_whole
from sayso.records import Comment, Probe, Prompt, Refinement, Response, Scope

SCOPES: tuple[Scope, ...] = ("in", "near", "out")
REASONS = (
    "Readers told us again and again that without it they do not know what to do with such a text.",
    "We agreed on this with the people who answer these letters, and it saves them a question each time.",
    "It was asked for in the last three reviews, and nobody could say why it was still missing.",
)
PRAISE = "This is right as it is."


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What a workspace holds."""

    name: str
    says: str
    comments: int = 1
    first: int = 0
    """Of the suite's comments, where those of this workspace begin."""
    inside: int = 16
    beside: int = 16
    """Prompts near, and prompts out of scope, of each comment."""
    refined: float = 1.0
    """Share of the failing responses that have a refinement."""
    form: str = "standing"
    """`standing` comments with prompts in scope, or `always`; on responses `bound` with spans, or `voted` without words."""
    reasons: bool = False


WORKSPACES = (
    Made(name="few", says="one comment, sixteen prompts in its scope, all refined"),
    Made(name="many", says="eight comments, all refined", comments=8, first=1, inside=8, beside=8),
    Made(name="always", says="one comment that always applies, many refined", first=2, inside=32, beside=32, form="always"),
    Made(name="hedged", says="two comments, far more prompts near and out of scope than in it", comments=2, first=4,
         inside=8, beside=32),
    Made(name="unrefined", says="one comment with a check and no refinement", first=6, inside=24, refined=0.0),
    Made(name="quarter", says="two comments, a quarter of the responses refined", comments=2, first=8, refined=0.25),
    Made(name="spans", says="comments on responses that point at words, all refined", first=1, inside=24, form="bound"),
    Made(name="votes", says="praise and blame without words on responses, few refined", first=10, inside=32, refined=0.25,
         form="voted"),
    Made(name="reasons", says="twelve comments of many words, all refined", comments=12, first=12, inside=6, beside=6,
         reasons=True),
    Made(name="unseen", says="one comment of a kind the model never read, all refined", first=-1, inside=24),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, ask, compare, and write the table."""
    given = _parser().parse_args(arguments)
    wanted = [made for made in WORKSPACES if not given.only or made.name in given.only.split(",")]
    if not wanted:
        print(f"--only: expected some of {', '.join(made.name for made in WORKSPACES)}", file=sys.stderr)
        return 2
    given.out.mkdir(parents=True, exist_ok=True)
    for made in wanted if not given.table else ():
        path = given.out / f"{made.name}.json"
        if not path.is_file():
            found = judged(made, given)
            write_whole(path, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
            print(
                f"{made.name}: recommended {found['recommended']}, best {found['best'] or '–'}: {found['agrees']}",
                flush=True,
            )
    there = [given.out / f"{made.name}.json" for made in WORKSPACES]
    found = [json.loads(path.read_text(encoding="utf-8")) for path in there if path.is_file()]
    write_whole(given.out / "advice.json", json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    write_whole(given.out / "advice.md", page(found))
    print(page(found))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="", help="workspaces with commas between them")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=24, help="for two comments, of the first method")
    parser.add_argument("--tests", type=int, default=12, help="test prompts a comment and scope")
    parser.add_argument("--methods", default="", help="compare these alone, for a trial")
    parser.add_argument("--model", default="", help="a folder; otherwise the model that comes with sayso")
    parser.add_argument("--table", action="store_true", help="run nothing")
    return parser


def judged(made: Made, given: argparse.Namespace) -> dict[str, Any]:
    """Make a workspace where it is not there yet, ask for advice, and compare."""
    folder = given.out / made.name
    begun = (folder / "sayso.yaml").is_file()
    workspace = Workspace.open(folder) if begun else Workspace.init(folder, model=given.model or str(demo.model()))
    try:
        settings = workspace.settings(assignments=[
            f"train.max_steps={given.steps * max(2, made.comments) // 2}", "train.save_steps=0", "guard.near_weight=4",
            "guard.out_weight=2", "guard.rows_per_step=12", "evaluate.max_new_tokens=80",
            "generate.max_new_tokens=80", "generate.temperature=0.8", f"refine.refiners={json.dumps(['given'])}",
        ])  # fmt: skip
        if not (folder / "made").is_file():
            fill(workspace, settings, made, given.tests)
            (folder / "made").touch()
        competence.measure(workspace, settings, workspace.version(""))
        advice = recommending.recommend(workspace, settings)
        names = given.methods.split(",") if given.methods else [item.method for item in advice.ranked]
        asked = comparing.Asked(entries=trying.entries(",".join(map(_rated, names))), seeds=given.seeds)
        found = comparing.compare(workspace, settings, asked, watch=ignore)
    finally:
        workspace.close()
    return {**asdict(made), **_verdict(advice.best, found), "compared": names, "holding": asdict(advice.holding)}


def _rated(name: str) -> str:
    """Return a method with the rate that suits so small a model."""
    return f"{name}:learning_rate={SMALL_RATES[name]}" if name in SMALL_RATES else name


def _verdict(recommended: str, found: dict[str, Any]) -> dict[str, Any]:
    ranking = {key: found["ranking"][key] for key in ("best", "ties", "worse", "metric")}
    plain = {key: [_bare(name) for name in ranking[key]] for key in ("ties", "worse")}
    best = _bare(ranking["best"])
    agrees = "nothing shown" if not best else "yes" if recommended in (best, *plain["ties"]) else "no"
    figures = {_bare(row["name"]): row["figures"].get(ranking["metric"]) for row in found["rows"] if row["kind"] == "method"}
    return {
        "recommended": recommended, "best": best, **plain, "agrees": agrees, "figures": figures,
        "left out": [item["name"] for item in found["left_out"]],
    }  # fmt: skip


def _bare(label: str) -> str:
    return label.partition(":")[0]


def fill(workspace: Workspace, settings: Settings, made: Made, tests: int) -> None:
    """Put into a workspace what it is to hold."""
    items = chosen(made)
    bound = made.form in ("bound", "voted")
    workspace.comment(*(standing(item, made, number, tests, learnt=not bound) for number, item in enumerate(items)))
    if bound:
        prompts = [prompt for item in items for prompt in item.learn["in"][: made.inside]]
        workspace.generate(prompts, settings=settings)
    workspace.generate(settings=settings)
    written = {response.prompt.id: response for response in workspace.store.responses(version="base")}
    for item in items:
        answered = [written[prompt.id] for prompt in _inside(item, made) if prompt.id in written]
        comments = spoken(workspace, item, made, answered)
        refine(workspace, item, made, answered, comments)


def chosen(made: Made) -> tuple[Item, ...]:
    """Return the comments of a workspace: so many of the suite that may share weights."""
    items = suite.load().items
    if made.first < 0:
        return tuple(item for item in items if item.unseen)[: made.comments]
    return together.sets(items[made.first :], made.comments, 1)[0]


def standing(item: Item, made: Made, number: int, tests: int, *, learnt: bool) -> Comment:
    """Return a comment without a response, with prompts to test on and, with `learnt`, prompts in scope to learn from."""
    everywhere = made.form == "always"
    probes = [
        Probe(prompt=prompt, scope="in" if everywhere else scope)
        for scope in SCOPES
        for prompt in (*(_learnt(item, made, scope) if learnt or scope != "in" else ()), *item.test[scope][:tests])
    ]
    words = item.words[0]
    if made.reasons:
        words = f"{words} {REASONS[number % len(REASONS)]}"
    return Comment(
        id=item.id, text=words, scope_text="" if everywhere else item.scope_text, check=item.check, probes=tuple(probes),
        reach="always" if everywhere else "kind",
    )  # fmt: skip


def _learnt(item: Item, made: Made, scope: Scope) -> tuple[Prompt, ...]:
    return item.learn[scope][: made.inside if scope == "in" else made.beside]


def _inside(item: Item, made: Made) -> Iterator[Prompt]:
    yield from _learnt(item, made, "in")
    if made.form == "always":
        yield from (*_learnt(item, made, "near"), *_learnt(item, made, "out"))


def spoken(workspace: Workspace, item: Item, made: Made, answered: Sequence[Response]) -> dict[str, str]:
    """Say of each response what is to be said, and return by response which comment is not met."""
    held: Callable[[str], Any] = item.held()
    failing = [response for response in answered if not held(response.text).held]
    if made.form not in ("bound", "voted"):
        return {response.id: item.id for response in failing}
    said = [replace(said_of(item, 0, response), id="", probes=(), reach="this") for response in failing]
    if made.form == "voted":
        said = [replace(comment, text="Wrong.", spans=(), polarity=-1.0, check=None, scope_text="") for comment in said]
    good = [response for response in answered if held(response.text).held]
    praised = [Comment(text=PRAISE, response=response, kind="keep", polarity=1.0) for response in good]
    workspace.comment(*said, *praised)
    return {comment.response.id: comment.id for comment in said if comment.response}


def refine(workspace: Workspace, item: Item, made: Made, answered: Sequence[Response], unmet: dict[str, str]) -> None:
    """Give so many of the failing responses a refinement: the check's own repair, as a person's."""
    repair = repair_by(item)
    failing = [response for response in answered if response.id in unmet]
    found = []
    for response in failing[: round(made.refined * len(failing))]:
        better = repair(response.text)
        if better:
            found.append(Refinement(response=response, text=better, addresses=(unmet[response.id],)))
    workspace.store.add_refinements(found)


def page(found: Sequence[dict[str, Any]]) -> str:
    """Return the table as Markdown."""
    told = [item for item in found if item["agrees"] != "nothing shown"]
    agreed = sum(item["agrees"] == "yes" for item in told)
    lines = [
        f"`sayso recommend` agrees with the bake-off's best or its tie on {agreed} of {len(told)} workspaces"
        f" ({len(found) - len(told)} in which no method is shown to take).",
        "",
        "| workspace | holds | recommended | best | ties | shown to be worse | agrees |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {item['name']} | {item['says']} | {item['recommended']} | {item['best'] or '–'} "
        f"| {', '.join(item['ties']) or '–'} | {', '.join(item['worse']) or '–'} | {item['agrees']} |"
        for item in found
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
