"""How far the probabilities of a classifier can be believed: one temperature, fitted on texts that were not learnt from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from sayso.models.labelling import log_softmax

_COLDEST, _HOTTEST = -5.0, 5.0  # logarithms


def temperature(logits: NDArray[np.float64], classes: Sequence[int] | NDArray[np.int64]) -> float:
    """Return what logits (N, K) are to be divided by, so that the right classes are the likeliest; no answer changes.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks (arXiv 1706.04599), section 4.2. With all texts right
    there is nothing to be learnt of doubt, and the logits stay as they are.
    """
    right = np.asarray(classes)
    if not len(right) or bool((logits.argmax(axis=1) == right).all()):
        return 1.0

    def cost(log_temperature: float) -> float:
        found = log_softmax(logits / np.exp(log_temperature))
        return float(-found[np.arange(len(right)), right].mean())

    found = minimize_scalar(cost, bounds=(_COLDEST, _HOTTEST), method="bounded")
    return float(np.exp(found.x))
