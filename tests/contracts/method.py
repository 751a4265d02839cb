"""What every method must hold, as a list of small functions: `check_method(YourMethod(), make_policy)`.

`make_policy()` gives a fresh local model of a few thousand parameters each time it is called; it is trained here.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from sayso import config
from sayso.batches import collate
from sayso.errors import PreflightError
from sayso.methods import OnPolicy
from sayso.records import Check, Comment, Example, Refinement, Response, Span, ask, plain
from sayso.training.engine.drawing import source
from sayso.training.engine.optimizer import prepare, trainable
from sayso.training.settings import Train
from sayso.training.steps import steps

MakePolicy = Callable[[], Any]
SHORT = Train(max_steps=4, per_device_train_batch_size=3, learning_rate=1e-2, save_steps=1, lora_r=4, seed=3)


def examples(count: int = 10) -> list[Example]:
    """Return examples of different lengths that have everything a method may want."""
    made = []
    for number in range(count):
        prompt = ask("Tell me of " + "the cat and " * (number % 4) + f"dog {number}.", family=f"f{number}")
        text = "It ran" + " far" * (number % 3) + " away."
        response = Response(prompt=prompt, text=text)
        span = Span(start=0, end=2, quote="It")
        check = Check(name="regex", args={"pattern": "[a-m]"})
        comment = Comment(text="Say who.", response=response, spans=(span,), polarity=-1.0, check=check)
        refinement = Refinement(response=response, text=f"Dog {number}{text[2:]}", addresses=(comment.id,))
        made.append(Example(prompt=prompt, response=response, comments=(comment,), refinement=refinement))
    return made


def given(method: Any, count: int = 10) -> list[Example]:
    """Return examples for a method; with as many near and as many out where it wants anchors."""
    held = ("near", "out") if "anchors" in method.wants else ()
    return examples(count) + [anchor(scope, number) for scope in held for number in range(count)]


def anchor(scope: Any, number: int) -> Example:
    """Return the model's own answer to a prompt near the scope of all comments, or out of it."""
    prompt = ask(f"Sing to the {scope} cow {number}.", family=f"{scope}{number}")
    return Example(prompt=prompt, response=Response(prompt=prompt, text="Moo" + "o" * (number % 3) + "."), scope=scope)


def draws(method: Any) -> bool:
    """Return whether a method draws answers while training."""
    return isinstance(method, OnPolicy) and method.on_policy


def is_made_without_arguments(method: Any, make_policy: MakePolicy) -> None:
    assert type(method)().learning_rate > 0


def settings_survive_yaml_and_json(method: Any, make_policy: MakePolicy) -> None:
    kind = type(method)
    assert config.build(kind, yaml.safe_load(config.dump(method)), where="test") == method
    assert config.build(kind, json.loads(json.dumps(dataclasses.asdict(method))), where="test") == method


def rows_are_repeatable_and_leave_the_examples_alone(method: Any, make_policy: MakePolicy) -> None:
    policy, read = make_policy(), given(method)
    before = plain(read)
    first = list(method.rows(read, policy))
    assert first == list(method.rows(iter(read), policy))
    assert plain(read) == before
    assert len(first) % method.group == 0, "rows must come in whole groups"
    unread = [item.prompt.id for item in read if not any(item.prompt.id in row.label for row in first)]
    assert unread == [] or draws(method), "only answers that are drawn may turn out to teach nothing"
    assert all(row.label for row in first), "rows must carry a label that names them in messages"


