"""Twenty inputs that are broken on purpose: each is stopped before anything is trained, with what is broken named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.contracts.method import examples

from sayso.batches import Row
from sayso.errors import PreflightError, RecordError, SaysoError
from sayso.methods.cut import Cut
from sayso.methods.edit_weighted import EditWeighted
from sayso.methods.hindsight import Hindsight
from sayso.methods.polarity import Polarity
from sayso.methods.refine_dpo import RefineDpo
from sayso.methods.refine_sft import RefineSft
from sayso.records import Check, Comment, Refinement, Response, Span, ask
from sayso.store import database, exchange
from sayso.training.preflight import check_rows, examine
from sayso.training.rules import RULES


@dataclass(frozen=True)
class Broken:
    """What is broken, which rule stops it, and what the message names."""

    name: str
    rule: str
    do: Callable[[Any, Path], Any]
    says: str
    error: type[SaysoError] = PreflightError


def learnt(method: Any, tiny: Any, given: Any) -> None:
    examine(method, tiny, given, list(method.rows(given, tiny)))


def changed(part: str, *, at: int = 3, **fields: Any) -> list[Any]:
    """Return good examples, one of them with another refinement or comment."""
    given = examples()
    old = getattr(given[at], part)
    new = tuple(dataclasses.replace(item, **fields) for item in old) if part == "comments" else None
    given[at] = dataclasses.replace(given[at], **{part: new or dataclasses.replace(old, **fields)})
    return given


def commented(**fields: Any) -> list[Any]:
    """Return good examples, all of them with other comments."""
    return [
        dataclasses.replace(item, comments=tuple(dataclasses.replace(said, **fields) for said in item.comments))
        for item in examples()
    ]


def checked(at: int, *checks: Check) -> list[Any]:
    given = examples()
    said = tuple(
        dataclasses.replace(given[at].comments[0], id=f"c{number}", check=check) for number, check in enumerate(checks)
    )
    given[at] = dataclasses.replace(given[at], comments=said)
    return given


def row(*weights: float, label: str = "r7") -> Row:
    return Row(ids=tuple(range(len(weights))), weights=weights, label=label)


def equal_sides(tiny: Any, _folder: Path) -> None:
    learnt(RefineDpo(), tiny, changed("refinement", text=examples()[3].response.text))


def prompt_of(number: int) -> str:
    return str(examples()[number].prompt.id)


def long_prompt(tiny: Any, _folder: Path) -> None:
    given = examples()
    given[3] = dataclasses.replace(given[3], prompt=dataclasses.replace(ask("word " * 100), id="endless"))
    learnt(RefineSft(), tiny, given)


def no_response(tiny: Any, _folder: Path) -> None:
    given = examples()
    given[3] = dataclasses.replace(given[3], response=None)
    learnt(Hindsight(), tiny, given)


def repeated(tiny: Any, _folder: Path) -> None:
    learnt(RefineSft(), tiny, examples(4) * 3)


def broken_model(tiny: Any, _folder: Path) -> None:
    with torch.no_grad():
        tiny.module.get_output_embeddings().weight[0, 0] = float("nan")
    learnt(RefineSft(), tiny, examples())


def span_outside(_tiny: Any, folder: Path) -> None:
    response = Response(prompt=ask("Tell me."), text="It ran.")
    comment = Comment(text="Who?", id="far", response=response, spans=(Span(start=3, end=99, quote="ran"),))
    database.open(folder / "s.db", clock=lambda: "2026-01-01T00:00:00+00:00").add_comments([comment])


def unknown_address(_tiny: Any, folder: Path) -> None:
    refinement = Refinement(
        response=Response(prompt=ask("Tell me."), text="It ran."), text="Rex ran.", addresses=("nobody",)
    )
    database.open(folder / "s.db", clock=lambda: "2026-01-01T00:00:00+00:00").add_refinements([refinement])


def short_answers(tiny: Any, _folder: Path) -> None:
    learnt(Hindsight(skip_first=200), tiny, examples())


TWENTY = [
    Broken("chosen equals rejected", "equal_sides", equal_sides, f"1 of 10 refinements equal .*{prompt_of(3)}"),
    Broken("empty comment", "empty_comment", lambda tiny, _: learnt(Hindsight(), tiny, changed("comments", text=" ")),
        f"1 of 10 examples have a comment without words: {prompt_of(3)}"),
    Broken("comment longer than the context", "too_long",
        lambda tiny, _: learnt(Hindsight(), tiny, changed("comments", text="long " * 100)),
        f"longer than the model's context of 256 tokens: {prompt_of(3)}"),
    Broken("span outside the text", "span_outside", span_outside, r"'?far'?.*\[3, 99\]", RecordError),
    Broken("all rows masked", "masked", lambda tiny, _: check_rows([row(0, 0), row(0, 0)], tiny, group=1),
        "none of the 2 rows carries loss"),
    Broken("NaN in the model's weights", "non_finite_model", broken_model, "no finite numbers: lm_head"),
    Broken("NaN in a row's weights", "non_finite_row",
        lambda tiny, _: check_rows([row(0, 1), row(0, float("nan"))], tiny, group=1), "1 of 2 rows .*: r7"),
    Broken("one class only", "one_class", lambda tiny, _: learnt(Polarity(refinements=False), tiny, examples()),
        "all 10 responses are blamed|blamed"),
    Broken("duplicate rows", "repeated", repeated, f"8 of 12 examples repeat an earlier one: {prompt_of(0)}"),
    Broken("contradictory comments", "contradiction",
        lambda tiny, _: learnt(RefineSft(), tiny, checked(3, Check(name="contains", args={"text": "please"}),
            Check(name="excludes", args={"text": "Please"}))), r"1 pairs of comments .*c0 .*/ c1 "),
    Broken("empty refinement", "empty_refinement",
        lambda tiny, _: learnt(RefineSft(), tiny, changed("refinement", text="")),
        f"1 of 10 refinements are empty: {prompt_of(3)}"),
    Broken("refinement equal to the prompt", "echoed_prompt",
        lambda tiny, _: learnt(RefineSft(), tiny, changed("refinement", text=examples()[3].prompt.text)),
        f"1 of 10 refinements are their own prompts again: {prompt_of(3)}"),
    Broken("unknown comment id in addresses", "unknown_address", unknown_address, "'nobody'", RecordError),
    Broken("prompt longer than the context", "too_long", long_prompt, "context of 256 tokens: endless"),
    Broken("no targets after the response's first tokens", "skipped", short_answers,
        f"none of the 10 answers .* first 200 tokens.*: {prompt_of(0)}"),
    Broken("infinite row weights", "non_finite_row",
        lambda tiny, _: check_rows([row(0, float("inf"))], tiny, group=1), "1 of 1 rows .*: r7"),
    Broken("broken groups", "broken_group", lambda tiny, _: check_rows([row(0, 1)] * 3, tiny, group=2),
        "3 rows do not make whole groups of 2"),
    Broken("comment without a response", "missing_part", no_response,
        f"1 of 10 examples have no response.*: {prompt_of(3)}"),
    Broken("praise alone where faults are wanted", "no_faults",
        lambda tiny, _: learnt(Cut(), tiny, commented(kind="keep", polarity=None)),
        f"all of the 10 examples are praised.*: {prompt_of(0)}"),
    Broken("all comments of a shuffled contrast equal", "no_contrast",
        lambda tiny, _: learnt(Hindsight(contrast="shuffled"), tiny, examples()), r"contrast: shuffled .*'Say who\.'"),
    Broken("a check that cannot load", "unloadable_check",
        lambda tiny, _: learnt(EditWeighted(), tiny, checked(3, Check(name="no_such_check"))),
        "comment 'c0' .*: its check cannot be loaded: .*no_such_check"),
    Broken("nothing at all", "no_examples", lambda tiny, _: learnt(RefineSft(), tiny, []), "no example to learn from"),
    Broken("no rows", "no_rows", lambda tiny, _: check_rows([], tiny, group=1), "no rows to learn from"),
]  # fmt: skip


@pytest.mark.parametrize("broken", TWENTY, ids=lambda broken: broken.name)
def test_it_is_stopped_before_training_and_named(broken: Broken, tiny: Any, tmp_path: Path) -> None:
    with pytest.raises(broken.error, match=broken.says):
        broken.do(tiny, tmp_path)
    assert RULES[broken.rule].stops


def test_every_rule_that_stops_is_tried() -> None:
    assert {name for name, rule in RULES.items() if rule.stops} == {broken.rule for broken in TWENTY}


def test_a_file_with_an_empty_refinement_or_comment_is_stopped_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "comments.jsonl"
    path.write_text(
        '{"text": "Say who.", "prompt": "Tell me.", "response": "It ran.", "refinement": " "}\n{"text": " "}\n',
        encoding="utf-8",
    )
    where = [fault.where for fault in exchange.read_comments(path).faults]
    assert [item.rsplit(":", 1)[-1] for item in where] == ["1", "2"]
