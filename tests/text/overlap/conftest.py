"""What the tests of this room share."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def breaking_off(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], Callable[[], int]]:
    """Let every second job of a module that writes be broken off; what is returned says how many have begun."""

    def every_second(module: ModuleType) -> Callable[[], int]:
        real, begun = module._write, 0

        def work(job: Any) -> Any:
            nonlocal begun
            begun += 1
            if begun % 2 == 0:
                raise KeyboardInterrupt
            return real(job)

        monkeypatch.setattr(module, "_write", work)
        return lambda: begun

    return every_second