def prompt_tokens_carry_no_loss(method: Any, make_policy: MakePolicy) -> None:
    policy = make_policy()
    for number, example in enumerate(examples()):
        read = [example, *given(method, 1)[1:]]
        texts = [part.text for item in read for part in (item.response, item.refinement) if part is not None]
        answers = [policy.encode_response(text) for text in texts]
        for row in method.rows(read, policy):
            said = [policy.encode_response(comment.text) for item in read for comment in item.comments]
            learnt = said if row.kind == "critique" else answers
            starts = [len(row.ids) - len(answer) for answer in learnt if list(row.ids[-len(answer) :]) == answer]
            assert starts, f"row of example {number} ends with something else than an answer"
            context = min(starts)
            assert any(row.weights), f"row of example {number} learns nothing"
            assert not any(row.weights[:context]), f"row of example {number} learns something else than an answer"
            assert context >= min(len(policy.encode_prompt(item.prompt)) for item in read if item.prompt.id in row.label)


def padding_changes_nothing(method: Any, make_policy: MakePolicy) -> None:
    policy = _warmed(method, make_policy)
    rows = list(method.rows(given(method, 4), policy))
    together = _loss_and_gradient(method, policy, [rows], packed=False)
    alone = [rows[first : first + method.group] for first in range(0, len(rows), method.group)]
    _assert_equal(together, _loss_and_gradient(method, policy, alone, packed=False))


def packing_changes_nothing(method: Any, make_policy: MakePolicy) -> None:
    policy = _warmed(method, make_policy)
    assert policy.packed, "this check needs a model that can pack"
    rows = list(method.rows(given(method, 4), policy))
    padded = _loss_and_gradient(method, policy, [rows], packed=False)
    _assert_equal(padded, _loss_and_gradient(method, policy, [rows], packed=True))


def micro_batching_changes_nothing(method: Any, make_policy: MakePolicy) -> None:
    found = []
    for max_tokens in (1, 100_000):
        policy = prepare(make_policy(), SHORT)
        rows = list(method.rows(given(method), policy))
        records = list(steps(method, policy, rows, dataclasses.replace(SHORT, max_steps=2, max_tokens=max_tokens)))
        found.append([(record.loss, record.grad_norm) for record in records])
    for one, other in zip(*found, strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-5)


def the_reference_is_left_as_it_was(method: Any, make_policy: MakePolicy) -> None:
    policy = prepare(make_policy(), SHORT)
    rows = list(method.rows(given(method), policy))
    batch = collate(rows, group=method.group, packed=policy.packed, pad_id=policy.pad_id)
    before = policy.reference().token_logprobs(batch)
    list(steps(method, policy, rows, SHORT))
    assert torch.equal(policy.reference().token_logprobs(batch), before)
    assert not torch.allclose(policy.token_logprobs(batch), before), "nothing was learnt at all"


def ten_rows_are_overfitted(method: Any, make_policy: MakePolicy) -> None:
    # All weights: an adapter cannot move a random output head far.
    settings = dataclasses.replace(SHORT, max_steps=30, per_device_train_batch_size=10, learning_rate=3e-3, use_lora=False)
    policy = prepare(_sharpened(make_policy()), settings)
    records = list(steps(method, policy, list(method.rows(given(method), policy)), settings))
    # A loss whose value says nothing reports the `gap` that it closes instead.
    first, last = (record.sums.get("gap", record.loss) for record in (records[0], records[-1]))
    assert last < 0.5 * first


def a_resumed_run_ends_where_an_uninterrupted_one_does(method: Any, make_policy: MakePolicy) -> None:
    whole = prepare(make_policy(), SHORT)
    rows = list(method.rows(given(method), whole))
    list(steps(method, whole, rows, SHORT))
    with tempfile.TemporaryDirectory() as name:
        stopped = prepare(make_policy(), SHORT)
        list(islice(steps(method, stopped, rows, SHORT, folder=Path(name)), 3))
        resumed = prepare(make_policy(), SHORT)
        records = list(steps(method, resumed, rows, SHORT, folder=Path(name), resume=True))
    assert [record.step for record in records] == [3, 4]
    for (name, one), other in zip(trainable(whole.module).items(), trainable(resumed.module).values(), strict=True):
        assert torch.equal(one, other), name


