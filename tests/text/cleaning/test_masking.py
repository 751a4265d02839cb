"""Personal data is masked so that none can be found again, by the names of fields and by its form; other words stay."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sayso.errors import MissingExtraError, SettingsError
from sayso.text.cleaning import fields, masking
from sayso.text.cleaning.masking import KINDS, Masking
from sayso.text.files import opening

USUAL = Masking()


def masked(text: str, **settings: Any) -> str:
    return masking.masked(text, Masking(**settings))[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("姓名：张三，年龄：30", "姓名：[name]，年龄：30"),
        ("收件人: 欧阳建国", "收件人: [name]"),
        ("Name: John Smith\nAge: 30", "Name: [name]\nAge: 30"),
        ("Full name: Mary-Jane O'Neil.", "Full name: [name]."),
        ("身份证号：110105199901011234。", "身份证号：[identity]。"),
        ("护照号码 G12345678", "护照号码 G12345678"),
        ("护照号码：G12345678", "护照号码：[identity]"),
        ("SSN: 123-45-6789 on file", "SSN: [identity] on file"),
        ("地址：北京市朝阳区建国路某小区。邮编", "地址：[address]。邮编"),
        ("Address: 12 Elm, Springfield; call", "Address: [address]; call"),
        ("电话：62345678", "电话：[phone]"),
        ("Phone: 5551234 ext", "Phone: [phone] ext"),
        ("卡号：6222 0212 3456 7890", "卡号：[card]"),
        ("微信号：wxid_abc123", "微信号：[account]"),
        ("password: correct-horse", "password: [secret]"),
        ("密码是abc12345，别告诉别人", "密码是[secret]，别告诉别人"),
        ('{"api_key": "sk-12ab34"}', '{"api_key": "[secret]"}'),
        ("DB_PASSWORD=hunter2;", "DB_PASSWORD=[secret];"),
        ("My PIN is 4711 now", "My PIN is [secret] now"),
        ("出生日期：1990年1月2日", "出生日期：[birth]"),
        ("DOB: 1990-01-02", "DOB: [birth]"),
        ("Ask 8.8.8.8 for it", "Ask [ip] for it"),
    ],
)
def test_a_value_behind_the_name_of_its_field_is_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "the password is required here", "密码是很重要的", "the hotel: five stars", "he gave an address: it was long",
        "her name is unknown", "file name: notes", "IP address: none", "version 1.2.3.4.5", "at 10.0.0.1 or 127.0.0.1",
        "the pinned item: yes", "姓名是什么", "In 2024 the road was 12 miles long", "他走了三里路", "pi is 3.14159",
    ],
)  # fmt: skip
def test_words_that_only_look_like_it_stay(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He lives at 12 Main Street, Springfield, IL 62704 now.", "He lives at [address] now."),
        ("221B Baker Street is known", "[address] is known"),
        ("Send it to P.O. Box 1234.", "Send it to [address]."),
        ("他住在上海市浦东新区世纪大道100号5楼。", "他住在[address]。"),
        ("北京市海淀区中关村大街27号院3号楼502室", "[address]"),
        ("寄到杭州市文三路90号", "寄到[address]"),
    ],
)
def test_an_address_is_known_by_its_form(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_only_chosen_kinds_are_masked_and_the_mask_is_a_setting() -> None:
    text = "mei@example.com, 13812345678"
    assert masked(text, kinds=("email",)) == "[email], 13812345678"
    assert masked(text, mask="<{kind}>") == "<email>, <phone>"
    assert masked(text, mask="***") == "***, ***"
    with pytest.raises(SettingsError, match="'letter' is not known; expected some of email"):
        Masking(kinds=("letter",))
    for mask in ("a@b.com", "13812345678", "two\nlines"):
        with pytest.raises(SettingsError, match="looks like personal data itself"):
            Masking(mask=mask)


def test_what_was_found_is_told_in_its_order() -> None:
    _text, found = masking.masked("姓名：张三 mei@example.com 13812345678", USUAL)
    assert [item.kind for item in found] == ["name", "email", "phone"]


PIECES = st.sampled_from([
    "mei@example.com", "13812345678", "+44 20 7946 0958", "11010519491231002X", "4111 1111 1111 1111", "8.8.8.8",
    "姓名：", "张三", "password", ":", "：", "=", " ", "is ", "是", "abc", "12", "Main Street", "号", "路", "100",
    "地址", "address", "[email]", "[", "]", ".", "-", "@", "com", "\n", '"', "phone", "电话", "DOB", "1990-01-02",
    "John Smith", "Name", "(", ")", "1",
])  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(text=st.lists(PIECES, max_size=20).map("".join) | st.text(max_size=50))
@example(text="13812345678-13812345679")
@example(text="password: password: password: x1x2")
@example(text="1381234567813812345678")
def test_nothing_is_found_in_what_was_masked(text: str) -> None:
    done, found = masking.masked(text, USUAL)
    assert masking.find(done, USUAL) == []
    assert bool(found) is (done != text)
    assert all(0 <= item.start < item.end <= len(text) for item in found)
    assert all(one.end <= two.start for one, two in itertools.pairwise(found))


@pytest.mark.parametrize("unit", ["1 ", "姓名：", "password: ", "路1号", "12 A B ", "a.", "is ", "1.1.1.", "Name: A "])
def test_a_long_hostile_text_comes_to_an_end(unit: str) -> None:
    assert masking.find(unit * 5000, USUAL) is not None  # a pattern that backtracks takes hours


def test_every_kind_has_labels_that_are_found() -> None:
    assert {value.kind for value in fields.find("name: Ann Lee\naddress: 1 X\nphone: 1234567\nid no: A12345")} == {
        "name", "address", "phone", "identity",
    }  # fmt: skip
    assert set(fields._LABELS) <= set(KINDS)


class Analyzer:
    """What presidio's engine is to us."""

    def analyze(self, *, text: str, language: str) -> list[Any]:
        assert language == "en"
        at = text.find("Ann")
        odd = SimpleNamespace(entity_type="NRP", start=0, end=1)
        return [odd, SimpleNamespace(entity_type="PERSON", start=at, end=at + 3)] if at >= 0 else [odd]


def test_presidio_looks_too_where_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    masking._analyzer.cache_clear()
    monkeypatch.setattr(opening, "extra", lambda *_a, **_k: SimpleNamespace(AnalyzerEngine=Analyzer))
    assert masked("Ann met Ann.", presidio=True) == "[name] met [name]."
    masking._analyzer.cache_clear()


def test_presidio_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    masking._analyzer.cache_clear()

    def leave() -> None:
        raise SystemExit(1)

    monkeypatch.setattr(opening, "extra", lambda *_a, **_k: SimpleNamespace(AnalyzerEngine=leave))
    with pytest.raises(MissingExtraError, match="install a language model"):
        masked("Ann", presidio=True)
    monkeypatch.undo()
    with pytest.raises(MissingExtraError, match="pip install presidio-analyzer"):
        masked("Ann", presidio=True)
