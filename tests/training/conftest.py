"""Rows to learn from, and a tiny model made ready to learn."""

from __future__ import annotations

import pytest
from tests.contracts.method import examples

from sayso.methods.refine_sft import RefineSft
from sayso.training.optimizer import prepare


@pytest.fixture(scope="session")
def ready(tiny_copy):
    """Makes a fresh tiny model ready as settings want it."""
    return lambda settings: prepare(tiny_copy(), settings)


@pytest.fixture(scope="session")
def _rows(tiny_copy):
    return list(RefineSft().rows(examples(), tiny_copy()))


@pytest.fixture
def rows(_rows):
    return list(_rows)