def no_rows_give_a_clear_error(method: Any, make_policy: MakePolicy) -> None:
    policy = prepare(make_policy(), SHORT)
    assert list(method.rows([], policy)) == []
    with pytest.raises(PreflightError, match="no rows to learn from"):
        next(steps(method, policy, [], SHORT))


def its_docstring_has_the_four_headings(method: Any, make_policy: MakePolicy) -> None:
    text = type(method).__doc__ or ""
    assert [heading for heading in ("Source:", "Wants:", "Loss:", "Differs:") if heading not in text] == []


CHECKS: tuple[Callable[[Any, MakePolicy], None], ...] = (
    is_made_without_arguments,
    settings_survive_yaml_and_json,
    rows_are_repeatable_and_leave_the_examples_alone,
    prompt_tokens_carry_no_loss,
    padding_changes_nothing,
    packing_changes_nothing,
    micro_batching_changes_nothing,
    the_reference_is_left_as_it_was,
    ten_rows_are_overfitted,
    a_resumed_run_ends_where_an_uninterrupted_one_does,
    no_rows_give_a_clear_error,
    its_docstring_has_the_four_headings,
)


FIXED_ROWS_ONLY = (prompt_tokens_carry_no_loss, ten_rows_are_overfitted)
"""Checks that name the answers to be learnt, which are not known where they are drawn."""


def drawn_answers_carry_loss_and_nothing_before_them_does(method: Any, make_policy: MakePolicy) -> None:
    policy = make_policy()
    tasks = method.tasks(given(method, 4), policy)
    prompts = [policy.encode_prompt(example.prompt) for example in given(method, 4)]
    rows = method.draw(policy, tasks, step=0, seed=3).rows
    assert rows, "nothing was drawn that teaches anything"
    for row in rows:
        learnt = [number for number, weight in enumerate(row.weights) if weight]
        assert learnt == list(range(learnt[0], len(row.ids))), "an answer is learnt whole"
        assert any(learnt[0] >= len(ids) for ids in prompts)
    assert all(any(list(row.ids[: len(ids)]) == ids for ids in prompts) for row in rows[:: method.group])


def a_step_draws_the_same_answers_again_and_another_one_others(method: Any, make_policy: MakePolicy) -> None:
    policy = make_policy()
    tasks = method.tasks(given(method, 4), policy)
    first = method.draw(policy, tasks, step=1, seed=3)
    assert first == method.draw(policy, tasks, step=1, seed=3)
    assert first.rows != method.draw(policy, tasks, step=2, seed=3).rows
    assert first.rows != method.draw(policy, tasks, step=1, seed=4).rows


def drawing_leaves_the_policy_ready_to_learn(method: Any, make_policy: MakePolicy) -> None:
    policy = prepare(make_policy(), dataclasses.replace(SHORT, lora_dropout=0.5))
    before = {name: item.detach().clone() for name, item in policy.module.named_parameters()}
    rows = method.draw(policy, method.tasks(given(method, 4), policy), step=0, seed=3).rows
    assert torch.is_grad_enabled()
    assert all(torch.equal(before[name], item) for name, item in policy.module.named_parameters())
    assert all(item.grad is None for item in policy.module.parameters())
    batch = collate(rows[: method.group], group=method.group, packed=policy.packed, pad_id=policy.pad_id)
    assert policy.token_logprobs(batch).requires_grad
    dropouts = [part for name, part in policy.module.named_modules() if "lora_dropout" in name and hasattr(part, "p")]
    assert dropouts
    assert all(part.training for part in dropouts)


def micro_batching_changes_nothing_of_what_is_drawn(method: Any, make_policy: MakePolicy) -> None:
    found = []
    for max_tokens in (1, 100_000):
        settings = dataclasses.replace(SHORT, max_steps=1, max_tokens=max_tokens)
        policy = prepare(make_policy(), settings)
        (record,) = steps(method, policy, source(method, given(method), policy), settings)
        found.append(record)
    assert (found[0].answers, found[0].rows, found[0].reward) == (found[1].answers, found[1].rows, found[1].reward)
    assert found[0].answers > 0
    assert found[0].grad_norm == pytest.approx(found[1].grad_norm, rel=1e-4)
    assert found[0].grad_norm > 0


