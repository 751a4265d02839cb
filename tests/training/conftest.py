"""Rows to learn from, and a tiny model made ready to learn."""

from __future__ import annotations

import pytest
from tests.contracts.method import examples

from sayso.methods.refine_sft import RefineSft
from sayso.models import local
from sayso.training.optimizer import prepare
from sayso.training.settings import Train


@pytest.fixture
def ready(tiny_folder):
    """Makes a fresh tiny model ready as settings want it."""

    def make(settings: Train):
        return prepare(local.load(tiny_folder, device="cpu"), settings)

    return make


@pytest.fixture
def rows(tiny):
    return list(RefineSft().rows(examples(), tiny))
