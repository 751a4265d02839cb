"""Which comment applies to which prompt, and what may be learnt from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sayso.loop.scopes import divide, place, standing
from sayso.records import Comment, Probe, Prompt, Response, Scope, ask


def probes(scope: Scope, *prompts: Prompt) -> tuple[Probe, ...]:
    return tuple(Probe(prompt=prompt, scope=scope) for prompt in prompts)


def comment(*found: Probe, **more: str) -> Comment:
    return Comment(id="c", text="No questions.", probes=found, **more)  # type: ignore[arg-type]


def test_a_named_split_holds():
    train, test = ask("a", split="train"), ask("b", split="test")
    divided = divide(comment(*probes("in", train, test)), test_fraction=0.5)
    assert [probe.prompt.text for probe in divided.train] == ["a"]
    assert [probe.prompt.text for probe in divided.test] == ["b"]


def test_a_single_undivided_probe_is_for_testing():
    divided = divide(comment(*probes("in", ask("a"))), test_fraction=0.5)
    assert (len(divided.train), len(divided.test)) == (0, 1)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=30), st.integers(0, 5))
def test_a_family_is_never_divided(families: list[str], seed: int):
    prompts = [ask(f"{number} {family}", family=family) for number, family in enumerate(families)]
    divided = divide(comment(*probes("in", *prompts)), test_fraction=0.5, seed=seed)
    train = {probe.prompt.family for probe in divided.train}
    test = {probe.prompt.family for probe in divided.test}
    assert not train & test
    assert len(divided.train) + len(divided.test) == len(prompts)


def test_a_prompt_that_no_probe_names_is_out_of_a_scoped_comment_and_in_an_unscoped_one():
    scoped = comment(*probes("in", ask("a", split="train")), scope_text="bad news")
    always = Comment(id="always", text="Be brief.")
    divided = {item.id: divide(item, test_fraction=0.5) for item in (scoped, always)}
    placed = {item.prompt.text: item.scopes for item in place([scoped, always], divided, [ask("x")])}
    assert placed["x"] == {"c": "out", "always": "in"}
    assert placed["a"] == {"c": "in", "always": "in"}


def test_what_is_tested_is_never_learnt_from_nor_is_its_family():
    scoped = comment(*probes("in", ask("a", family="f", split="test"), ask("b", split="train")))
    divided = {"c": divide(scoped, test_fraction=0.5)}
    prompts = [ask("a"), ask("other wording", family="f"), ask("c"), ask("d", split="test")]
    assert {item.prompt.text for item in place([scoped], divided, prompts)} == {"b", "c"}


def test_an_anchor_is_near_where_a_probe_says_so_and_none_where_a_comment_applies():
    scoped = comment(*probes("in", ask("a", split="train")), *probes("near", ask("b", split="train")))
    divided = {"c": divide(scoped, test_fraction=0.5)}
    anchors = {item.prompt.text: item.anchor for item in place([scoped], divided, [ask("z")])}
    assert anchors == {"a": None, "b": "near", "z": "out"}


def test_only_open_comments_without_a_response_stand():
    bound = Comment(text="No.", response=Response(prompt=ask("a"), text="b"))
    gone = Comment(text="Old.", status="withdrawn")
    kept = Comment(text="New.")
    assert standing([bound, gone, kept]) == [kept]
