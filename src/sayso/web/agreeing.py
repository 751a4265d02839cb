"""How far the team agrees, as the team page shows it: on verdicts and kinds beyond chance, on spans by their overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sayso.evaluation import agreement, overlap
from sayso.evaluation.agreement import Agreement, Agreements, Rating
from sayso.evaluation.overlap import Marking
from sayso.i18n import gettext as _
from sayso.store import judged
from sayso.web import pictures

if TYPE_CHECKING:
    from sayso.store.database import Store

SEED = 0
"""Of the intervals: the same judgements give the same intervals."""
DRAWS = 500
_ROWS = 20
"""Lines of the picture at most."""


def gather(store: Store) -> dict[str, Agreements]:
    """Return the agreement on verdicts, on kinds of comments and on spans (F1), each overall and by pair."""
    with store.reading() as db:
        found = judged.judged(db)
    said = [(response, name, judgement) for response, people in found.items() for name, judgement in people.items()]
    verdicts = [Rating(response, name, item.verdict) for response, name, item in said if item.verdict is not None]
    kinds = [Rating(response, name, tuple(item.kinds)) for response, name, item in said]
    markings = [Marking(response, name, tuple(item.spans), _length(found[response])) for response, name, item in said]
    return {
        "verdicts": agreement.on_verdicts(verdicts, seed=SEED, draws=DRAWS),
        "kinds": agreement.on_kinds(kinds, seed=SEED, draws=DRAWS),
        "spans": overlap.on_spans(markings, measure="f1", seed=SEED, draws=DRAWS),
    }


def _length(people: Mapping[str, judged.Judgement]) -> int:
    """Return a length that no span exceeds; F1 does not depend on what lies behind."""
    return max((end for item in people.values() for _start, end in item.spans), default=0)


def shown(found: Mapping[str, Agreements]) -> dict[str, Any]:
    """Return the agreement as JSON values, in the user's language.

    `verdicts`, `kinds` and `spans` are None where there is nothing to tell; `said` then tells why, and else the figures.
    """
    return {
        **{name: _figures(item.overall) for name, item in found.items()},
        "said": {name: agreement.say(item.overall) for name, item in found.items()},
        "enough": agreement.ENOUGH,
        "pairs": _pairs(found),
        "picture": _picture(found["verdicts"].pairs),
    }


def _figures(found: Agreement) -> dict[str, Any] | None:
    """Return the figures the page draws; `alpha` is the estimate (of spans: F1), `n` the number of responses."""
    if found.value is None:
        return None
    low, high = found.interval if found.interval is not None else (None, None)
    return {
        "alpha": round(found.value, 4),
        "low": None if low is None else round(low, 4),
        "high": None if high is None else round(high, 4),
        "n": found.units,
        "reading": found.reading,
        "observed": None if found.observed is None else round(found.observed, 4),
    }


def _pairs(found: Mapping[str, Agreements]) -> list[dict[str, Any]]:
    by_pair: dict[tuple[str, ...], dict[str, Any]] = {}
    for name, item in found.items():
        for pair in item.pairs:
            by_pair.setdefault(pair.raters, dict.fromkeys(found))[name] = _figures(pair)
    return [{"a": pair[0], "b": pair[1], **figures} for pair, figures in sorted(by_pair.items())]


def _picture(pairs: Sequence[Agreement]) -> str:
    """Draw the pairs that agree least first: there something has to be talked about."""
    told = [
        (pair.value, pair.interval, pair.raters) for pair in pairs if pair.value is not None and pair.interval is not None
    ]
    rows = [
        pictures.Stretch(
            label=_("{one} and {other}").format(one=raters[0], other=raters[1]),
            value=value,
            low=interval[0],
            high=interval[1],
        )
        for value, interval, raters in sorted(told, key=lambda item: (item[0], item[2]))[:_ROWS]
    ]
    return pictures.stretches("agreement", _("Agreement on verdicts, by pair (alpha)"), rows, marks=(agreement.ENOUGH,))
