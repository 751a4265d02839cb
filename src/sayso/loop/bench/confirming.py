"""The primary result once more, by another way: a mixed-effects logistic regression of every single answer.

    effect ~ method * scope + (1 + method + method:in | comment) + (1 | prompt)

`method` is the method against its shuffled control, `near` is the scope that the others are compared with. So the
interaction of method and `in` is how much more the method does in scope than near it, in log-odds. The comment has a slope
for it too: without one, comments that differ in what they gain would pass for evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sayso.errors import MissingExtraError
from sayso.i18n import say
from sayso.loop.bench.comparing import ALPHA, Figure, Row, Table
from sayso.loop.bench.tiers import SHUFFLED

Floats = NDArray[np.float64]
FIXED_SD, SPREAD_SD = 2.0, 1.0
"""Of the priors: of every fixed effect, in log-odds, and of the logarithm of every standard deviation."""
STEPS = 25
"""Of Newton's method, at most."""
Z95 = 1.959964
INTERACTION = 4
"""The column of method and `in`."""


class Answers(NamedTuple):
    """Single answers, a place each."""

    held: Floats
    """1 where the effect is there."""
    method: Floats
    """1 by the method, 0 by its control."""
    scope: NDArray[np.str_]
    comment: NDArray[np.int64]
    prompt: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirmation:
    """Whether the regression says of a method what the primary test says."""

    method: str
    against: str
    interaction: Figure | None
    """In log-odds, with its 95 % interval; None where it was not reckoned."""
    shown: bool
    """Whether the primary test shows the gain."""
    agrees: bool | None
    """The interval is above 0 where the gain is shown, and reaches 0 or below where it is not."""
    why: str = ""
    """Why there is no interaction."""


def confirmations(table: Table, rows: Sequence[Row], methods: Sequence[str]) -> list[Confirmation]:
    """Return a confirmation a method that has a shuffled control."""
    tests = {row.name: row.tests for row in rows}
    named = [(name, SHUFFLED.format(method=name)) for name in methods]
    return [_confirmed(table, name, other, shown=tests[name].get("gain", 1.0) < ALPHA)
            for name, other in named if name in table.by_name and other in table.by_name]  # fmt: skip


def _confirmed(table: Table, name: str, other: str, *, shown: bool) -> Confirmation:
    answers, low, found, why = answers_of(table, name, other), 0.0, None, ""
    if len(table.items) < 2:
        why = "a single comment"
    elif len(set(answers.held)) < 2:
        why = "all answers are alike"
    else:
        try:
            found = interaction(answers)
            low = found[1]
        except MissingExtraError as error:
            why = say(error)
    agrees = None if found is None else (low > 0) == shown
    return Confirmation(method=name, against=other, interaction=found, shown=shown, agrees=agrees, why=why)


def answers_of(table: Table, name: str, other: str) -> Answers:
    """Return the answers of two conditions; a prompt is one across seeds and conditions, but not across comments."""
    places: dict[tuple[str, str, str], int] = {}
    found: list[tuple[bool, bool, str, int, int]] = []
    for number, item in enumerate(table.items):
        for condition in (name, other):
            for seed in table.seeds:
                for one in table.by_name[condition][item, seed].outcomes:
                    prompt = places.setdefault((item, one.scope, one.prompt.id), len(places))
                    found.append((one.held_after, condition == name, one.scope, number, prompt))
    columns = [np.array(column) for column in zip(*found, strict=True)]
    return Answers(columns[0].astype(float), columns[1].astype(float), *columns[2:])


def interaction(answers: Answers) -> tuple[float, float, float]:
    """Return the interaction of method and scope with its 95 % interval.

    The standard deviations of comments and prompts are those of the variational posterior (statsmodels'
    BinomialBayesMixedGLM). Its own interval is too narrow, since it takes all effects for independent of each other: given
    the standard deviations, we take the mode of the posterior and the curvature there (Laplace).

    Raises:
        MissingExtraError: statsmodels is not installed.
    """
    if find_spec("statsmodels") is None:
        raise MissingExtraError(
            "the confirmation needs statsmodels, which is not installed; get it with `pip install 'sayso[stats]'`"
        )
    from scipy import sparse
    from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM

    fixed, random, kinds = design(answers)
    model = BinomialBayesMixedGLM(answers.held, fixed, random, kinds, vcp_p=SPREAD_SD, fe_p=FIXED_SD)
    found = model.fit_vb(fit_method="L-BFGS-B", minim_opts={"maxiter": 500}, rng=0)
    precision = np.concatenate([np.full(fixed.shape[1], FIXED_SD**-2), np.exp(-2 * found.vcp_mean[kinds])])
    start = np.concatenate([found.fe_mean, found.vc_mean])
    mean, sd = _mode(sparse.hstack([sparse.csr_matrix(fixed), random]).tocsc(), answers.held, precision, start)
    return (mean, mean - Z95 * sd, mean + Z95 * sd)


def design(answers: Answers) -> tuple[Floats, Any, NDArray[np.int64]]:
    """Return the columns of the fixed effects, those of the random ones (sparse), and the kind of each of these."""
    from scipy import sparse

    method, inside, out = answers.method, (answers.scope == "in") * 1.0, (answers.scope == "out") * 1.0
    ones, count = np.ones(len(method)), np.arange(len(method))
    fixed = np.column_stack([ones, method, inside, out, method * inside, method * out])
    comments = [(answers.comment, weights) for weights in (ones, method, method * inside)]
    parts = [
        sparse.csr_matrix((weights, (count, groups)), shape=(len(count), groups.max() + 1))
        for groups, weights in (*comments, (answers.prompt, ones))
    ]
    kinds = np.concatenate([np.full(part.shape[1], kind) for kind, part in enumerate(parts)])
    return fixed, sparse.hstack(parts).tocsr(), kinds


def _mode(columns: Any, held: Floats, precision: Floats, start: Floats) -> tuple[float, float]:
    """Return the interaction at the mode of the posterior, and its standard deviation by the curvature there."""
    from scipy import sparse, special
    from scipy.sparse.linalg import splu

    found = start
    wanted = np.eye(1, len(start), INTERACTION).ravel()
    for _step in range(STEPS):
        share = special.expit(columns @ found)
        curvature = columns.T @ sparse.diags_array(share * (1 - share)) @ columns + sparse.diags_array(precision)
        solved = splu(curvature.tocsc())
        moved = solved.solve(columns.T @ (held - share) - precision * found)
        found = found + moved
        if np.abs(moved).max() < 1e-8:
            break
    return float(found[INTERACTION]), float(np.sqrt(solved.solve(wanted)[INTERACTION]))
