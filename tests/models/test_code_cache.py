"""What oneDNN keeps of shapes it has met is bounded before the first product, unless someone said otherwise."""

from __future__ import annotations

import os

import sayso.models.arithmetic  # noqa: F401  sets them


def test_few_shapes_keep_their_code() -> None:
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        assert 0 < int(os.environ[name]) <= 1024
