"""Personal data that stands behind the name of its field: 姓名：…, 身份证号：…, 地址：…, 电话：…, password: …, address: …

A value is believed when it looks like one: behind "is", 是 or 为 it needs a digit, a name needs to be spelt like a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

FieldKind = Literal["name", "address", "phone", "identity", "card", "account", "secret", "birth"]

_LABELS: dict[FieldKind, tuple[str, ...]] = {
    "name": (
        "姓名", "联系人", "收件人", "收货人", "户名", "持卡人", "患者姓名", "客户姓名", "full name", "first name",
        "last name",
        "surname", "contact name", "customer name", "patient name", "cardholder name", "name",
    ),
    "address": (
        "地址", "住址", "户籍所在地", "home address", "mailing address", "street address", "billing address",
        "shipping address", "postal address", "residence", "address",
    ),
    "phone": (
        "电话", "电话号码", "手机", "手机号", "手机号码", "联系方式", "联系电话", "传真", "telephone", "phone",
        "phone number", "mobile", "cell", "tel", "fax",
    ),
    "identity": (
        "身份证", "身份证号", "身份证号码", "护照", "护照号", "护照号码", "证件号", "证件号码", "驾驶证号", "社保号",
        "passport",
        "passport no", "passport number", "ssn", "social security number", "id number", "id no", "driver's license",
        "driver license", "national id",
    ),
    "card": ("卡号", "银行卡", "银行卡号", "信用卡", "信用卡号", "card number", "credit card", "debit card"),
    "account": (
        "账号", "帐号", "银行账号", "账户", "微信", "微信号", "qq", "qq号", "用户名", "account number", "account no", "iban",
        "wechat", "username", "user name", "login",
    ),
    "secret": (
        "密码", "口令", "支付密码", "验证码", "password", "passwd", "passcode", "passphrase", "pwd", "pin", "pin code",
        "api key", "api_key", "apikey", "api-key", "secret key", "secret_key", "access token", "access_token",
        "auth token", "auth_token", "private key", "private_key",
    ),
    "birth": ("出生日期", "出生年月", "生日", "date of birth", "birth date", "birthdate", "birthday", "dob"),
}  # fmt: skip
_CHINESE_NAME = r"[\u4e00-\u9fff]{2,4}(?:·[\u4e00-\u9fff]{1,8})?(?![\u4e00-\u9fff])"
_LATIN_NAME = r"[A-Z][a-zà-ž]+(?:[ -](?:[A-Z]\.|(?:[A-Z]['’])?[A-Z][a-zà-ž]+)){1,3}"
_VALUES: dict[FieldKind, str] = {
    "name": f"{_CHINESE_NAME}|{_LATIN_NAME}",
    "address": r"(?:[^\n;；。|\"”<>{}\[\].]|\.(?! )){4,90}",
    "phone": r"[+(（]?[0-9][0-9 ()（）.-]{4,20}[0-9]",
    "identity": r"[A-Za-z]{0,3}[0-9](?:[ -]?[0-9]){4,20}[A-Za-z]?(?![A-Za-z0-9])"
    r"|[A-Za-z0-9]{5,20}(?:-[A-Za-z0-9]{2,6}){0,3}",
    "card": r"[0-9](?:[ -]?[0-9]){7,24}",
    "account": r"[0-9](?: ?[0-9]){5,30}|[A-Za-z0-9_](?:[.-]?[A-Za-z0-9_]){3,33}",
    "secret": r"[^\s\"'“”‘’，。；,;<>\[\]]{4,128}",
    "birth": r"[0-9０-９]{1,4} ?[年/.-] ?[0-9]{1,2}(?: ?[月/.-] ?[0-9]{1,4} ?日?)?|[0-9]{1,2} [A-Z][a-z]{2,8} [0-9]{4}"
    r"|[A-Z][a-z]{2,8} [0-9]{1,2},? [0-9]{4}",
}
_SIGN = re.compile(r"[:：=＝是为]|is\b")
_AROUND = " \t\"'”’*_）)"
_LONGEST_LABEL = 32
_ENDS = {kind: tuple({label.replace("_", " ") for label in labels}) for kind, labels in _LABELS.items()}
_ALL = tuple(end for ends in _ENDS.values() for end in ends)
_PLACE = re.compile(r"[0-9]|[省市区县镇乡村路街道巷号]")
_DIGIT = re.compile(r"[0-9]")
_BETWEEN = r"[\"'”’*_）)]{0,3}[ \t]{0,3}(?P<sign>[:：=＝]|是|为|is\b)[ \t]{0,3}[\"'“‘*_]{0,3}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """The value of a named field, and where it stands in the text."""

    kind: FieldKind
    start: int
    end: int


def find(text: str) -> Iterator[Value]:
    """Yield the values that stand behind the name of a field that holds personal data."""
    for kind in _kinds_in(text):
        for match in _PATTERNS[kind].finditer(text):
            if _BELIEVED[kind](match["value"], match["sign"]):
                yield Value(kind=kind, start=match.start("value"), end=match.end("value"))


def _kinds_in(text: str) -> list[FieldKind]:
    """Return the kinds of which a label stands before some sign: quick, and most texts have none."""
    found: dict[FieldKind, None] = {}
    for match in _SIGN.finditer(text):
        before = text[max(0, match.start() - _LONGEST_LABEL) : match.start()].rstrip(_AROUND).lower().replace("_", " ")
        if before.endswith(_ALL):
            found |= {kind: None for kind, ends in _ENDS.items() if before.endswith(ends)}
    return list(found)


def _pattern(kind: FieldKind) -> re.Pattern[str]:
    longest = sorted(_LABELS[kind], key=len, reverse=True)
    label = "|".join(re.escape(name).replace(r"\ ", "[ _]") for name in longest)
    return re.compile(
        f"(?:(?<![A-Za-z0-9_])|(?<=[_.]))(?<!mail )(?<!IP )(?<!ip )(?i:{label}){_BETWEEN}(?P<value>{_VALUES[kind]})"
    )


def _stated(value: str, sign: str) -> bool:
    """Behind a colon anything is a value; a sentence that says what something is needs a digit."""
    return sign in (":", "：", "=", "＝") or _DIGIT.search(value) is not None


def _with_digit(value: str, _sign: str) -> bool:
    return _DIGIT.search(value) is not None


def _spelt(_value: str, sign: str) -> bool:
    return sign not in ("is", "是")


def _place(value: str, sign: str) -> bool:
    return _PLACE.search(value) is not None and _stated(value, sign)


_BELIEVED: dict[FieldKind, Callable[[str, str], bool]] = {
    "name": _spelt, "address": _place, "phone": _with_digit, "identity": _with_digit, "card": _with_digit,
    "account": _with_digit, "secret": _stated, "birth": _with_digit,
}  # fmt: skip
_PATTERNS = {kind: _pattern(kind) for kind in _LABELS}
