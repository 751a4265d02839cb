"""Threads that want to write get their turn in the order they asked, and one that gives up holds up nobody."""

from __future__ import annotations

import threading
import time

import pytest

from sayso.store.turns import Turns


def until(condition: object) -> None:
    while not condition():  # type: ignore[operator]
        time.sleep(0.001)


def test_turns_come_in_the_order_they_were_asked_for() -> None:
    turns, came = Turns(), []

    def come(name: int) -> None:
        with turns.turn(60):
            came.append(name)

    threads = [threading.Thread(target=come, args=(name,)) for name in range(5)]
    with turns.turn(60):
        for number, thread in enumerate(threads):
            thread.start()
            until(lambda number=number: len(turns._waiting) == number + 1)
    for thread in threads:
        thread.join()
    assert came == list(range(5))


def test_who_gives_up_is_passed_over() -> None:
    turns = Turns()
    with turns.turn(60), pytest.raises(TimeoutError), turns.turn(0.01):
        raise AssertionError
    with turns.turn(0.01):
        assert not turns._waiting


def test_an_error_in_a_turn_ends_it() -> None:
    turns = Turns()
    with pytest.raises(KeyError), turns.turn(60):
        raise KeyError
    with turns.turn(0.01):
        pass
