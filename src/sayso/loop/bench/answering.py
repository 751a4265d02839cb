"""What the untaught model writes, for several comments together: test answers, drafts, and what it makes of being told.

Every function takes a model and items and returns one plain record an item, to be kept in a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sayso.critics.refiners import Sample
from sayso.evaluation.takes import SCOPES
from sayso.loop.bench import memory
from sayso.loop.bench.suite import Item
from sayso.loop.bench.tiers import Tier
from sayso.models import templates
from sayso.records import Comment, Prompt, Response

if TYPE_CHECKING:
    from sayso.models.local import LocalModel
    from sayso.models.writing.sampling import Sampling

Kept = dict[str, Any]
EMPTY, PRAISE, WRONG = "", "Well done. Leave it as it is.", "This is not right."
"""What stands in the place of the comment in three controls; the last says that a draft is wrong, and not what is."""
PLAIN = {"empty": EMPTY, "praise": PRAISE, "correctness": WRONG}
SAMPLES_SEED = 101
"""Of the answers on which divergence is measured, apart from the seeds of the drafts."""


def base(model: LocalModel, items: Sequence[Item], tier: Tier) -> list[Kept]:
    """Answer the test prompts greedily, and once more as the model would at temperature 1, to measure divergence on."""
    clock = _Clock()
    asked = [tested(item, tier) for item in items]
    texts = _write(model, [prompt for scopes in asked for prompt in _flat(scopes)], tier.sampling(temperature=0))
    drawn = _write(
        model, [prompt for scopes in asked for prompt in scopes["out"]], tier.sampling(temperature=1, seed=SAMPLES_SEED)
    )
    found = [{**_by_scope(scopes, texts), "samples": [next(drawn) for _prompt in scopes["out"]]} for scopes in asked]
    return [{**record, **clock.share(len(items))} for record in found]


def told(model: LocalModel, items: Sequence[Item], answers: Sequence[Kept], tier: Tier, seed: int) -> list[Kept]:
    """Answer the test prompts with the comment in the prompt, with memory, and refine the answers in scope as it says."""
    clock = _Clock()
    prompts: list[Prompt] = []
    for item, before in zip(items, answers, strict=True):
        comment = [item.comment(seed)]
        asked = tested(item, tier)
        prompts += [templates.told(prompt, comment) for prompt in _flat(asked)]
        prompts += [
            templates.told(prompt, comment if hit else [])
            for prompt, hit in zip(_flat(asked), _hits(item, tier), strict=True)
        ]
        prompts += [templates.refine(prompt, text, comment) for prompt, text in zip(asked["in"], before["in"], strict=True)]
    texts = _write(model, prompts, tier.sampling(temperature=0))
    found = []
    for item, before in zip(items, answers, strict=True):
        asked, held = tested(item, tier), item.held()
        record = {"in the prompt": _by_scope(asked, texts), "memory": _by_scope(asked, texts)}
        refined = [next(texts) for _prompt in asked["in"]]
        # What meets the comment already is left as it is.
        kept = [old if held(old).held else new for old, new in zip(before["in"], refined, strict=True)]
        found.append({**record, "in context": {"in": kept}})
    return [{**record, **clock.share(len(items))} for record in found]


def drafts(model: LocalModel, items: Sequence[Item], tier: Tier, seed: int) -> list[Kept]:
    """Answer the prompts to learn from, and let the model refine its drafts that do not meet the comment."""
    clock = _Clock()
    usual, wide = tier.sampling(temperature=0.8, seed=seed), tier.sampling(temperature=1, seed=seed)
    inside = [item.learn["in"][: tier.drafts] for item in items]
    first, again = _write(model, _chain(inside), usual), _write(model, _chain(inside), wide)
    beside = [learnt(item, tier) for item in items]
    held = _write(model, [prompt for scopes in beside for prompt in (*scopes["near"], *scopes["out"])], wide)
    found: list[Kept] = []
    for item, prompts, scopes in zip(items, inside, beside, strict=True):
        texts = [next(first) for _prompt in prompts]
        record: Kept = {"in": texts, "random": [next(again) for _prompt in prompts]}
        record |= {scope: [next(held) for _prompt in scopes[scope]] for scope in ("near", "out")}
        check = item.held()
        found.append({**record, "met": [check(text).held for text in texts]})
    _refine(model, items, found, tier, seed)
    sizes = [{name: _tokens(model, record[name]) for name in _DRAWN} | record.pop("sizes") for record in found]
    return [{**record, "tokens": size, **clock.share(len(items))} for record, size in zip(found, sizes, strict=True)]


_DRAWN = ("in", "random", "near", "out", *PLAIN)


def _refine(model: LocalModel, items: Sequence[Item], found: Sequence[Kept], tier: Tier, seed: int) -> None:
    """Add to each record what the model makes of its failing drafts, told the comment or what stands for it."""
    sampling = tier.sampling(temperature=0.8, seed=seed)
    requests = [request for item, record in zip(items, found, strict=True) for request in _failing(item, record, seed)]
    sample = Sample(writer=model, sampling=sampling, n=tier.candidates, template="refine")
    own = iter(sample.refine(requests))
    plain = {}
    for name, text in PLAIN.items():
        said = [Comment(text=text, id=name)]
        plain[name] = _write(model, [templates.refine(r.prompt, r, said) for r, _comments in requests], sampling)
    for record in found:
        answers = [(None, ()) if met else next(own) for met in record["met"]]
        record["self"] = [kept.text if kept else None for kept, _why in answers]
        written = [*record["self"], *(rejection.text for _kept, why in answers for rejection in why)]
        record["sizes"] = {"self": _tokens(model, written)}
        for name, texts in plain.items():
            record[name] = [None if met else next(texts) for met in record["met"]]


def _failing(item: Item, record: Kept, seed: int) -> Iterable[tuple[Response, tuple[Comment, ...]]]:
    comment = item.comment(seed)
    for prompt, text, met in zip(item.learn["in"], record["in"], record["met"], strict=False):
        if not met:
            yield Response(prompt=prompt, text=text), (comment,)


def tested(item: Item, tier: Tier) -> dict[str, tuple[Prompt, ...]]:
    """Return the prompts on which a comment is tested."""
    return {scope: item.test[scope][: tier.tests] for scope in SCOPES}


def learnt(item: Item, tier: Tier) -> dict[str, tuple[Prompt, ...]]:
    """Return the near and out prompts whose drafts hold the model in place."""
    return {scope: item.learn[scope][: tier.anchors] for scope in ("near", "out")}


def _hits(item: Item, tier: Tier) -> list[bool]:
    """Say for each test prompt whether the most alike of the prompts learnt from had the comment."""
    inside = [prompt.text for prompt in item.learn["in"][: tier.drafts]]
    beside = [prompt.text for prompts in learnt(item, tier).values() for prompt in prompts]
    places = memory.nearest([*inside, *beside], [prompt.text for prompt in _flat(tested(item, tier))])
    return [place < len(inside) for place in places]


def _tokens(model: LocalModel, texts: Iterable[str | None]) -> int:
    return sum(len(model.encode_response(text)) for text in texts if text)


def _flat(scopes: dict[str, tuple[Prompt, ...]]) -> list[Prompt]:
    return _chain(scopes[scope] for scope in SCOPES)


def _chain(prompts: Iterable[Iterable[Prompt]]) -> list[Prompt]:
    return [prompt for some in prompts for prompt in some]


def _by_scope(asked: dict[str, tuple[Prompt, ...]], texts: Iterable[str]) -> dict[str, list[str]]:
    written = iter(texts)
    return {scope: [next(written) for _prompt in asked[scope]] for scope in SCOPES}


def _write(model: LocalModel, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[str]:
    return iter(model.generate(prompts, sampling)) if prompts else iter(())


class _Clock:
    """How long a batch took, shared out over its comments."""

    def __init__(self) -> None:
        self.started = perf_counter()

    def share(self, parts: int) -> Kept:
        return {"seconds": round((perf_counter() - self.started) / parts, 3)}
