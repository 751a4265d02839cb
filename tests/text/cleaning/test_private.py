"""Personal data is found where it is, and numbers that only look like it are left alone."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.text.cleaning import private


def kinds(text: str) -> list[tuple[str, str]]:
    return [(item.kind, text[item.start : item.end]) for item in private.find(text)]


@pytest.mark.parametrize("address", ["mei.lin@example.com", "a+b@mail.example.co.uk", "x_1@sub-domain.example.org"])
def test_an_address_is_found(address: str) -> None:
    assert kinds(f"Write to {address}, please.") == [("email", address)]


def test_an_address_is_found_between_chinese_characters() -> None:
    assert kinds("请写信到mei@example.com。谢谢") == [("email", "mei@example.com")]


@pytest.mark.parametrize("text", ["a @ b", "name@host", "@mention and @another", "x@1.2", "see foo@bar."])
def test_what_only_has_the_sign_is_no_address(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize(
    "number",
    ["13812345678", "138 1234 5678", "138-1234-5678", "+86 13812345678", "+8613812345678", "010-62345678", "0755 26123456"],
)
def test_a_chinese_number_is_found(number: str) -> None:
    assert kinds(f"电话：{number}，下午打") == [("phone", number)]


@pytest.mark.parametrize(
    "number",
    ["+44 20 7946 0958", "+1 (415) 555-2671", "+49 30 901820", "0044 20 7946 0958", "(415) 555-2671", "415-555-2671",
     "+33.1.42.68.53.00"],
)  # fmt: skip
def test_a_number_from_elsewhere_is_found(number: str) -> None:
    assert kinds(f"Call {number} tonight") == [("phone", number)]


@pytest.mark.parametrize(
    "text",
    ["in 2024-2025", "10.1234/567", "12345678", "3.14159265358979", "v1.2.3-4567", "12813812345678999", "1500 of 2000",
     "2026-11-22 14:05:06", "0x1381234567890"],
)  # fmt: skip
def test_other_numbers_are_no_telephone(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize("number", ["11010519491231002X", "11010519491231002x", "440524188001010014"])
def test_an_identity_number_is_found_by_its_check_digit(number: str) -> None:
    assert kinds(f"身份证{number}。") == [("identity", number)]


@pytest.mark.parametrize(
    "number",
    ["110105194912310021", "110105194913310024", "990105194912310021", "11010519491231002"],
    ids=["check digit", "month", "region", "too short"],
)
def test_what_is_no_identity_number_is_not_called_one(number: str) -> None:
    assert "identity" not in [kind for kind, _text in kinds(number)]


@pytest.mark.parametrize(
    "number", ["4111 1111 1111 1111", "4111111111111111", "5555-5555-5555-4444", "378282246310005", "6222021234567890128"]
)
def test_a_card_is_found_by_its_check_digit(number: str) -> None:
    assert kinds(f"card {number} expires") == [("card", number)]


@pytest.mark.parametrize("number", ["4111 1111 1111 1112", "4444444444444444444444", "9111111111111111"])
def test_a_number_with_a_wrong_check_digit_is_no_card(number: str) -> None:
    assert kinds(number) == []


def test_several_are_found_in_order_and_none_twice() -> None:
    text = "mei@example.com 13812345678 11010519491231002X +86 13812345678"
    assert [kind for kind, _text in kinds(text)] == ["email", "phone", "identity", "phone"]


@given(st.text(alphabet="0123456789-+ ()@.aX卡", max_size=200))
def test_whatever_is_written_the_places_are_in_the_text_and_apart(text: str) -> None:
    found = private.find(text)
    assert all(0 <= item.start < item.end <= len(text) for item in found)
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))


@pytest.mark.parametrize("unit", ["1", "a.", "a@", "4 ", "(1)", "+1 ", "a@b.", "1-"])
def test_a_long_hostile_text_comes_to_an_end(unit: str) -> None:
    assert all(
        item.end <= 20_000 * len(unit) for item in private.find(unit * 20_000)
    )  # a pattern that backtracks takes hours