def a_run_that_draws_ends_where_an_uninterrupted_one_does(method: Any, make_policy: MakePolicy) -> None:
    def begun(**how: Any) -> tuple[Any, Any]:
        policy = prepare(make_policy(), SHORT)
        return policy, steps(method, policy, source(method, given(method), policy), SHORT, clock=lambda: 0, **how)

    whole, run = begun()
    records = list(run)
    with tempfile.TemporaryDirectory() as name:
        list(islice(begun(folder=Path(name))[1], 3))
        resumed, run = begun(folder=Path(name), resume=True)
        assert list(run) == records[2:], "other answers were drawn"
    for (name, one), other in zip(trainable(whole.module).items(), trainable(resumed.module).values(), strict=True):
        assert torch.equal(one, other), name
    assert any(record.grad_norm for record in records), "nothing was learnt at all"


def nothing_to_draw_for_gives_a_clear_error(method: Any, make_policy: MakePolicy) -> None:
    policy = prepare(make_policy(), SHORT)
    with pytest.raises(PreflightError, match="no rows to learn from"):
        next(steps(method, policy, source(method, [], policy), SHORT))


ON_POLICY_CHECKS: tuple[Callable[[Any, MakePolicy], None], ...] = (
    drawn_answers_carry_loss_and_nothing_before_them_does,
    a_step_draws_the_same_answers_again_and_another_one_others,
    drawing_leaves_the_policy_ready_to_learn,
    micro_batching_changes_nothing_of_what_is_drawn,
    a_run_that_draws_ends_where_an_uninterrupted_one_does,
    nothing_to_draw_for_gives_a_clear_error,
)


def checks_of(method: Any) -> list[Callable[[Any, MakePolicy], None]]:
    """Return the checks that a method must hold; one that draws its answers has some of its own."""
    if not draws(method):
        return list(CHECKS)
    return [check for check in CHECKS if check not in FIXED_ROWS_ONLY] + list(ON_POLICY_CHECKS)


def check_method(method: Any, make_policy: MakePolicy) -> None:
    """Run every check; the first that fails raises AssertionError."""
    for check in checks_of(method):
        check(method, make_policy)


def _warmed(method: Any, make_policy: MakePolicy) -> Any:
    """Return a policy some steps away from its reference, so that a loss measured from there is not trivially zero."""
    policy = prepare(make_policy(), SHORT)
    list(steps(method, policy, list(method.rows(given(method), policy)), SHORT))
    return policy


def _sharpened(policy: Any) -> Any:
    """Return the policy with larger matrices: a freshly drawn model hardly heeds what it reads."""
    with torch.no_grad():
        for parameter in policy.module.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
    return policy


def _loss_and_gradient(method: Any, policy: Any, runs: list[list[Any]], *, packed: bool) -> tuple[float, torch.Tensor]:
    total, count = 0.0, 0.0
    for rows in runs:
        batch = collate(rows, group=method.group, packed=packed, pad_id=policy.pad_id)
        loss = method.loss(policy, policy.reference(), batch)
        loss.total.backward()
        total, count = total + float(loss.total.detach()), count + loss.count
    gradient = torch.cat([parameter.grad.flatten() / count for parameter in trainable(policy.module).values()])
    policy.module.zero_grad()
    return total / count, gradient


def _assert_equal(one: tuple[float, torch.Tensor], other: tuple[float, torch.Tensor]) -> None:
    assert one[0] == pytest.approx(other[0], abs=1e-5)
    assert torch.allclose(one[1], other[1], atol=1e-5)
    assert one[1].abs().max() > 1e-4, "no gradient to compare"
