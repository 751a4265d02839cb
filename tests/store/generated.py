"""Hypothesis strategies for every record that a store keeps, odd Unicode included."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from sayso.records import Check, Comment, Message, Probe, Prompt, Refinement, Response, Span

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WORDS = TEXT.filter(lambda text: bool(text.strip())) | st.sampled_from(
    ["\ufeffmark", "e\u0301 \u200b", "👩‍👩‍👧", "a\u2028b", "\x00x", "你好。"]
)
IDS = st.text(string.ascii_letters + "é-_.@ 例", min_size=1, max_size=6).filter(lambda text: bool(text.strip()))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
MESSAGES = st.lists(
    st.builds(Message, role=st.sampled_from(["system", "user", "assistant"]), content=TEXT), max_size=2
).flatmap(
    lambda before: st.builds(
        lambda last: (*before, last), st.builds(Message, role=st.sampled_from(["system", "user"]), content=WORDS)
    )
)
PROMPTS = st.builds(
    Prompt,
    messages=MESSAGES,
    family=st.none() | WORDS,
    split=st.sampled_from([None, "train", "test"]),
)
RESPONSES = st.builds(Response, prompt=PROMPTS, text=TEXT, version=TEXT)
CHECKS = st.builds(Check, name=WORDS, args=st.dictionaries(TEXT, JSON, max_size=2))
PROBES = st.builds(Probe, prompt=PROMPTS, scope=st.sampled_from(["in", "near", "out"]))


@st.composite
def _span(draw: st.DrawFn, text: str) -> Span:
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start + 1, len(text)))
    return Span(start=start, end=end, quote=text[start:end], prefix=draw(TEXT), suffix=draw(TEXT))


@st.composite
def comments(draw: st.DrawFn) -> Comment:
    response = draw(st.none() | RESPONSES)
    spans = draw(st.lists(_span(response.text), max_size=2)) if response is not None and response.text else []
    return Comment(
        text=draw(WORDS),
        response=response,
        spans=tuple(spans),
        kind=draw(st.sampled_from(["fix", "keep", "question", "concern"])),
        polarity=draw(st.none() | st.floats(-1, 1)),
        severity=draw(st.sampled_from([None, "minor", "major", "critical"])),
        reach=draw(st.sampled_from([None, "this", "kind", "always"])),
        scope_text=draw(TEXT),
        check=draw(st.none() | CHECKS),
        probes=tuple(draw(st.lists(PROBES, max_size=4))),
        author=draw(TEXT),
        source=draw(st.sampled_from(["person", "model", "tool"])),
        created=draw(st.sampled_from(["", "2026-01-31T09:30:00+08:00", "2026-01-31T01:30:00Z"])),
        status=draw(st.sampled_from(["open", "superseded", "withdrawn"])),
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Comment], list[Refinement]]:
    """Draw comments, some superseding earlier ones, and refinements of them or of other responses."""
    said: list[Comment] = []
    for number, comment in enumerate(draw(st.lists(comments(), max_size=4, unique_by=lambda item: item.id))):
        older = draw(st.lists(st.sampled_from([item.id for item in said]), max_size=2, unique=True)) if said else []
        own_id = draw(st.booleans())
        said.append(_changed(comment, f"c{number}" if own_id else comment.id, tuple(older)))
    better = [draw(_refinement(said)) for _ in range(draw(st.integers(0, 3)))]
    return said, list({item.id: item for item in better}.values())


@st.composite
def _refinement(draw: st.DrawFn, said: list[Comment]) -> Refinement:
    about = [item.response for item in said if item.response is not None]
    return Refinement(
        response=draw(st.sampled_from(about)) if about and draw(st.booleans()) else draw(RESPONSES),
        text=draw(WORDS),
        addresses=tuple(draw(st.lists(st.sampled_from([item.id for item in said]), max_size=2, unique=True)))
        if said
        else (),
        refiner=draw(TEXT),
        source=draw(st.sampled_from(["person", "model", "tool"])),
        id=draw(st.just("") | st.uuids().map(str)),
    )


def _changed(comment: Comment, record_id: str, supersedes: tuple[str, ...]) -> Comment:
    import dataclasses

    return dataclasses.replace(comment, id=record_id, supersedes=supersedes)
